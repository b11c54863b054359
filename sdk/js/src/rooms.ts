/**
 * The rooms a client wants to be in, and how each gets back there after a reconnect. Pure.
 *
 * Only rooms that a hub has let the client into go into the query of a handshake: a bad name there would cost the connection.
 */
import { later } from "./offset.js";
import type { Offset } from "./protocol.js";

/** Room for names in the query; proxies take request lines of 8 KiB, and a token stands there too. */
const QUERY_BYTES = 3_000;

interface Room {
  /** Whether this connection is in it. */
  inside: boolean;
  /** Up to where this client has what was said there, when it is not inside but was. */
  since?: Offset | undefined;
}

/** The rooms of one client. */
export class Rooms {
  readonly #rooms = new Map<string, Room>();

  /** How many are wanted. */
  get size(): number {
    return this.#rooms.size;
  }

  /** Whether this one is. */
  has(room: string): boolean {
    return this.#rooms.has(room);
  }

  /** Those the connection is in. */
  inside(): string[] {
    return [...this.#rooms].filter(([, { inside }]) => inside).map(([name]) => name);
  }

  /** Wanted from now on. */
  want(room: string): void {
    if (!this.#rooms.has(room)) this.#rooms.set(room, { inside: false });
  }

  /** The hub let the client in, if it is still wanted. */
  entered(room: string): void {
    if (this.#rooms.has(room)) this.#rooms.set(room, { inside: true });
  }

  /** Not wanted any more; whether it was. */
  drop(room: string): boolean {
    return this.#rooms.delete(room);
  }

  /** The connection went, at this position. */
  lost(position: Offset | undefined): void {
    for (const room of this.#rooms.values()) {
      if (room.inside) room.since = position;
      room.inside = false;
    }
  }

  /** Another epoch: offsets of the old one mean nothing. */
  forget(): void {
    for (const room of this.#rooms.values()) delete room.since;
  }

  /** The `rooms` of a handshake that resumes at `position`: rooms that are complete up to there, as many as fit. */
  query(position: Offset | undefined): string {
    const names: string[] = [];
    let length = 0;
    for (const [name, { since }] of this.#rooms) {
      // One that lacks more than the resume brings is entered by a join of its own.
      if (since === undefined || since !== position) continue;
      const encoded = encodeURIComponent(name);
      length += encoded.length + 1;
      if (length > QUERY_BYTES) break;
      names.push(encoded);
    }
    return names.join(",");
  }

  /** The first welcome of a connection: the rooms that still need a join, and since when. */
  welcomed(inside: readonly string[]): { room: string; since: Offset | undefined }[] {
    for (const room of inside) this.entered(room);
    return [...this.#rooms].filter(([, { inside }]) => !inside).map(([room, { since }]) => ({ room, since: later(undefined, since) }));
  }
}
