/** What a client tells the application, and the list of who listens. */
import type { GohubError } from "./error.js";
import type { Envelope, GapReason, Message, Mode } from "./protocol.js";

/**
 * Where the connection stands: `idle` before `connect`; `connecting` until the welcome; `open`; `draining` when the hub is going
 * and new requests wait for the next one; `waiting` for the next attempt; `closed` for good, until `connect` is called again.
 */
export type State = "idle" | "connecting" | "open" | "draining" | "waiting" | "closed";

/** A hub took the connection, or its epoch changed under it. */
export type WelcomeEvent = Required<Pick<Envelope, "client_id" | "connection_id" | "node" | "epoch" | "offset" | "rooms">> & {
  /** Whether this connection goes on where an earlier one was. */
  readonly resumed: boolean;
  /** With `resumed`: whether nothing is missing. If not, load state anew where it matters. */
  readonly recovered: boolean;
};

/** Messages that this client does not get: `from` and `to` are offsets, both included. Ask for a history, or load state anew. */
export type GapEvent = Required<Pick<Envelope, "from" | "to">> &
  Pick<Envelope, "count" | "room"> & {
    /** Why. */
    readonly reason: GapReason;
  };

/** Somebody came to a room or left it. */
export type PresenceEvent = Message & {
  /** The room. */
  readonly room: string;
  /** Who came, or who left. */
  readonly data: { readonly joined?: string; readonly left?: string };
};

/** The back end has put this connection into a room. */
export type JoinedEvent = Required<Pick<Envelope, "room">> & Pick<Envelope, "offset">;

/** The end: the client does not connect again by itself. */
export interface ClosedEvent {
  /** The close code, or the HTTP status that refused the handshake; 1000 after `close`. */
  readonly code: number;
  /** In words, for people and logs. */
  readonly reason: string;
}

/** The events of a client, by name. */
export interface ClientEvents {
  /** The connection's state changed. */
  state: State;
  /** A hub took the connection, or its epoch changed under it. */
  welcome: WelcomeEvent;
  /** Something was said: to everybody, to a room, to this client. */
  message: Message;
  /** Somebody came to a room or left it, where the room reports that. */
  presence: PresenceEvent;
  /** Messages are missing. */
  gap: GapEvent;
  /** The hub is cut off from the others, or not any more. */
  mode: { readonly mode: Mode; readonly reason?: string };
  /** The hub is going. */
  drain: Pick<Envelope, "close_in_ms" | "reconnect_in_ms" | "reason">;
  /** The hub asks to send nothing for a while; requests wait. */
  retry: Pick<Envelope, "after_ms" | "reason">;
  /** The back end has put this connection into a room, whose messages are delivered from `offset` on. It stays in it as after `join`. */
  joined: JoinedEvent;
  /** A room this client was in or wanted to be in is not open to it any more. */
  left: { readonly room: string; readonly reason: string };
  /** Several attempts in a row came to nothing. A browser does not say why: the network, the hub, or the token. */
  trouble: { readonly attempts: number };
  /** Something went wrong that belongs to no request. */
  error: GohubError;
  /** The end, until `connect` is called again. */
  closed: ClosedEvent;
}

/** Listeners by the name of the event. */
export class Listeners {
  readonly #lists = new Map<string, Set<(detail: never) => void>>();

  /** Calls `listener` for every event of that name, until the function it gives back is called. */
  on<Name extends keyof ClientEvents>(name: Name, listener: (detail: ClientEvents[Name]) => void): () => void {
    const list = this.#lists.get(name) ?? new Set();
    this.#lists.set(name, list.add(listener));
    return () => {
      list.delete(listener);
    };
  }

  /** Tells them. One that throws is reported as an uncaught error, and hinders neither the others nor the connection. */
  emit<Name extends keyof ClientEvents>(name: Name, detail: ClientEvents[Name]): void {
    for (const listener of [...(this.#lists.get(name) ?? [])]) {
      try {
        (listener as (detail: ClientEvents[Name]) => void)(detail);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
