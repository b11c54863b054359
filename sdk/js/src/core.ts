/**
 * The connection's state machine: events in, actions out. It does no I/O and has no clock and no random numbers of its own, so
 * every path is tested with a made-up time. `client.ts` carries out what it says.
 */
import type { Action, CoreEvent, CoreOptions, Emits } from "./action.js";
import { Credentials } from "./credentials.js";
import { Desk, type Outcome, type Request } from "./desk.js";
import { GohubError, refusal } from "./error.js";
import type { ClientEvents, GapEvent, JoinedEvent, PresenceEvent, State, WelcomeEvent } from "./events.js";
import { later } from "./offset.js";
import * as p from "./protocol.js";
import { Pulse } from "./pulse.js";
import { Reconnect } from "./reconnect.js";
import { Rooms } from "./rooms.js";

/** Attempts in vain after which the application is told. */
const TROUBLE = 3;
/** A timer that is so late was held back with everything else: what came meanwhile is looked at first. */
const LATE_MS = 500;
/** The time for that, in milliseconds. */
const GRACE_MS = 1_000;
/** Between two looks for a new token while the old one still counts, in milliseconds. */
const TOKEN_PAUSE_MS = 5_000;
/** A drained hub that does not close by itself is given so much more, in milliseconds. */
const DRAIN_SLACK_MS = 5_000;
/** The statuses of a refused handshake that mean stop. */
const REFUSED = [400, 401, 403, 409];

type Phase = Exclude<State, "connecting" | "draining"> | "token" | "opening";

/** The machine. One call of `handle` at a time; the actions are to be carried out in their order. */
export class Core {
  /** Which client this is, once it is known. */
  clientId: string | undefined;
  /** Up to where everything was delivered or reported. */
  position: p.Offset | undefined;
  /** How the hub is. */
  mode: p.Mode = "normal";
  /** The newest welcome of this connection, while there is one. */
  session: WelcomeEvent | undefined;
  #actions: Action[] = [];
  #now = 0;
  #phase: Phase = "idle";
  #told: State = "idle";
  /** When the phase ends by itself. */
  #due = Infinity;
  #timerAt = Infinity;
  #graceUntil = 0;
  readonly #desk: Desk;
  readonly #rooms = new Rooms();
  readonly #reconnect: Reconnect;
  readonly #credentials: Credentials;
  #pulse: Pulse | undefined;
  #tokenId = 0;
  #tokenAt = Infinity;
  #failures = 0;
  #url: number;
  #welcomedAt = 0;
  #resuming = false;
  #epoch: string | undefined;
  #maxMessage = Infinity;
  #refs = 0;

  readonly #options: CoreOptions;
  readonly #random: () => number;

  constructor(options: CoreOptions, random: () => number, token?: string) {
    this.#options = options;
    this.#random = random;
    this.#desk = new Desk(options, random);
    this.#reconnect = new Reconnect(random);
    this.#credentials = new Credentials(options.token);
    if (token !== undefined) this.#credentials.renew(token);
    this.clientId = options.clientId;
    this.#url = Math.floor(random() * options.urls.length);
  }

  /** Where the connection stands. */
  get state(): State {
    const phase = this.#phase;
    if (phase === "token" || phase === "opening") return "connecting";
    return phase === "open" && this.#reconnect.slot !== undefined ? "draining" : phase;
  }

  /** The rooms this connection is in. */
  get rooms(): string[] {
    return this.#rooms.inside();
  }

  /** When the next attempt begins, while it waits for that. */
  get nextAt(): number | undefined {
    return this.#phase === "waiting" ? this.#due : undefined;
  }

  /** A tag that no other request of this client has. */
  nextRef(): string {
    return (++this.#refs).toString(36);
  }

  /** One event, at this time in milliseconds, which never goes back. */
  handle(event: CoreEvent, now: number): Action[] {
    this.#now = now;
    this.#actions = [];
    this.#take(event);
    this.#flush();
    if (this.state !== this.#told) {
      this.#told = this.state;
      this.#emit("state", this.#told);
    }
    const { pausedUntil } = this.#reconnect;
    const paused = pausedUntil > now;
    const at = Math.max(
      Math.min(
        this.#due,
        this.#tokenAt,
        this.#pulse?.due(pausedUntil) ?? Infinity,
        this.#desk.due(now, this.state === "open" && !paused),
        paused ? pausedUntil : Infinity,
      ),
      this.#graceUntil,
    );
    if (at !== this.#timerAt) {
      this.#timerAt = at;
      this.#actions.push({ type: "timer", at });
    }
    return this.#actions;
  }

  #take(event: CoreEvent): void {
    switch (event.type) {
      case "start":
        if (this.#phase === "idle" || this.#phase === "closed") {
          this.#reconnect.anew();
          this.#begin();
        }
        break;
      case "stop":
        if (this.#phase === "open" || this.#phase === "opening") this.#actions.push({ type: "disconnect", code: 1000 });
        this.#end(1000, "closed by the application");
        break;
      case "token":
        if (event.id === this.#tokenId) this.#gotToken(event.token);
        break;
      case "no_token":
        if (event.id === this.#tokenId) this.#gotNoToken();
        break;
      case "received":
        this.#receive(event.frame);
        break;
      case "closed":
        this.#down(event.code, event.reason, event.status, event.retryAfterMs);
        break;
      case "unusable":
        this.#end(0, "the WebSocket class refused the address");
        break;
      case "tick":
        this.#tick();
        break;
      case "wake":
        if (this.#phase === "waiting" && this.#now >= this.#due) this.#begin();
        if (this.#pulse?.wake(this.#now, this.#reconnect.pausedUntil) === "ping") this.#ping();
        break;
      case "request":
        this.#request(event.request);
        break;
    }
  }

  #begin(): void {
    this.#due = this.#now + this.#options.connectTimeoutMs;
    if (this.#credentials.missing) {
      this.#phase = "token";
      this.#askToken();
    } else this.#open();
  }

  #open(): void {
    const { urls, connectTimeoutMs } = this.#options;
    const { token, ticket } = this.#credentials.take(this.#now);
    const { position } = this;
    const epoch = this.#epoch;
    this.#resuming = epoch !== undefined && position !== undefined;
    let url = urls[this.#url] ?? "";
    const add = (name: string, value: string) => {
      if (value) url += `${url.includes("?") ? "&" : "?"}${name}=${value}`;
    };
    const query = { client_id: this.clientId, token, ticket, resume: this.#resuming ? `${epoch}:${position}` : "" };
    for (const [name, value] of Object.entries(query)) add(name, encodeURIComponent(value ?? ""));
    add("rooms", this.#rooms.query(position));
    this.#phase = "opening";
    this.#due = this.#now + connectTimeoutMs;
    this.#actions.push({ type: "connect", url });
  }

  #askToken(): void {
    this.#tokenAt = Infinity;
    this.#actions.push({ type: "ask_token", id: ++this.#tokenId });
  }

  #gotToken(token: string | undefined): void {
    this.#tokenId++;
    this.#credentials.renew(token);
    if (this.#phase === "token") this.#open();
    else if (this.#phase === "open" && token) this.#own({ message_id: p.REFRESH, token });
  }

  #gotNoToken(): void {
    this.#tokenId++;
    this.#emit("error", new GohubError("token", "the token provider failed", true));
    if (this.#phase === "token") this.#again(1006, undefined);
    else if (this.#phase === "open") this.#tokenAt = this.#now + TOKEN_PAUSE_MS;
  }

  #receive(frame: string | ArrayBuffer): void {
    let envelope: p.Envelope;
    try {
      envelope = this.#options.form.decode(frame);
    } catch {
      this.#emit("error", new GohubError("bad_message", "a message of the hub could not be read"));
      envelope = { message_id: -1 };
    }
    this.#credentials.heard(envelope, this.#now);
    this.#pulse?.heard(envelope, this.#now);
    // A secret, which no listener needs.
    delete envelope.ticket;
    const { message_id: id, room, offset, reason = "" } = envelope;
    const answers = id === p.ACK || id === p.ERROR || id === p.PONG || id === p.HISTORY || (id === p.PRESENCE && !!envelope.clients);
    if (answers && envelope.ref !== undefined) {
      const outcome = this.#desk.answer(envelope, this.#now);
      if (outcome) this.#conclude(outcome);
    }
    const said = p.isPublication(envelope);
    if (said || id === p.PING || id === p.PONG) this.position = later(this.position, offset);
    if (said) this.#emit(id === p.PRESENCE ? "presence" : "message", envelope as PresenceEvent);
    switch (id) {
      case p.PING:
        this.#send({ message_id: p.PONG, ref: envelope.ref });
        break;
      case p.WELCOME:
        this.#welcome(envelope);
        break;
      case p.ERROR:
        if (envelope.ref === undefined) this.#emit("error", refusal(envelope));
        break;
      case p.REFRESH:
        if (this.#credentials.source === "provider") this.#askToken();
        break;
      case p.JOIN:
        this.#placed(envelope as JoinedEvent);
        break;
      case p.LEAVE:
        this.#left(room as string, "the hub took this client out");
        // What the application asks for comes behind it.
        if (this.#desk.has(p.JOIN, room as string)) this.#rooms.want(room as string);
        break;
      case p.DRAIN:
        this.#reconnect.slot = envelope.reconnect_in_ms ?? 0;
        this.#due = this.#now + (envelope.close_in_ms ?? 0) + DRAIN_SLACK_MS;
        this.#emit("drain", envelope);
        break;
      case p.GAP:
        // With an offset some of what it spans follows.
        if (room === undefined) this.position = later(this.position, offset ?? envelope.to);
        this.#emit("gap", { ...envelope, reason: p.GAP_REASONS.includes(reason) ? reason : "unspecified" } as GapEvent);
        break;
      case p.MODE:
        this.#setMode(envelope);
        break;
      case p.RETRY:
        this.#reconnect.retry(envelope.after_ms ?? 0, this.#now);
        this.#emit("retry", envelope);
        break;
    }
  }

  #welcome(envelope: p.Envelope): void {
    const first = this.#phase === "opening";
    if (!first && !this.session) return;
    if (this.#epoch !== envelope.epoch) {
      this.position = undefined;
      this.#rooms.forget();
    }
    this.#epoch = envelope.epoch;
    this.position = later(this.position, envelope.offset);
    this.clientId = envelope.client_id;
    this.#maxMessage = envelope.max_message ?? Infinity;
    this.#pulse = new Pulse(envelope, this.#now);
    if (first) {
      this.#phase = "open";
      this.#due = Infinity;
      this.#welcomedAt = this.#now;
      this.#failures = 0;
      this.#credentials.used();
      for (const { room, since } of this.#rooms.welcomed(envelope.rooms ?? [])) {
        // One that the hub left out is asked for: the answer says why.
        if (!this.#desk.has(p.JOIN, room)) this.#join(room, since);
      }
    }
    this.session = { ...envelope, resumed: !first || this.#resuming } as WelcomeEvent;
    this.#emit("welcome", this.session);
    this.#setMode(envelope);
  }

  #join(room: string, since: p.Offset | undefined, missed?: p.Offset): void {
    this.#own({ message_id: p.JOIN, room, from_offset: since }, { since, missed });
  }

  /** A request that nobody but this machine waits for. */
  #own(envelope: p.Envelope, more: Pick<Request, "since" | "missed"> = {}): void {
    const ref = this.nextRef();
    const frame = this.#options.form.encode({ ...envelope, ref });
    const { message_id: id, room, token } = envelope;
    this.#desk.add({ ref, id, room, token, frame, bytes: 0, deadline: Infinity, repeatable: true, own: true, ...more });
  }

  #request(request: Request): void {
    const { id, room } = request;
    let error: GohubError | undefined;
    if (this.#phase === "closed") error = new GohubError("closed", "the client is closed");
    else error = (id === p.JOIN && this.#tooMany(room as string)) || this.#desk.add(request);
    if (error) this.#actions.push({ type: "settle", request, result: error });
    else if (id === p.JOIN) this.#rooms.want(room as string);
    else if (id === p.LEAVE) this.#rooms.drop(room as string);
  }

  /** The hub answered for good: what follows from that. */
  #conclude({ request, result }: Outcome): void {
    const { id, room, own, token } = request;
    const error = result instanceof GohubError ? result : undefined;
    if (id === p.JOIN && room !== undefined) this.#joined(request, room, result);
    if (id === p.REFRESH) {
      if (!error) {
        if (!own && token !== undefined) this.#credentials.renew(token);
        const { left = [] } = ((result as p.Envelope).data ?? {}) as { left?: string[] };
        for (const name of left) this.#left(name, "the new token forbids it");
      } else if (own) {
        this.#credentials.spoil();
        this.#emit("error", error);
      }
    }
    if (!own) this.#actions.push({ type: "settle", request, result });
  }

  #joined({ own, since, missed }: Request, room: string, result: p.Envelope | GohubError): void {
    if (!(result instanceof GohubError)) {
      this.#rooms.entered(room);
      const to = result.offset ?? "";
      if (missed !== undefined) this.#emit("gap", { from: missed, to, room, reason: "unspecified" });
    } else if (own && since !== undefined) {
      // It may be in the room and not ask for what was said there: then it is in it, with a gap.
      this.#join(room, undefined, since);
    } else if (!result.retryable && !this.#rooms.inside().includes(room)) {
      if (own) this.#left(room, result.message);
      else this.#rooms.drop(room);
    }
  }

  /** The back end put this connection into a room: it is kept like one that the application asked for. */
  #placed(envelope: JoinedEvent): void {
    const { room } = envelope;
    // What the application asks for comes behind it.
    if (this.#desk.has(p.LEAVE, room)) return;
    const error = this.#tooMany(room);
    if (error) {
      this.#emit("error", error);
      return;
    }
    this.#rooms.want(room);
    this.#rooms.entered(room);
    this.#emit("joined", envelope);
  }

  /** Why this room cannot be wanted, too. */
  #tooMany(room: string): GohubError | undefined {
    const full = !this.#rooms.has(room) && this.#rooms.size >= this.#options.maxRooms;
    return full ? new GohubError("too_many_rooms", "more rooms than maxRooms") : undefined;
  }

  #left(room: string, reason: string): void {
    if (this.#rooms.drop(room)) this.#emit("left", { room, reason });
  }

  #tick(): void {
    if (this.#phase === "waiting" && this.#now >= this.#due) this.#begin();
    const late = this.#now - this.#timerAt > LATE_MS;
    // It went off: whatever is due next needs a new one.
    this.#timerAt = Number.NaN;
    if (late && this.#graceUntil === 0) {
      this.#graceUntil = this.#now + GRACE_MS;
      return;
    }
    this.#graceUntil = 0;
    this.#settle(this.#desk.expired(this.#now));
    if (this.#now >= this.#tokenAt) this.#askToken();
    const over = this.#now >= this.#due;
    if (over && this.#phase === "token") this.#gotNoToken();
    else if (over && this.#phase === "opening") this.#cut(1006, "no welcome in time");
    else if (over && this.#phase === "open") this.#cut(1012, "no close in time");
    const beat = this.#pulse?.beat(this.#now, this.#reconnect.pausedUntil);
    if (beat === "ping") this.#ping();
    else if (beat === "dead") this.#cut(4000, "the hub does not answer");
  }

  #ping(): void {
    this.#send({ message_id: p.PING, ref: this.nextRef() });
  }

  /** Leaves the socket behind without waiting for its end: a dead one takes minutes to say so. */
  #cut(code: number, reason: string): void {
    this.#actions.push({ type: "disconnect", code });
    this.#down(code, reason);
  }

  #down(code: number, reason: string, status?: number, retryAfterMs?: number): void {
    if (this.#phase !== "open" && this.#phase !== "opening") return;
    this.#rooms.lost(this.position);
    this.#settle(this.#desk.lost(code === 1009));
    const denied = status !== undefined && REFUSED.includes(status) && !(status === 401 && this.#credentials.stale());
    // Without another token there is nothing to come back with.
    const spent = code === 4004 && !this.#credentials.spoil();
    if (denied || spent || p.stops(code)) this.#end(status ?? code, reason);
    else this.#again(code, retryAfterMs);
  }

  #again(code: number, retryAfterMs: number | undefined): void {
    if (!this.session) {
      this.#failures++;
      if (this.#failures === TROUBLE) this.#emit("trouble", { attempts: this.#failures });
      // Nobody says why: it may be the token.
      if (this.#failures > 1) this.#credentials.spoil();
    }
    const lived = this.session ? this.#now - this.#welcomedAt : 0;
    this.#rest("waiting");
    this.#due = this.#now + this.#reconnect.wait(code, lived, retryAfterMs, this.#now);
    // Another hub than this one, any other: those of one hub are not to meet again on the next.
    const { length } = this.#options.urls;
    if (length > 1) this.#url = (this.#url + 1 + Math.floor(this.#random() * (length - 1))) % length;
  }

  #end(code: number, reason: string): void {
    if (this.#phase === "closed") return;
    this.#rooms.lost(this.position);
    this.#rest("closed");
    this.#reconnect.slot = undefined;
    this.#credentials.spoil();
    this.#settle(this.#desk.clear(new GohubError("closed", `the client is closed: ${reason}`)));
    this.#emit("closed", { code, reason });
  }

  /** There is no connection any more. */
  #rest(phase: "waiting" | "closed"): void {
    this.#phase = phase;
    this.#due = Infinity;
    this.#tokenAt = Infinity;
    this.#tokenId++;
    this.#pulse = undefined;
    this.session = undefined;
    this.#desk.clear(new GohubError("closed", ""), true);
  }

  #flush(): void {
    if (this.state !== "open" || this.#reconnect.pausedUntil > this.#now) return;
    const { send, refused } = this.#desk.next(this.#now, this.#maxMessage);
    for (const { frame } of send) this.#actions.push({ type: "send", frame });
    this.#settle(refused);
  }

  #settle(outcomes: Outcome[]): void {
    for (const outcome of outcomes) if (!outcome.request.own) this.#actions.push({ type: "settle", ...outcome });
  }

  #setMode({ mode, reason }: p.Envelope): void {
    if (mode === undefined || mode === this.mode) return;
    this.mode = mode;
    this.#emit("mode", { mode, reason });
  }

  #send(envelope: p.Envelope): void {
    this.#actions.push({ type: "send", frame: this.#options.form.encode(envelope) });
  }

  #emit<Name extends keyof ClientEvents>(name: Name, detail: ClientEvents[Name]): void {
    this.#actions.push({ type: "emit", name, detail } as Emits[Name]);
  }
}
