/** Being in rooms: entering, what was said before, who is there, and what to look up after a gap. */
import type { Client, GapEvent, GohubError, HistoryPage } from "@gohub/client";
import { type Conversation, changed, fill, type Id, knownUpTo, lineOf, PAGE, remember } from "../model/conversation.js";
import { type Arrival, type Gap, type Line, put } from "../model/entry.js";
import { failure } from "../words.js";
import type { Store } from "./store.js";

/** Nothing here is urgent enough to fail while a hub is being replaced, in milliseconds. */
const PATIENCE_MS = 60_000;
/** The most that a hub gives at once, unless it is set lower. */
const MOST_LINES = 500;
/** Names that are listed; of more the number is shown. */
const MOST_PEOPLE = 500;
/** Who moves from hub to hub leaves one and joins the other: nobody is told of what is over after so long, in milliseconds. */
const SETTLE_MS = 1_500;
/** Gaps so close together are one notice, in milliseconds: a slow client gets many. */
const SAME_GAP_MS = 10_000;
/** Arrivals so close together are one notice, in milliseconds. */
const TOGETHER_MS = 60_000;

/** The rooms. */
export class Rooms {
  readonly #client: Client;
  readonly #store: Store;
  readonly #looks = new Map<Id, ReturnType<typeof setTimeout>>();
  /** Gaps that are being looked up, and whether more went missing meanwhile. */
  readonly #fills = new Map<string, boolean>();

  constructor(client: Client, store: Store) {
    this.#client = client;
    this.#store = store;
  }

  /** Enters a room, and looks around in it. Whether it could. */
  async enter(room: string): Promise<boolean> {
    const id = `#${room}`;
    this.#store.open(id);
    try {
      await this.#client.join(room, { timeoutMs: PATIENCE_MS });
    } catch (thrown) {
      const error = thrown as GohubError;
      // It is tried again with the next connection.
      if (error.code !== "closed" && !error.retryable) this.#store.change(id, (one) => ({ ...one, refused: failure(error) }));
      return false;
    }
    this.#store.change(id, (one) => ({ ...one, entered: true, refused: undefined }));
    await Promise.all([this.earlier(id, PAGE), this.people(id)]);
    return true;
  }

  /** Leaves a room for good. */
  leave(room: string): void {
    this.#store.close(`#${room}`);
    // What the hub says to that changes nothing.
    this.#client.leave(room, { timeoutMs: PATIENCE_MS }).catch(() => {});
  }

  /** Asks for the last `asked` lines. */
  async earlier(id: Id, asked: number): Promise<void> {
    const before = this.#store.conversation(id);
    if (before?.kind !== "room") return;
    this.#store.change(id, (one) => ({ ...one, past: "looking", asked }));
    try {
      const limit = Math.min(asked, MOST_LINES);
      const page = await this.#client.history(before.name, { limit, timeoutMs: PATIENCE_MS });
      const full = page.messages.length >= limit;
      const past = full && limit < MOST_LINES ? "more" : page.complete && !full ? "beginning" : "forgotten";
      this.#store.change(id, (one) => ({ ...remember(one, this.#lines(page)).conversation, past }));
    } catch {
      this.#store.change(id, (one) => ({ ...one, past: "failed" }));
    }
  }

  /** Messages are missing: says so where it matters, and looks them up. */
  gap({ room, from, reason }: GapEvent): void {
    for (const { id, kind, entered, entries } of this.#store.get().conversations) {
      if (room !== undefined ? id !== `#${room}` : kind === "room" && !entered) continue;
      const now = this.#store.now();
      const before = entries.findLast((entry) => entry.kind === "gap" && entry.reason === reason && now.at - entry.at < SAME_GAP_MS);
      if (before !== undefined) {
        if (kind === "room") void this.fill(id, before.key);
        continue;
      }
      const key = `gap ${id} ${now.order}`;
      this.#store.change(id, (one) => {
        // Behind what is known; in another life of the log nothing is.
        const offset = reason === "epoch_changed" ? "0-0" : (knownUpTo(one, now.era) ?? from);
        const state = kind === "room" ? "looking" : "unknown";
        const gap: Gap = { kind: "gap", key, ...now, offset, reason, state, found: 0 };
        return { ...one, entries: put(one.entries, gap) };
      });
      if (kind === "room") void this.fill(id, key);
    }
  }

  /** Looks up what a gap left out, and again if more went missing meanwhile. */
  async fill(id: Id, key: string): Promise<void> {
    if (this.#fills.has(key)) {
      this.#fills.set(key, true);
      return;
    }
    do {
      this.#fills.set(key, false);
      await this.#fillOnce(id, key);
    } while (this.#fills.get(key));
    this.#fills.delete(key);
  }

  async #fillOnce(id: Id, key: string): Promise<void> {
    const gap = this.#store.conversation(id)?.entries.find((entry) => entry.key === key);
    if (gap?.kind !== "gap") return;
    this.#store.change(id, (one) => fill(one, key, { state: "looking" }));
    let [found, complete, since, cut]: [number, boolean, string | undefined, boolean] = [gap.found, true, gap.offset, false];
    const forgetful = ["expired", "compacted"].includes(gap.reason);
    if (since === "0-0" || gap.era !== this.#store.era) since = undefined;
    try {
      for (;;) {
        const range = since === undefined ? { limit: PAGE } : { from: since, limit: MOST_LINES };
        const page: HistoryPage = await this.#client.history(id.slice(1), { ...range, timeoutMs: PATIENCE_MS });
        this.#store.change(id, (one) => {
          const after = remember(one, this.#lines(page));
          found += after.found;
          return after.conversation;
        });
        const last = page.messages.at(-1)?.offset;
        // A page may be incomplete only because it was full; then there is more behind it. Of what was forgotten nobody can tell.
        if ((cut && page.messages.length === 0) || (forgetful && !page.complete)) complete = false;
        cut = !page.complete;
        if (!cut || since === undefined || last === undefined) break;
        since = last;
      }
      // A hub that has nothing left of a room cannot say that there was nothing.
      const sure = complete && !cut && !(forgetful && found === 0) && gap.reason !== "epoch_changed";
      const state = !sure ? "partly" : found > 0 ? "filled" : "empty";
      this.#store.change(id, (one) => fill(one, key, { state, found }));
    } catch {
      this.#store.change(id, (one) => fill(one, key, { state: "unknown", found }));
    }
  }

  /** Somebody came or went: who is there is looked up once it has settled. */
  stir(id: Id, came: string | undefined): void {
    // Who came is shown at once.
    if (came !== undefined) {
      this.#store.change(id, (one) => (one.people && !one.people.includes(came) ? this.#arrived(one, [...one.people, came]) : one));
    }
    if (this.#looks.has(id)) return;
    this.#looks.set(
      id,
      setTimeout(() => {
        this.#looks.delete(id);
        void this.people(id);
      }, SETTLE_MS),
    );
  }

  /** Looks up who is there. */
  async people(id: Id): Promise<void> {
    try {
      const page = await this.#client.presence(id.slice(1), { limit: MOST_PEOPLE, timeoutMs: PATIENCE_MS });
      this.#store.change(id, (one) => ({ ...this.#arrived(one, page.clients), total: page.total }));
    } catch {
      // The list stays as it was; the next look comes soon.
    }
  }

  /** Nothing is looked up any more. */
  stop(): void {
    for (const look of this.#looks.values()) clearTimeout(look);
  }

  #arrived(one: Conversation, now: readonly string[]): Conversation {
    const people = [...now].sort((a, b) => a.localeCompare(b));
    const after = { ...one, people, total: Math.max(one.total, people.length) };
    const { me } = this.#store.get();
    const { came, went } = changed(one.people ?? now, now);
    const [in_, out] = [came.filter((name) => name !== me), went.filter((name) => name !== me)];
    if (in_.length + out.length === 0) return after;
    const stamp = this.#store.now();
    const last = one.entries.at(-1);
    const earlier = last?.kind === "arrival" && stamp.at - last.at < TOGETHER_MS ? last : undefined;
    // Who came and went within one notice did neither.
    const [coming, going] = [
      [...(earlier?.came ?? []), ...in_],
      [...(earlier?.went ?? []), ...out],
    ];
    const both = (name: string) => coming.includes(name) && going.includes(name);
    const entries = earlier ? one.entries.slice(0, -1) : one.entries;
    const [rest, left] = [coming.filter((name) => !both(name)), going.filter((name) => !both(name))];
    if (rest.length + left.length === 0) return { ...after, entries };
    const offset = knownUpTo(one, stamp.era) ?? "0-0";
    const arrival: Arrival = { kind: "arrival", key: `arrival ${stamp.order}`, ...stamp, offset, came: rest, went: left };
    return { ...after, entries: put(entries, arrival) };
  }

  #lines({ messages }: HistoryPage): Line[] {
    const { me } = this.#store.get();
    // Presence changes are publications too, and stand in the history.
    return messages.filter(({ message_id }) => message_id !== 12).map((message) => lineOf(message, me, this.#store.now()));
  }
}
