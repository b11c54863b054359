/** What goes into the connection's state machine and what comes out of it. */
import type { Outcome, Request } from "./desk.js";
import type { ClientEvents } from "./events.js";
import type { Form } from "./protocol.js";

/** What the core must know; units and meaning as in the public options. */
export interface CoreOptions {
  /** Addresses of hubs. */
  urls: readonly string[];
  /** The client's name, if it has one. */
  clientId?: string | undefined;
  /** Whether there is a token, and whether somebody can be asked for a new one. */
  token: "none" | "fixed" | "provider";
  /** The form. */
  form: Form;
  /** Time for the token, and then for handshake and welcome. */
  connectTimeoutMs: number;
  /** Most requests that wait. */
  maxPending: number;
  /** Most bytes of them. */
  maxPendingBytes: number;
  /** Most rooms that are wanted. */
  maxRooms: number;
}

/** What happens to the machine. */
export type CoreEvent =
  | { type: "start" }
  | { type: "stop" }
  | { type: "token"; id: number; token: string | undefined }
  | { type: "no_token"; id: number }
  | { type: "received"; frame: string | ArrayBuffer }
  | { type: "closed"; code: number; reason: string; status?: number | undefined; retryAfterMs?: number | undefined }
  | { type: "unusable" }
  | { type: "tick" }
  | { type: "wake" }
  | { type: "request"; request: Request };

/** What the application is told. */
export type Emits = { [Name in keyof ClientEvents]: { type: "emit"; name: Name; detail: ClientEvents[Name] } };

/** What is to be done. */
export type Action =
  | { type: "ask_token"; id: number }
  | { type: "connect"; url: string }
  | { type: "send"; frame: string | Uint8Array<ArrayBuffer> }
  | { type: "disconnect"; code: number }
  | { type: "timer"; at: number }
  | ({ type: "settle" } & Outcome)
  | Emits[keyof ClientEvents];
