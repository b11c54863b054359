/** One conversation, with a room or with a person, and what may happen to it. Pure. */
import type { Message, Offset } from "@gohub/client";
import { type Entry, find, type Gap, type Line, newest, put } from "./entry.js";
import { textOf } from "./text.js";

/** Which conversation: `#` and the room's name, or `@` and the person's. */
export type Id = string;

/** What a conversation is. */
export interface Conversation {
  readonly id: Id;
  readonly kind: "room" | "person";
  readonly name: string;
  readonly entries: readonly Entry[];
  /** Lines of others that nobody looked at. */
  readonly unread: number;
  /** The first of them, where the divider stands until one has gone on. */
  readonly firstUnread: string | undefined;
  /** A room: whether the hub let us in; `refused` says why it did not. */
  readonly entered: boolean;
  readonly refused: string | undefined;
  /** A room: who is there, and how many when these are not all. */
  readonly people: readonly string[] | undefined;
  readonly total: number;
  /** What is known of what was said before: `more` can be asked for, it is the `beginning`, or the hub has `forgotten` it. */
  readonly past: "unknown" | "looking" | "more" | "beginning" | "forgotten" | "failed";
  /** How many lines were asked for. */
  readonly asked: number;
}

/** Lines that are asked for when a room is entered. */
export const PAGE = 50;

/** A conversation in which nothing was said yet. */
export function begin(id: Id): Conversation {
  const kind = id.startsWith("#") ? "room" : "person";
  const now = { entries: [], unread: 0, firstUnread: undefined, people: undefined, total: 0, asked: PAGE } as const;
  return { id, kind, name: id.slice(1), entered: false, refused: undefined, past: "unknown", ...now };
}

/** Where an entry stands that is made now. */
export interface Now {
  readonly at: number;
  readonly era: number;
  /** Counts up; orders what stands at the same place. */
  readonly order: number;
}

/** A delivered message as a line. */
export function lineOf(message: Message, me: string, { era, order, at }: Now): Line {
  const { key, from, offset, data, ts, mode } = message;
  const delivery = from === me ? "sent" : "received";
  // Others may leave the key out, and two people may choose the same one.
  const name = key === undefined ? `${era} ${offset}` : `${from} ${key}`;
  return { kind: "line", key: name, from, text: textOf(data), at: ts ?? at, era, offset, order, delivery, local: mode === "degraded" };
}

/** The key of one's own line whose publish has this idempotency key. */
export function ownKey(me: string, key: string): string {
  return `${me} ${key}`;
}

/** One line more. `seen` says whether somebody looks; history is never unread. */
export function hear(conversation: Conversation, line: Line, seen: boolean): Conversation {
  const before = find(conversation.entries, line.key);
  // It came before: what may be new is that it has a place now, and stands in another life of the log.
  const entry = before?.kind === "line" && before.offset !== undefined && before.era === line.era ? before : line;
  if (entry === before) return conversation;
  const entries = put(conversation.entries, entry);
  if (seen || before !== undefined || line.delivery === "sent") return { ...conversation, entries };
  return { ...conversation, entries, unread: conversation.unread + 1, firstUnread: conversation.firstUnread ?? line.key };
}

/** Changes one line. */
export function change(conversation: Conversation, key: string, changes: Partial<Line>): Conversation {
  const line = find(conversation.entries, key);
  if (line?.kind !== "line") return conversation;
  return { ...conversation, entries: put(conversation.entries, { ...line, ...changes }) };
}

/** Lines that the history brought, and how many of them are new. */
export function remember(conversation: Conversation, lines: readonly Line[]): { conversation: Conversation; found: number } {
  const fresh = lines.filter(({ key }) => find(conversation.entries, key) === undefined).length;
  return { conversation: lines.reduce((so, line) => hear(so, line, true), conversation), found: fresh };
}

/** What a gap came to. */
export function fill(conversation: Conversation, key: string, changes: Pick<Gap, "state"> & Partial<Gap>): Conversation {
  const gap = find(conversation.entries, key);
  return gap?.kind === "gap" ? { ...conversation, entries: put(conversation.entries, { ...gap, ...changes }) } : conversation;
}

/** The lines of one's own that wait, oldest first. */
export function waiting(conversation: Conversation): Line[] {
  return conversation.entries.filter((entry): entry is Line => entry.kind === "line" && entry.delivery === "waiting");
}

/** Who came and who went between two looks. */
export function changed(before: readonly string[], now: readonly string[]): { came: string[]; went: string[] } {
  return { came: now.filter((name) => !before.includes(name)), went: before.filter((name) => !now.includes(name)) };
}

/** Up to where this conversation is known, for the question what came after it. */
export function knownUpTo({ entries }: Conversation, era: number): Offset | undefined {
  return newest(entries, era);
}
