/**
 * What one says, until the hub has it. A line is shown at once and waits as long as it has to; those of one conversation go one
 * after another, so that they stand in the order they were written in whatever fails between. Trying again uses the same
 * idempotency key, so that nothing is said twice.
 */
import { type Client, GohubError } from "@gohub/client";
import { change, hear, type Id, ownKey, waiting } from "../model/conversation.js";
import { find, type Line } from "../model/entry.js";
import { CHAT } from "../model/text.js";
import { failure } from "../words.js";
import type { Store } from "./store.js";

/** How long a line is tried before its writer is asked, in milliseconds: an outage of a hub is shorter. */
const PATIENCE_MS = 600_000;

function freshKey(): string {
  // randomUUID is not there on pages without TLS.
  return Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The lines on their way. */
export class Outbox {
  readonly #busy = new Set<Id>();
  readonly #client: Client;
  readonly #store: Store;
  readonly #enter: (room: string) => Promise<boolean>;

  /** `enter` brings us back into a room the hub has put us out of, and says whether it could. */
  constructor(client: Client, store: Store, enter: (room: string) => Promise<boolean>) {
    this.#client = client;
    this.#store = store;
    this.#enter = enter;
  }

  /** Says something. */
  say(id: Id, text: string): void {
    const { me } = this.#store.get();
    const { at, era, order } = this.#store.now();
    const line: Line = {
      kind: "line",
      key: ownKey(me, freshKey()),
      from: me,
      text,
      at,
      era,
      offset: undefined,
      order,
      delivery: "waiting",
    };
    this.#store.change(id, (conversation) => hear(conversation, line, true));
    void this.go(id);
  }

  /** Tries a line again that failed. */
  retry(id: Id, key: string): void {
    this.#store.change(id, (one) => change(one, key, { delivery: "waiting", problem: undefined, order: this.#store.now().order }));
    void this.go(id);
  }

  /** Forgets a line that failed. */
  discard(id: Id, key: string): void {
    this.#store.change(id, (one) => ({ ...one, entries: one.entries.filter((entry) => entry.key !== key) }));
  }

  /** Goes on everywhere: there is a connection again. */
  goOn(): void {
    for (const { id } of this.#store.get().conversations) void this.go(id);
  }

  /** Sends what waits in a conversation, one line after another. */
  async go(id: Id): Promise<void> {
    if (this.#busy.has(id)) return;
    this.#busy.add(id);
    try {
      for (let line = this.#next(id); line; line = this.#next(id)) {
        if (!(await this.#send(id, line, true))) break;
      }
    } finally {
      this.#busy.delete(id);
    }
  }

  #next(id: Id): Line | undefined {
    const conversation = this.#store.conversation(id);
    return conversation && waiting(conversation)[0];
  }

  /** Whether to go on with the next. */
  async #send(id: Id, line: Line, mayEnter: boolean): Promise<boolean> {
    const { me } = this.#store.get();
    const [name, data] = [id.slice(1), { text: line.text }];
    const options = { key: line.key.slice(ownKey(me, "").length), type: CHAT, timeoutMs: PATIENCE_MS };
    try {
      const { offset } = await (id.startsWith("#") ? this.#client.publish(name, data, options) : this.#client.unicast(name, data, options));
      this.#store.change(id, (one) => {
        const now = find(one.entries, line.key);
        // The echo may have come first, with the hub's own time.
        if (now?.kind !== "line" || now.delivery !== "waiting") return one;
        return change(one, line.key, { delivery: "sent", offset, era: this.#store.era });
      });
      return true;
    } catch (thrown) {
      const error = thrown instanceof GohubError ? thrown : new GohubError("internal", String(thrown));
      // Disconnected by hand or for good: it waits for the next connection.
      if (error.code === "closed") return false;
      if (error.code === "not_joined" && mayEnter && (await this.#enter(name))) return this.#send(id, line, false);
      const problem = failure(error, id.startsWith("@") ? name : undefined);
      this.#store.change(id, (one) => change(one, line.key, { delivery: "failed", problem }));
      return true;
    }
  }
}
