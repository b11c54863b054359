/** A stage for the state machine: a made-up time, timers that go off, and everything it said. */
import assert from "node:assert/strict";
import type { Action, CoreEvent, CoreOptions } from "../src/action.js";
import { Core } from "../src/core.js";
import type { ClientEvents } from "../src/events.js";
import { type Envelope, GohubError, json } from "../src/index.js";
import * as p from "../src/protocol.js";

const DEFAULTS: CoreOptions = {
  urls: ["ws://hub/ws"],
  clientId: "alice",
  token: "none",
  form: json,
  connectTimeoutMs: 15_000,
  maxPending: 4,
  maxPendingBytes: 10_000,
  maxRooms: 3,
};
/** A hub's first word. */
export const WELCOME: Envelope = {
  message_id: p.WELCOME,
  client_id: "alice",
  connection_id: "c1",
  node: "hub-0",
  epoch: "e1",
  offset: "10-0",
  recovered: false,
  heartbeat_interval_ms: 25_000,
  heartbeat_timeout_ms: 10_000,
  max_message: 1_000,
  mode: "normal",
  rooms: [],
};

/** A core, its made-up time, and everything it said. */
export class Stage {
  readonly core: Core;
  now = 1_000_000;
  timer = Infinity;
  /** Whether there is one. */
  socket = false;
  said: Action[] = [];
  readonly urls: URL[] = [];

  constructor(options: Partial<CoreOptions> = {}, random = () => 0.5, token?: string) {
    this.core = new Core({ ...DEFAULTS, ...options }, random, token);
  }

  do(event: CoreEvent): this {
    if (event.type === "closed") this.socket = false;
    for (const action of this.core.handle(event, this.now)) {
      this.said.push(action);
      if (action.type === "timer") this.timer = action.at;
      if (action.type === "connect") this.urls.push(new URL(action.url));
      if (action.type === "connect") this.socket = true;
      if (action.type === "disconnect") this.socket = false;
    }
    return this;
  }

  hear(envelope: Envelope): this {
    return this.do({ type: "received", frame: JSON.stringify(envelope) });
  }

  /** Connected and welcomed. */
  open(more: Partial<Envelope> = {}): this {
    return this.do({ type: "start" }).hear({ ...WELCOME, ...more });
  }

  /** The socket ended. */
  lose(code = 1006): this {
    return this.do({ type: "closed", code, reason: "" });
  }

  /** Lets time pass as timers do, up to `ms` from now. */
  pass(ms: number): this {
    const end = this.now + ms;
    for (let n = 0; this.timer <= end; n++) {
      assert.ok(n < 10_000, "the timer goes off again and again without anything happening");
      this.now = Math.max(this.now, this.timer);
      this.do({ type: "tick" });
    }
    this.now = end;
    return this;
  }

  ask(envelope: Envelope, { timeoutMs = 10_000, repeatable = true } = {}): string {
    const ref = this.core.nextRef();
    const frame = json.encode({ ...envelope, ref }) as string;
    const { message_id: id, room, token } = envelope;
    const deadline = this.now + timeoutMs;
    this.do({ type: "request", request: { ref, id, room, token, frame, bytes: frame.length, deadline, repeatable, own: false } });
    return ref;
  }

  /** What was said since the last call, of this kind. */
  take<Type extends Action["type"]>(type: Type): Extract<Action, { type: Type }>[] {
    const taken = this.said.filter((action) => action.type === type);
    this.said = this.said.filter((action) => action.type !== type);
    return taken as Extract<Action, { type: Type }>[];
  }

  sent(): Envelope[] {
    return this.take("send").map(({ frame }) => JSON.parse(frame as string));
  }

  events<Name extends keyof ClientEvents>(name: Name): ClientEvents[Name][] {
    const found = this.said.filter((action) => action.type === "emit" && action.name === name);
    this.said = this.said.filter((action) => !found.includes(action));
    return found.map((action) => (action as unknown as { detail: ClientEvents[Name] }).detail);
  }

  /** Requests that were settled: the code of the error, or `ok`. */
  settled(): Record<string, string> {
    return Object.fromEntries(
      this.take("settle").map(({ request, result }) => [request.ref, result instanceof GohubError ? result.code : "ok"]),
    );
  }
}
