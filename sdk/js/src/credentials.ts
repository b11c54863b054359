/** What opens the door: the token, and the ticket that spares its judging after a reconnect. In memory only. Pure. */
import type { Envelope } from "./protocol.js";

/** Token and ticket of one client. */
export class Credentials {
  /** The token in use; `undefined` asks for one. */
  token: string | undefined;
  /** How long a ticket is good, in milliseconds. */
  ticketLife = Infinity;
  #isNew = false;
  #ticket: string | undefined;
  #ticketUntil = 0;

  constructor(
    /** Whether there is none, one that cannot be replaced, or somebody who gives new ones. */
    readonly source: "none" | "fixed" | "provider",
  ) {}

  /** Whether somebody must be asked before the next handshake. */
  get missing(): boolean {
    return this.source === "provider" && this.token === undefined;
  }

  /** A new token. */
  renew(token: string | undefined): void {
    this.token = token ?? "";
    this.#isNew = true;
  }

  /** The token ended or was refused: whether there can be another. */
  spoil(): boolean {
    this.#ticket = undefined;
    if (this.source === "provider") this.token = undefined;
    return this.source === "provider";
  }

  /** The handshake was refused with 401: whether that may be because the token is an old one. */
  stale(): boolean {
    return !this.#isNew && this.spoil();
  }

  /** What came with a message of the hub. */
  heard(envelope: Envelope, now: number): void {
    if (typeof envelope.ticket_life_ms === "number") this.ticketLife = envelope.ticket_life_ms;
    if (typeof envelope.ticket === "string") {
      this.#ticket = envelope.ticket;
      this.#ticketUntil = now + this.ticketLife;
    }
  }

  /** The parameters of a handshake. No ticket is shown twice. */
  take(now: number): { token: string | undefined; ticket: string | undefined } {
    const ticket = now < this.#ticketUntil ? this.#ticket : undefined;
    this.#ticket = undefined;
    return { token: this.token, ticket };
  }

  /** A hub let us in: the token is not new any more. */
  used(): void {
    this.#isNew = false;
  }
}
