/**
 * The vocabulary of protocol v1: ids, fields, codes and the shapes of messages, as in sdk/protocol/PROTOCOL.md.
 * A test compares every table here with the golden `tables.json`.
 */

/** Are you there? */
export const PING = 1;
/** The answer to a ping. */
export const PONG = 2;
/** The first message of a connection. */
export const WELCOME = 3;
/** A request succeeded. */
export const ACK = 4;
/** A request failed, or a message could not be read. */
export const ERROR = 5;
/** A new token; from the hub: the present one ends soon. */
export const REFRESH = 6;
/** Enter a room. */
export const JOIN = 10;
/** Leave a room. */
export const LEAVE = 11;
/** Who is in a room, and who came and went. */
export const PRESENCE = 12;
/** What was said in a room. */
export const HISTORY = 13;
/** To every connection. */
export const BROADCAST = 20;
/** To every connection of one client. */
export const UNICAST = 21;
/** To everybody in a room. */
export const ROOM_MESSAGE = 22;
/** This hub is going. */
export const DRAIN = 30;
/** What this connection will not get. */
export const GAP = 31;
/** Whether the hub is cut off from its bus. */
export const MODE = 32;
/** Wait before the next request or connection. */
export const RETRY = 33;
/** The first id that belongs to the application. */
export const FIRST_APPLICATION_ID = 1000;

/** The names of the fields; a field's place is its key in the CBOR form. */
export const FIELDS = (
  "message_id message_type room to data ref key ts from offset from_offset limit after encoding code message " +
  "retryable reason count client_id connection_id node epoch recovered heartbeat_interval_ms heartbeat_timeout_ms " +
  "max_message max_rooms version mode rooms clients next total messages complete close_in_ms reconnect_in_ms " +
  "after_ms token ticket ticket_life_ms"
).split(" ");

/** A place in the total order, `"<major>-<minor>"`. Both parts may exceed what a double holds: keep the text. */
export type Offset = string;

/** Why messages are missing; a reason this version does not know is `unspecified`. */
export type GapReason = "slow_client" | "conflated" | "expired" | "compacted" | "epoch_changed" | "bus_lost" | "unspecified";

/** The reasons of a gap that are known. */
export const GAP_REASONS = "slow_client conflated expired compacted epoch_changed bus_lost unspecified".split(" ");

/** Whether the hub works normally or is cut off from the others. */
export type Mode = "normal" | "degraded";

/** One message of the protocol, either way. Which fields it has depends on `message_id`; unknown ones may be there too. */
export interface Envelope {
  /** What this message is. */
  message_id: number;
  /** The application's own name of the message. */
  message_type?: string;
  /** The room it is about. */
  room?: string;
  /** The client it is for; in a gap the last offset missed. */
  to?: string;
  /** Any JSON value, or a `Uint8Array`: opaque bytes. */
  data?: unknown;
  /** The client's own tag; the answer carries the same. */
  ref?: string;
  /** Idempotency key of a publish, conflation key of a delivery. */
  key?: string;
  /** Milliseconds since 1970 when the hub took the message. */
  ts?: number;
  /** The client that sent it; in a gap the first offset missed. */
  from?: string;
  /** Where it stands in the total order. */
  offset?: Offset;
  /** What comes after it is wanted. */
  from_offset?: Offset;
  /** How many are wanted. */
  limit?: number;
  /** `next` of the page before. */
  after?: string;
  /** The error's code. */
  code?: string;
  /** For people and logs, never to be parsed. */
  message?: string;
  /** Whether the same request may succeed later. */
  retryable?: boolean;
  /** Why. */
  reason?: string;
  /** How many messages, when known. */
  count?: number;
  /** Who this connection is. */
  client_id?: string;
  /** This connection, for logs. */
  connection_id?: string;
  /** The hub that serves it. */
  node?: string;
  /** The life of the log that offsets belong to. */
  epoch?: string;
  /** Whether everything since the resume offset will be delivered. */
  recovered?: boolean;
  /** How often the hub pings, in milliseconds; 0 = never. */
  heartbeat_interval_ms?: number;
  /** How long it then waits for any sign of life, in milliseconds. */
  heartbeat_timeout_ms?: number;
  /** The largest message the hub takes, in bytes. */
  max_message?: number;
  /** The most rooms a connection may be in. */
  max_rooms?: number;
  /** The protocol's version. */
  version?: number;
  /** Whether the hub is cut off from its bus. */
  mode?: Mode;
  /** The rooms this connection is in. */
  rooms?: string[];
  /** The clients of this page. */
  clients?: string[];
  /** `after` of the next page. */
  next?: string;
  /** Clients in the room. */
  total?: number;
  /** Publications, oldest first. */
  messages?: Message[];
  /** Whether nothing that was asked for is missing. */
  complete?: boolean;
  /** When the hub closes this connection, in milliseconds from now. */
  close_in_ms?: number;
  /** How long after the close to connect again, in milliseconds. */
  reconnect_in_ms?: number;
  /** How long to wait, in milliseconds. */
  after_ms?: number;
  /** The new token. */
  token?: string;
  /** A resume ticket: opens the door once. */
  ticket?: string;
  /** How long a ticket is good, in milliseconds. */
  ticket_life_ms?: number;
}

/** A publication: something that was said. `data` is a JSON value, or a `Uint8Array` when it was opaque bytes. */
export type Message = Envelope & {
  /** Milliseconds since 1970 when the hub took the message. */
  ts: number;
  /** Where it stands in the total order. */
  offset: Offset;
};

/** A form of the protocol: how an envelope becomes a frame, and back. */
export interface Form {
  /** The WebSocket subprotocol that chooses it. */
  readonly subprotocol: string;
  /** Writes a message: text, or bytes in the binary form. */
  encode(envelope: Envelope): string | Uint8Array<ArrayBuffer>;
  /** Reads a message; throws when it cannot be read. */
  decode(frame: string | ArrayBuffer): Envelope;
}

/** Whether this close code means that one must not reconnect by oneself; by range, so for unknown codes too. */
export function stops(code: number): boolean {
  return [1000, 1002, 1003, 1007, 1008, 1010].includes(code) || code >= 4500;
}

/** Whether this id is one of a publication: something that was said, with a place in the order. */
export function isPublication(envelope: Envelope): boolean {
  const id = envelope.message_id;
  return (id >= BROADCAST && id <= ROOM_MESSAGE) || id >= FIRST_APPLICATION_ID || (id === PRESENCE && !envelope.clients);
}
