/**
 * The heartbeat: when to send a ping, and when a silent hub counts as gone. Pure: it is told the time, and asked.
 *
 * Nobody is given up by silence alone, only by an unanswered ping; so a page that was frozen finds out whether its connection
 * lives instead of throwing it away.
 */
import type { Envelope } from "./protocol.js";

/** A client that got no offset for so long asks for its position, in milliseconds; section 6. */
const QUIET_MS = 60_000;
/** Silence after which a wake-up looks, in milliseconds. */
const RECENT_MS = 5_000;

/** The hub's own answer takes a moment: a shorter timeout would cut everybody off. */
const LEAST_MS = 1_000;

/** What there is to do. */
export type Beat = "ping" | "dead" | undefined;

/** The heartbeat of one connection. */
export class Pulse {
  #heardAt: number;
  #offsetAt: number;
  #ticketAt: number;
  #deadAt = Infinity;
  readonly #silence: number;
  readonly #timeout: number;
  readonly #ticketHalf: number;

  constructor(welcome: Envelope, now: number) {
    this.#timeout = Math.max(welcome.heartbeat_timeout_ms ?? 10_000, LEAST_MS);
    this.#silence = (welcome.heartbeat_interval_ms ?? 25_000) + this.#timeout;
    this.#ticketHalf = (welcome.ticket_life_ms ?? Infinity) / 2;
    this.#heardAt = now;
    this.#offsetAt = now;
    this.#ticketAt = now + this.#ticketHalf;
  }

  /** Something came: the hub is there. */
  heard(envelope: Envelope, now: number): void {
    this.#heardAt = now;
    this.#deadAt = Infinity;
    if (envelope.offset !== undefined) this.#offsetAt = now;
    // A pong carries the next ticket once half of this one's life is over.
    if (envelope.ticket !== undefined) this.#ticketAt = now + this.#ticketHalf;
  }

  /** When to ask again with `beat`. Pings wait for `paused`, the end of a pause that the hub asked for. */
  due(paused: number): number {
    return this.#deadAt < Infinity
      ? this.#deadAt
      : Math.max(Math.min(this.#heardAt + this.#silence, this.#offsetAt + QUIET_MS, this.#ticketAt), paused);
  }

  /** What is to be done now. */
  beat(now: number, paused: number): Beat {
    if (now < this.due(paused)) return undefined;
    if (this.#deadAt < Infinity) return "dead";
    return this.#ping(now);
  }

  /** The device or the page woke up, or the network changed: a look before the next beat. */
  wake(now: number, paused: number): Beat {
    return this.#deadAt < Infinity || now < paused || now - this.#heardAt < RECENT_MS ? undefined : this.#ping(now);
  }

  #ping(now: number): Beat {
    this.#deadAt = now + this.#timeout;
    // Asked for. The hub counts from when it gave the last one, so it may say not yet.
    if (this.#ticketAt <= now) this.#ticketAt = now + this.#ticketHalf / 4;
    this.#offsetAt = now;
    return "ping";
  }
}
