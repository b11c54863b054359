/**
 * Requests: those that wait to be sent, those that wait for their answer, and what becomes of them when the connection goes.
 * Bounded in number and bytes. Pure: it is told the time, and gives back what to send and what to settle.
 */
import { jitter } from "./backoff.js";
import { GohubError, refusal } from "./error.js";
import { type Envelope, ERROR } from "./protocol.js";

/** Requests without an answer on one connection; the hub stops reading at 256 publishes. */
const MOST_IN_FLIGHT = 128;

/** A request on its way. */
export interface Request {
  /** Its tag, unique in the life of the client. */
  readonly ref: string;
  /** The `message_id`. */
  readonly id: number;
  /** The room, where there is one. */
  readonly room: string | undefined;
  /** As it goes over the wire, the same every time. */
  readonly frame: string | Uint8Array<ArrayBuffer>;
  /** Its size. */
  readonly bytes: number;
  /** When nobody waits for an answer any more, in milliseconds; `Infinity` for the client's own. */
  readonly deadline: number;
  /** Whether it may be sent again: it has a key, or changes nothing by a second time. */
  readonly repeatable: boolean;
  /** Whether the client asks by itself: not counted, and nobody waits for it. */
  readonly own: boolean;
  /** Of a `refresh`: the new token, for the next handshakes. */
  readonly token?: string | undefined;
  /** Of the client's own join: the offset after which it wants what was said. */
  readonly since?: string | undefined;
  /** Of the client's own join: the offset after which it must do without what was said. */
  readonly missed?: string | undefined;
}

/** What a request came to. */
export interface Outcome {
  /** The request. */
  readonly request: Request;
  /** The answer, or why there is none. */
  readonly result: Envelope | GohubError;
}

interface Entry {
  readonly request: Request;
  sent: boolean;
  notBefore: number;
  tries: number;
  /** Whether it was sent once, and nobody knows what came of it. */
  uncertain: boolean;
  last?: GohubError;
}

/** The requests of one client. */
export class Desk {
  readonly #entries = new Map<string, Entry>();
  #bytes = 0;
  #inFlight = 0;

  readonly #limits: { maxPending: number; maxPendingBytes: number };
  readonly #random: () => number;

  constructor(limits: { maxPending: number; maxPendingBytes: number }, random: () => number) {
    this.#limits = limits;
    this.#random = random;
  }

  /** Takes a request in; an error when there is no room for it. */
  add(request: Request): GohubError | undefined {
    const { maxPending, maxPendingBytes } = this.#limits;
    if (!request.own && (this.#entries.size >= maxPending || this.#bytes + request.bytes > maxPendingBytes)) {
      return new GohubError("queue_full", "too many requests wait", true);
    }
    this.#entries.set(request.ref, { request, sent: false, notBefore: 0, tries: 0, uncertain: false });
    this.#bytes += request.bytes;
    return undefined;
  }

  /** Whether a request of this kind is on its way. */
  has(id: number, room: string): boolean {
    return this.#which(({ request }) => request.id === id && request.room === room).length > 0;
  }

  /** What to send now, oldest first; and what is too large for this hub. */
  next(now: number, maxMessage: number): { send: Request[]; refused: Outcome[] } {
    const [send, refused]: [Request[], Outcome[]] = [[], []];
    for (const entry of this.#entries.values()) {
      if (this.#inFlight >= MOST_IN_FLIGHT) break;
      if (entry.sent || entry.notBefore > now) continue;
      if (entry.request.bytes > maxMessage) {
        refused.push(this.#settle(entry, new GohubError("too_large", `the hub takes ${maxMessage} bytes`)));
      } else {
        entry.sent = true;
        this.#inFlight++;
        send.push(entry.request);
      }
    }
    return { send, refused };
  }

  /** The hub answered: what that settles. An error that may pass is tried again while there is time. */
  answer(envelope: Envelope, now: number): Outcome | undefined {
    const entry = this.#entries.get(envelope.ref ?? "");
    if (!entry?.sent) return undefined;
    if (envelope.message_id !== ERROR) return this.#settle(entry, envelope);
    const error = refusal(envelope);
    if (!(error.retryable && entry.request.repeatable)) return this.#settle(entry, error);
    entry.last = error;
    entry.uncertain ||= error.uncertain;
    this.#unsend(entry);
    entry.notBefore = now + jitter(entry.tries++, this.#random());
    return undefined;
  }

  /**
   * The connection went. What may be repeated waits for the next one, in its old order; of the rest nobody knows.
   * `tooBig`: the hub closed because of one message, which must have been the largest.
   */
  lost(tooBig: boolean): Outcome[] {
    const flying = this.#which(({ sent }) => sent);
    const largest = tooBig ? Math.max(...flying.map(({ request }) => request.bytes)) : Infinity;
    const outcomes: Outcome[] = [];
    for (const entry of flying) {
      const { bytes, repeatable } = entry.request;
      this.#unsend(entry);
      entry.notBefore = 0;
      entry.uncertain = bytes < largest;
      if (bytes >= largest) outcomes.push(this.#settle(entry, new GohubError("too_large", "more than the hub takes")));
      else if (!repeatable) outcomes.push(this.#settle(entry, new GohubError("connection_lost", "lost before the answer", true)));
    }
    return outcomes;
  }

  /** Those whose time is over. */
  expired(now: number): Outcome[] {
    return this.#which(({ request }) => request.deadline <= now).map((entry) => {
      entry.uncertain ||= entry.sent;
      return this.#settle(entry, entry.last ?? new GohubError("no_answer", "no answer in time", true));
    });
  }

  /** All of them, because there will be no connection any more; or the client's own alone, which nobody waits for. */
  clear(error: GohubError, own?: boolean): Outcome[] {
    return this.#which(({ request }) => !own || request.own).map((entry) => {
      entry.uncertain ||= entry.sent;
      return this.#settle(entry, error);
    });
  }

  /** When to look again; `connected` says whether what waits could be sent then. */
  due(now: number, connected: boolean): number {
    let due = Infinity;
    for (const { request, sent, notBefore } of this.#entries.values()) {
      due = Math.min(due, request.deadline, connected && !sent && notBefore > now ? notBefore : Infinity);
    }
    return due;
  }

  #unsend(entry: Entry): void {
    entry.sent = false;
    this.#inFlight--;
  }

  #which(is: (entry: Entry) => boolean): Entry[] {
    return [...this.#entries.values()].filter(is);
  }

  #settle(entry: Entry, result: Envelope | GohubError): Outcome {
    const { request, sent, uncertain } = entry;
    if (sent) this.#inFlight--;
    this.#entries.delete(request.ref);
    this.#bytes -= request.bytes;
    // Of a request that was sent before nobody can say that it failed.
    const doubtful = uncertain && result instanceof GohubError && !result.uncertain;
    return { request, result: doubtful ? new GohubError(result.code, result.message, result.retryable, true) : result };
  }
}
