/** What an application says about its client, and the defaults. */
import type { Form } from "./protocol.js";

/** What this library needs of a WebSocket: the browser's, Node 22's and that of the package `ws` have it. */
export interface SocketLike {
  /** Set to `arraybuffer`. */
  binaryType: string;
  /** Set to a function that takes messages. */
  onmessage: unknown;
  /** Set to a function that takes the end. */
  onclose: unknown;
  /** Set to a function that takes errors. */
  onerror: unknown;
  /** Sends a frame. */
  send(data: string | Uint8Array<ArrayBuffer>): void;
  /** Closes. */
  close(code?: number, reason?: string): void;
}

/** A WebSocket class. */
export type SocketClass = new (url: string, protocols: string[]) => SocketLike;

/** Gives the token, or a promise of it, each time one is needed: before a handshake and when the present one ends. */
export type TokenProvider = () => string | Promise<string>;

/** The options of a client; only `url` is required. */
export interface ClientOptions {
  /** The hub, `wss://hub.example.com/ws`; or several, of which it takes another after each failure. */
  url: string | readonly string[];
  /** The name this client wants; not needed with a token that names it. Without either the hub makes one up. */
  clientId?: string;
  /**
   * A token, or a function that fetches one. A function is asked again only when the token ended or may be to blame for a
   * failure. With a string the client ends when the token does.
   */
  token?: string | TokenProvider;
  /** The form on the wire, `json` (the default) or `cbor`. */
  form?: Form;
  /** The WebSocket class, `globalThis.WebSocket` unless given; Node before 22 needs one, such as that of the package `ws`. */
  WebSocket?: SocketClass;
  /** Time for the token, and then for handshake and welcome, in milliseconds; 15,000. */
  connectTimeoutMs?: number;
  /** Time for a request from call to answer, time without a connection included, in milliseconds; 10,000. */
  requestTimeoutMs?: number;
  /** Most requests that wait to be sent or answered; one more is rejected with `queue_full`. 1,000. */
  maxPending?: number;
  /** Most bytes of them; 1 MiB. */
  maxPendingBytes?: number;
  /** Most rooms this client wants to be in; the hub has its own limit. 1,000. */
  maxRooms?: number;
}

/** What may be said about a request. */
export interface RequestOptions {
  /** Time for it, in milliseconds, instead of the client's `requestTimeoutMs`. */
  timeoutMs?: number;
}

/** What may be said about a publish. */
export interface PublishOptions extends RequestOptions {
  /** The application's own name of the message, at most 128 bytes. */
  type?: string;
  /**
   * The idempotency key. A fresh random one unless given, so that a publish is repeated safely when no answer came. `null` sends
   * none: then it is never repeated, and rejected with `connection_lost` when the connection goes before the answer.
   */
  key?: string | null;
}

/** What may be said about a join. */
export interface JoinOptions extends RequestOptions {
  /** Deliver also what was said in the room after this offset. */
  from?: string;
}

/** What may be said about asking for presence. */
export interface PresenceOptions extends RequestOptions {
  /** How many clients at most; the hub may give fewer. */
  limit?: number;
  /** `next` of the page before. */
  after?: string;
}

/** What may be said about asking for history: the last `limit`, or those after `from`, of which the first `limit`. */
export interface HistoryOptions extends RequestOptions {
  /** How many at most. */
  limit?: number;
  /** After this offset. */
  from?: string;
}
