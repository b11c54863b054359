/** How long to wait before the next connection: the back-off, and what a hub asked for instead of it. Pure. */
import { GOOD_MS, jitter } from "./backoff.js";

/** A hub without room is left alone at least so long, in milliseconds. */
const NO_ROOM_MS = 5_000;
const TRY_AGAIN_LATER = 1013;
/** `token_expired` and `rebalance`: attempt 0. */
const AT_ONCE = [4004, 4006];

/** The waits of one client. */
export class Reconnect {
  /** Until when the hub asked to send nothing. */
  pausedUntil = 0;
  /** The slot of a drain, in milliseconds after the close. */
  slot: number | undefined;
  #pause = 0;
  #attempt = 0;
  #wasAtOnce = false;

  readonly #random: () => number;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** The hub asked to wait so long. */
  retry(afterMs: number, now: number): void {
    this.#pause = afterMs;
    this.pausedUntil = now + afterMs;
  }

  /** The application said so: the next attempt is the first. */
  anew(): void {
    this.#attempt = 0;
    this.pausedUntil = 0;
    this.slot = undefined;
  }

  /** A connection ended with this code, so long after its welcome: how long to wait. All in milliseconds. */
  wait(code: number, livedMs: number, retryAfterMs: number | undefined, now: number): number {
    const [good, atOnce] = [livedMs >= GOOD_MS, AT_ONCE.includes(code)];
    // Twice in a row without a good connection between them is a circle, which the back-off slows down.
    if (good || (atOnce && !this.#wasAtOnce)) this.#attempt = 0;
    this.#wasAtOnce = atOnce;
    // The least time counts from the close: whichever way it is read, nobody comes too early.
    // A `Retry-After` is this client's own slot in whole seconds: those of one second are spread over it.
    const after = retryAfterMs && retryAfterMs + this.#random() * 1_000;
    const asked = [this.slot, after, this.pausedUntil > now ? this.#pause : undefined].filter((time) => time !== undefined);
    this.slot = undefined;
    this.pausedUntil = 0;
    const least = code === TRY_AGAIN_LATER ? NO_ROOM_MS : 0;
    if (asked.length > 0) return Math.max(least, ...asked);
    return least + jitter(this.#attempt++, this.#random());
  }
}
