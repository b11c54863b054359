/** One person's stay: the client of the library, what it tells put into the store, and what the page asks for. */
import { Client, type ClientOptions, type Message, type State, type WelcomeEvent } from "@gohub/client";
import { hear, type Id, knownUpTo, lineOf } from "../model/conversation.js";
import { type Moved, put } from "../model/entry.js";
import { LATENCIES } from "../model/link.js";
import { CHAT } from "../model/text.js";
import type { Keep } from "./keep.js";
import { Outbox } from "./outbox.js";
import { Rooms } from "./rooms.js";
import { Store } from "./store.js";

/** How often the hub's answer is timed while the page is seen, in milliseconds; and while it is not. */
const BEAT_MS = 5_000;
const HIDDEN_BEAT_MS = 30_000;
/** How often it is looked who is there, in milliseconds: not every hub tells. */
const PEOPLE_MS = 20_000;

/** A stay. */
export class Session {
  readonly store: Store;
  readonly #client: Client;
  readonly #rooms: Rooms;
  readonly #outbox: Outbox;
  readonly #keep: Keep;
  readonly #ends: (() => void)[] = [];
  #epoch: string | undefined;
  #restarting = false;
  #beat: ReturnType<typeof setTimeout> | undefined;

  constructor(options: ClientOptions & { clientId: string }, keep: Keep) {
    this.store = new Store(options.clientId);
    this.#client = new Client(options);
    this.#rooms = new Rooms(this.#client, this.store);
    this.#outbox = new Outbox(this.#client, this.store, (room) => this.#rooms.enter(room));
    this.#keep = keep;
    this.#listen();
  }

  /** Connects, and enters the rooms: those of before, and `room` where there is one. */
  start(room: string | undefined): void {
    const { conversations, active } = this.#keep.load(this.store.get().me);
    this.store.set({ conversations, active });
    if (room !== undefined && room !== "") {
      this.store.open(`#${room}`);
      this.show(`#${room}`);
    }
    for (const { name } of this.store.rooms()) void this.#rooms.enter(name);
    this.#client.connect().catch(() => {});
    this.#outbox.goOn();
    this.#time();
    const looking = setInterval(() => {
      const { active, link } = this.store.get();
      if (active?.startsWith("#") && link.state === "open" && !document.hidden) void this.#rooms.people(active);
    }, PEOPLE_MS);
    this.#ends.push(() => clearInterval(looking));
  }

  /** Leaves, for good. */
  stop(): void {
    for (const end of this.#ends) end();
    clearTimeout(this.#beat);
    this.#rooms.stop();
    this.#client.close();
  }

  /** Enters a room, which begins with its first guest, and shows it. */
  join(room: string): void {
    const id = `#${room}`;
    if (!this.store.conversation(id)?.entered) void this.#rooms.enter(room);
    this.show(id);
  }

  /** Leaves a room, or closes a conversation with a person. */
  leave(id: Id): void {
    if (id.startsWith("#")) this.#rooms.leave(id.slice(1));
    else this.store.close(id);
    this.#save();
  }

  /** Opens the conversation with a person. */
  meet(name: string): void {
    this.store.open(`@${name}`);
    this.show(`@${name}`);
  }

  /** Shows a conversation, or none: the list, on a phone. */
  show(id: Id | undefined): void {
    const { active } = this.store.get();
    // Where one had been, the divider has done its work.
    if (active !== undefined && active !== id) this.store.change(active, (one) => ({ ...one, firstUnread: undefined }));
    this.store.set({ active: id });
    this.#seen();
    this.#save();
  }

  /** Says something. */
  say(id: Id, text: string): void {
    this.store.change(id, (one) => ({ ...one, firstUnread: undefined }));
    this.#outbox.say(id, text);
  }

  /** Tries a failed line again, or forgets it. */
  retry(id: Id, key: string): void {
    this.#outbox.retry(id, key);
  }

  /** Forgets a line that failed. */
  discard(id: Id, key: string): void {
    this.#outbox.discard(id, key);
  }

  /** Asks for more of what was said before, or again for what a gap left out. */
  earlier(id: Id): void {
    const { asked = 0, past } = this.store.conversation(id) ?? {};
    void this.#rooms.earlier(id, past === "failed" ? asked : asked * 3);
  }

  /** Looks up again what a gap left out. */
  fill(id: Id, key: string): void {
    void this.#rooms.fill(id, key);
  }

  /** Tries to connect now, without waiting for the next attempt. */
  reconnect(): void {
    this.#restarting = this.#client.state !== "closed";
    this.#client.close();
    this.#restarting = false;
    this.store.link({ closed: undefined });
    this.#client.connect().catch(() => {});
    for (const { name, entered } of this.store.rooms()) if (!entered) void this.#rooms.enter(name);
    this.#outbox.goOn();
  }

  #listen(): void {
    const { store } = this;
    const client = this.#client;
    client.on("state", (state) => this.#state(state));
    client.on("welcome", (welcome) => this.#welcome(welcome));
    client.on("message", (message) => this.#message(message));
    client.on("presence", ({ room, data }) => this.#rooms.stir(`#${room}`, data.joined));
    client.on("gap", (gap) => {
      store.link({ losses: store.get().link.losses + 1 });
      this.#rooms.gap(gap);
    });
    client.on("mode", ({ mode }) => store.link({ mode }));
    client.on("drain", () => store.link({ drained: true }));
    client.on("retry", ({ after_ms = 0 }) => store.link({ pausedUntil: Date.now() + after_ms }));
    client.on("left", ({ room }) => {
      store.change(`#${room}`, (one) => ({ ...one, entered: false, refused: "You are not let into this room any more." }));
    });
    client.on("trouble", ({ attempts }) => store.link({ attempts }));
    client.on("closed", (closed) => {
      if (!this.#restarting) store.link({ closed });
    });
    this.#hear(window, "online", () => store.link({ online: true }));
    this.#hear(window, "offline", () => store.link({ online: false }));
    this.#hear(document, "visibilitychange", () => {
      this.#seen();
      if (!document.hidden) this.#time();
    });
    this.#hear(window, "pagehide", () => this.#save());
    store.link({ online: navigator.onLine });
  }

  #hear(target: EventTarget, name: string, listener: () => void): void {
    target.addEventListener(name, listener);
    this.#ends.push(() => target.removeEventListener(name, listener));
  }

  #state(state: State): void {
    const { link } = this.store.get();
    const now = Date.now();
    const wait = this.#client.nextAttemptMs;
    const lost = (state === "waiting" || state === "closed") && link.since !== undefined;
    this.store.link({
      state,
      nextAt: wait === undefined ? undefined : now + wait,
      ...(lost ? { lostAt: now, since: undefined, latencies: [] } : {}),
    });
  }

  #welcome({ epoch, node, recovered, mode }: WelcomeEvent & { mode?: "normal" | "degraded" }): void {
    const { link, conversations } = this.store.get();
    const now = Date.now();
    if (this.#epoch !== undefined && this.#epoch !== epoch) this.store.era++;
    this.#epoch = epoch;
    const away = link.lostAt === undefined ? undefined : now - link.lostAt;
    const fresh = { node, since: now, heardAt: now, lostAt: undefined, drained: false, attempts: 0, pausedUntil: 0, closed: undefined };
    const back = away === undefined ? {} : { returns: link.returns + 1, back: { at: now, away, complete: recovered } };
    this.store.link({ ...fresh, ...back, mode: mode ?? link.mode });
    if (away !== undefined) {
      for (const { id } of conversations) this.#moved(id, { node, away, complete: recovered });
    }
    for (const { name, id, entered, refused } of this.store.rooms()) {
      if (entered) this.#rooms.stir(id, undefined);
      else if (refused === undefined && away !== undefined) void this.#rooms.enter(name);
    }
    this.#outbox.goOn();
    this.#time();
  }

  #moved(id: Id, what: Pick<Moved, "node" | "away" | "complete">): void {
    const now = this.store.now();
    this.store.change(id, (one) => {
      const last = one.entries.at(-1);
      // Several in a row are one.
      const entries = last?.kind === "moved" ? one.entries.slice(0, -1) : one.entries;
      const offset = knownUpTo(one, now.era) ?? "0-0";
      return { ...one, entries: put(entries, { kind: "moved", key: `moved ${now.order}`, ...now, offset, ...what }) };
    });
  }

  #message(message: Message): void {
    const { me, active } = this.store.get();
    this.store.link({ heardAt: Date.now() });
    const { room, from, to, message_type: type } = message;
    const line = lineOf(message, me, this.store.now());
    if (room !== undefined) {
      const id = `#${room}`;
      this.store.change(id, (one) => hear(one, line, active === id && !document.hidden));
    } else if (to !== undefined) {
      const id = `@${from === me ? to : (from ?? "hub")}`;
      this.store.open(id);
      this.store.change(id, (one) => hear(one, line, active === id && !document.hidden));
      this.#save();
    } else if (type === undefined || type === CHAT) {
      // To everybody: it stands in every room.
      for (const { id } of this.store.rooms()) this.store.change(id, (one) => hear(one, line, active === id && !document.hidden));
    }
  }

  #seen(): void {
    const { active } = this.store.get();
    if (active !== undefined && !document.hidden) this.store.change(active, (one) => (one.unread === 0 ? one : { ...one, unread: 0 }));
  }

  /** Times the hub's answer, again and again. */
  #time(): void {
    clearTimeout(this.#beat);
    this.#beat = setTimeout(() => this.#time(), document.hidden ? HIDDEN_BEAT_MS : BEAT_MS);
    if (this.#client.state !== "open") return;
    this.#client.ping({ timeoutMs: BEAT_MS }).then(
      (took) => {
        const { latencies, state } = this.store.get().link;
        if (state === "open") this.store.link({ latencies: [...latencies, took].slice(-LATENCIES), heardAt: Date.now() });
      },
      // A silent hub is the heartbeat's business.
      () => {},
    );
  }

  #save(): void {
    this.#keep.save(this.store.get());
  }
}
