/** What applications import from `@gohub/client`. */
export { cbor } from "./cbor.js";
export { type Ack, Client, type HistoryPage, type PresencePage, type Refreshed } from "./client.js";
export { GohubError } from "./error.js";
export type {
  ClientEvents,
  ClosedEvent,
  GapEvent,
  JoinedEvent,
  PresenceEvent,
  State,
  WelcomeEvent,
} from "./events.js";
export { json } from "./json.js";
export { isLater } from "./offset.js";
export type {
  ClientOptions,
  HistoryOptions,
  JoinOptions,
  PresenceOptions,
  PublishOptions,
  RequestOptions,
  SocketClass,
  SocketLike,
  TokenProvider,
} from "./options.js";
export type { Envelope, Form, GapReason, Message, Mode, Offset } from "./protocol.js";
