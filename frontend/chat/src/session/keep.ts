/**
 * What survives a reload of the page, in this tab alone: the rooms, private conversations, which no hub keeps, and lines that wait.
 * No token is ever kept.
 */
import { begin, type Conversation } from "../model/conversation.js";
import type { Line } from "../model/entry.js";
import type { Chat } from "./store.js";

/** Lines of one private conversation that are kept. */
const MOST_LINES = 200;
const WHO = "gohub.chat.who";
const WHAT = "gohub.chat.what";

interface Kept {
  readonly me: string;
  readonly active: string | undefined;
  readonly conversations: readonly { readonly id: string; readonly lines: readonly Line[] }[];
}

/** Where things are kept; a browser may refuse. */
export type Drawer = Pick<Storage, "getItem" | "setItem" | "removeItem">;

/** Who was here, so that a reload goes straight back in. */
export interface Who {
  readonly name: string;
  /** The addresses of the hubs as they were typed. */
  readonly hub: string;
}

/** The drawer of this tab. */
export class Keep {
  readonly #drawer: Drawer | undefined;

  constructor(drawer: Drawer | undefined) {
    this.#drawer = drawer;
  }

  /** Who was here, if somebody was. */
  who(): Who | undefined {
    const who = this.#read(WHO) as Partial<Who> | undefined;
    return typeof who?.name === "string" && typeof who.hub === "string" ? { name: who.name, hub: who.hub } : undefined;
  }

  /** Remembers who is here; `undefined` forgets, and everything with it. */
  remember(who: Who | undefined): void {
    if (who !== undefined) this.#write(WHO, who);
    else this.#drawer?.removeItem(WHO);
  }

  /** Keeps what cannot be asked for again. */
  save({ me, active, conversations }: Chat): void {
    const kept = conversations.map(({ id, kind, entries }) => {
      const lines = entries.filter((entry): entry is Line => entry.kind === "line");
      const own =
        kind === "person" ? lines.slice(-MOST_LINES) : lines.filter(({ delivery }) => delivery === "waiting" || delivery === "failed");
      return { id, lines: own };
    });
    this.#write(WHAT, { me, active, conversations: kept } satisfies Kept);
  }

  /** What was kept of this person. Its offsets are of another life: era 0, before everything. */
  load(me: string): Pick<Chat, "active" | "conversations"> {
    const kept = this.#read(WHAT) as Kept | undefined;
    if (kept?.me !== me || !Array.isArray(kept.conversations)) return { active: undefined, conversations: [] };
    const conversations = kept.conversations.map(({ id, lines }): Conversation => {
      const entries = lines.map((line: Line, index: number) => ({ ...line, era: 0, order: index - lines.length }));
      return { ...begin(id), entries };
    });
    return { active: kept.active, conversations };
  }

  #read(name: string): unknown {
    try {
      return JSON.parse(this.#drawer?.getItem(name) ?? "null") ?? undefined;
    } catch {
      return undefined;
    }
  }

  #write(name: string, value: unknown): void {
    try {
      this.#drawer?.setItem(name, JSON.stringify(value));
    } catch {
      // Full or forbidden: then a reload begins anew.
    }
  }
}
