/** The client as applications see it: promises and listeners around the pure core, which it gives sockets, timers and tokens. */
import type { Action, CoreEvent } from "./action.js";
import { Core } from "./core.js";
import type { Request } from "./desk.js";
import { GohubError } from "./error.js";
import { type ClientEvents, type ClosedEvent, Listeners, type State, type WelcomeEvent } from "./events.js";
import { json } from "./json.js";
import type {
  ClientOptions,
  HistoryOptions,
  JoinOptions,
  PresenceOptions,
  PublishOptions,
  RequestOptions,
  SocketClass,
} from "./options.js";
import * as p from "./protocol.js";
import { Socket } from "./socket.js";
import { monotonic, onWake } from "./wake.js";

/** The longest time a timer takes, in milliseconds; one that is due later is set again. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** What came of a publish or another request: of a publish its place in the order, of a handled message the handler's answer. */
export type Ack = Pick<p.Envelope, "offset" | "data">;

/** A page of those who are in a room. */
export type PresencePage = Required<Pick<p.Envelope, "clients" | "total">> & Pick<p.Envelope, "next">;

/** What was said in a room, oldest first, and whether nothing that was asked for is missing. */
export type HistoryPage = Required<Pick<p.Envelope, "messages" | "complete">>;

/** What a new token changed. */
export interface Refreshed {
  /** When the connection ends with the token, in milliseconds; absent when it does not. */
  readonly expires_in_ms?: number;
  /** The rooms it does not let the client be in any more. */
  readonly left?: readonly string[];
}

interface Waiter {
  resolve(envelope: p.Envelope): void;
  reject(error: GohubError): void;
}

/** A fresh idempotency key. It counts among those of one client only and is no secret, so it need not be unguessable. */
function freshKey(): string {
  return Array.from({ length: 3 }, () => Math.random().toString(36).slice(2)).join("");
}

/**
 * A client of gohub. It connects, comes back by itself after every failure, goes on where it was, and is in the rooms it
 * joined. It writes no log.
 */
export class Client {
  readonly #core: Core;
  readonly #listeners = new Listeners();
  readonly #waiters = new Map<string, Waiter>();
  readonly #events: CoreEvent[] = [];
  readonly #form: p.Form;
  readonly #WebSocket: SocketClass;
  readonly #now = monotonic(Date.now);
  #socket: Socket | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #stopWaking: (() => void) | undefined;
  #busy = false;

  /** A client that is not connected yet. Throws when there is no WebSocket class. */
  readonly #options: ClientOptions;

  constructor(options: ClientOptions) {
    this.#options = options;
    const { url, token, clientId, connectTimeoutMs = 15_000, maxPending = 1_000, maxPendingBytes = 1 << 20, maxRooms = 1_000 } = options;
    const WebSocket = options.WebSocket ?? (globalThis.WebSocket as SocketClass | undefined);
    if (!WebSocket) throw new TypeError("no global WebSocket: pass options.WebSocket");
    this.#WebSocket = WebSocket;
    this.#form = options.form ?? json;
    const source = token === undefined ? "none" : typeof token === "string" ? "fixed" : "provider";
    const limits = { connectTimeoutMs, maxPending, maxPendingBytes, maxRooms };
    this.#core = new Core(
      { urls: [url].flat(), clientId, token: source, form: this.#form, ...limits },
      Math.random,
      typeof token === "string" ? token : undefined,
    );
  }

  /** Where the connection stands. */
  get state(): State {
    return this.#core.state;
  }

  /** Who this client is, known from the first welcome on unless it was given. */
  get clientId(): string | undefined {
    return this.#core.clientId;
  }

  /** Up to where everything was delivered or reported as a gap. */
  get position(): p.Offset | undefined {
    return this.#core.position;
  }

  /** Whether the hub works normally or is cut off from the others. */
  get mode(): p.Mode {
    return this.#core.mode;
  }

  /** The rooms this connection is in. */
  get rooms(): readonly string[] {
    return this.#core.rooms;
  }

  /** How long until the next attempt, in milliseconds, while the state is `waiting`. */
  get nextAttemptMs(): number | undefined {
    const at = this.#core.nextAt;
    return at && Math.max(at - this.#now(), 0);
  }

  /** Calls `listener` for every event of that name, until the function it gives back is called. */
  on<Name extends keyof ClientEvents>(name: Name, listener: (detail: ClientEvents[Name]) => void): () => void {
    return this.#listeners.on(name, listener);
  }

  /**
   * Connects, and stays connected. The promise is the first welcome, when there is a connection its newest one at once; it
   * fails when the hub says stop before that.
   */
  connect(): Promise<WelcomeEvent> {
    const { session } = this.#core;
    if (session) return Promise.resolve(session);
    const offs: (() => void)[] = [];
    const welcomed = new Promise<WelcomeEvent>((resolve, reject) => {
      const end = ({ code, reason }: ClosedEvent) => reject(new GohubError("closed", `${reason} (${code})`));
      offs.push(this.on("welcome", resolve), this.on("closed", end));
    });
    const done = () => {
      for (const off of offs) off();
    };
    // Who does not wait for it hears of the end by the event.
    welcomed.then(done, done);
    this.#stopWaking ??= onWake(() => this.#dispatch({ type: "wake" }));
    this.#dispatch({ type: "start" });
    return welcomed;
  }

  /** Ends the connection and rejects what waits. `connect` brings the client back, in its rooms and where it was. */
  close(): void {
    this.#dispatch({ type: "stop" });
  }

  /** Enters a room and stays in it, over reconnects too, until `leave`. The ack's `offset` is where delivery starts. */
  join(room: string, { from, timeoutMs }: JoinOptions = {}): Promise<Ack> {
    return this.#ask({ message_id: p.JOIN, room, from_offset: from }, timeoutMs);
  }

  /** Leaves a room. */
  leave(room: string, { timeoutMs }: RequestOptions = {}): Promise<Ack> {
    return this.#ask({ message_id: p.LEAVE, room }, timeoutMs);
  }

  /** Says something to everybody in a room. `data` is a JSON value or a `Uint8Array`. */
  publish(room: string, data: unknown, options?: PublishOptions): Promise<Ack> {
    return this.#say({ message_id: p.ROOM_MESSAGE, room, data }, options);
  }

  /** Says something to one client, on all its connections. */
  unicast(to: string, data: unknown, options?: PublishOptions): Promise<Ack> {
    return this.#say({ message_id: p.UNICAST, to, data }, options);
  }

  /** Says something to every connection. */
  broadcast(data: unknown, options?: PublishOptions): Promise<Ack> {
    return this.#say({ message_id: p.BROADCAST, data }, options);
  }

  /**
   * Sends a message of the application's own, with an id from 1000; the hub's configuration says where it goes. It has a key
   * only when one is given: what a handler does twice, only the application knows.
   */
  send(id: number, data: unknown, { room, to, ...options }: PublishOptions & { room?: string; to?: string } = {}): Promise<Ack> {
    return this.#say({ message_id: id, room, to, data }, { key: null, ...options });
  }

  /** Who is in a room, by pages. */
  presence(room: string, { limit, after, timeoutMs }: PresenceOptions = {}): Promise<PresencePage> {
    return this.#ask({ message_id: p.PRESENCE, room, limit, after }, timeoutMs) as Promise<PresencePage>;
  }

  /** What was said in a room. */
  history(room: string, { limit, from, timeoutMs }: HistoryOptions = {}): Promise<HistoryPage> {
    return this.#ask({ message_id: p.HISTORY, room, limit, from_offset: from }, timeoutMs) as Promise<HistoryPage>;
  }

  /** How long the hub takes to answer, in milliseconds. */
  async ping({ timeoutMs }: RequestOptions = {}): Promise<number> {
    const began = this.#now();
    await this.#ask({ message_id: p.PING }, timeoutMs);
    return this.#now() - began;
  }

  /**
   * Shows the hub a new token on the living connection, because what this client may do has changed: the one given, or one of
   * the provider. Before a token ends the client does so by itself.
   */
  async refresh(token?: string, { timeoutMs }: RequestOptions = {}): Promise<Refreshed> {
    const shown = token ?? (await this.#fetchToken());
    const { data } = await this.#ask({ message_id: p.REFRESH, token: shown }, timeoutMs);
    return data ?? {};
  }

  #say(envelope: p.Envelope, { type, key = freshKey(), timeoutMs }: PublishOptions = {}): Promise<Ack> {
    return this.#ask({ ...envelope, message_type: type, key: key ?? undefined }, timeoutMs, key !== null);
  }

  #ask(envelope: p.Envelope, timeoutMs = this.#options.requestTimeoutMs ?? 10_000, repeatable = true): Promise<p.Envelope> {
    return new Promise((resolve, reject) => {
      const ref = this.#core.nextRef();
      // What cannot be written throws here and rejects the promise.
      const frame = this.#form.encode({ ...envelope, ref });
      const bytes = typeof frame === "string" ? new TextEncoder().encode(frame).length : frame.length;
      const { message_id: id, room, token } = envelope;
      const request: Request = { ref, id, room, token, frame, bytes, deadline: this.#now() + timeoutMs, repeatable, own: false };
      this.#waiters.set(ref, { resolve, reject });
      this.#dispatch({ type: "request", request });
    });
  }

  async #fetchToken(): Promise<string | undefined> {
    const { token } = this.#options;
    const fetched = typeof token === "function" ? await token() : token;
    // Throws for what no address can hold.
    encodeURIComponent(fetched ?? "");
    return fetched;
  }

  /** One event after another: a listener may call the client again, and what it asks for comes after what is being done. */
  #dispatch(event: CoreEvent): void {
    this.#events.push(event);
    if (this.#busy) return;
    this.#busy = true;
    for (let next = this.#events.shift(); next; next = this.#events.shift()) {
      for (const action of this.#core.handle(next, this.#now())) this.#carryOut(action);
    }
    this.#busy = false;
  }

  #carryOut(action: Action): void {
    switch (action.type) {
      case "ask_token": {
        const { id } = action;
        // The provider's own words might hold the token: they stay with it.
        this.#fetchToken().then(
          (token) => this.#dispatch({ type: "token", id, token }),
          () => this.#dispatch({ type: "no_token", id }),
        );
        break;
      }
      case "connect":
        this.#open(action.url);
        break;
      case "send":
        this.#socket?.send(action.frame);
        break;
      case "disconnect":
        this.#socket?.drop(action.code);
        this.#socket = undefined;
        break;
      case "timer":
        clearTimeout(this.#timer);
        if (action.at < Infinity) this.#wakeAt(action.at);
        break;
      case "settle": {
        const { request, result } = action;
        const waiter = this.#waiters.get(request.ref);
        this.#waiters.delete(request.ref);
        if (result instanceof GohubError) waiter?.reject(result);
        else waiter?.resolve(result);
        break;
      }
      case "emit":
        if (action.name === "closed") {
          this.#stopWaking?.();
          this.#stopWaking = undefined;
        }
        this.#listeners.emit(action.name, action.detail);
        break;
    }
  }

  #open(url: string): void {
    try {
      this.#socket = new Socket(
        this.#WebSocket,
        url,
        this.#form.subprotocol,
        (frame) => this.#dispatch({ type: "received", frame }),
        (end) => {
          this.#socket = undefined;
          this.#dispatch({ type: "closed", ...end });
        },
      );
    } catch {
      // The class's own words hold the address, and that holds the token.
      this.#dispatch({ type: "unusable" });
    }
  }

  #wakeAt(at: number): void {
    const wait = Math.min(Math.max(at - this.#now(), 0), LONGEST_TIMER_MS);
    this.#timer = setTimeout(() => (this.#now() < at ? this.#wakeAt(at) : this.#dispatch({ type: "tick" })), wait);
  }
}
