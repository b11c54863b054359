/**
 * What stands in a conversation, and its order. Pure.
 *
 * Delivered lines stand where the hub put them, by their offset; what was not acked yet stands at the end; notices stand where
 * they were made. Every line has a key, the idempotency key of its publish, so that one that comes again, by history, after a
 * retry or as one's own echo, is the same line.
 */
import { isLater, type Offset } from "@gohub/client";

/** How far a line got. */
export type Delivery = "received" | "waiting" | "sent" | "failed";

/** Something that somebody said. */
export interface Line {
  readonly kind: "line";
  readonly key: string;
  /** Who; absent when the hub's owner said it. */
  readonly from: string | undefined;
  readonly text: string;
  /** When, in milliseconds since 1970. */
  readonly at: number;
  readonly era: number;
  /** Its place in the order; absent while it waits. */
  readonly offset: Offset | undefined;
  readonly order: number;
  readonly delivery: Delivery;
  /** Why it failed, in words. */
  readonly problem?: string | undefined;
  /** Whether the hub was cut off from the others, so that only its own people have it. */
  readonly local?: boolean;
}

/** Messages did not come. */
export interface Gap {
  readonly kind: "gap";
  readonly key: string;
  readonly at: number;
  readonly era: number;
  readonly offset: Offset | undefined;
  readonly order: number;
  readonly reason: string;
  /** `looking` in the history; `filled` with everything; `empty`: nothing was said; `partly` gone; `unknown`: no answer. */
  readonly state: "looking" | "filled" | "empty" | "partly" | "unknown";
  /** How many lines the history brought. */
  readonly found: number;
}

/** Somebody came or went. */
export interface Arrival {
  readonly kind: "arrival";
  readonly key: string;
  readonly at: number;
  readonly era: number;
  readonly offset: Offset | undefined;
  readonly order: number;
  readonly came: readonly string[];
  readonly went: readonly string[];
}

/** The connection went over to another hub, or came back. */
export interface Moved {
  readonly kind: "moved";
  readonly key: string;
  readonly at: number;
  readonly era: number;
  readonly offset: Offset | undefined;
  readonly order: number;
  readonly node: string;
  /** How long there was none, in milliseconds. */
  readonly away: number;
  readonly complete: boolean;
}

/** Anything in a conversation. */
export type Entry = Line | Gap | Arrival | Moved;

/** Most entries of one conversation that are kept in memory; the oldest go. */
export const MOST_ENTRIES = 1_000;

/** Whether this is a line that the hub has given no place yet: it stays at the end, whatever else comes. */
function isUnplaced(entry: Entry): boolean {
  return entry.kind === "line" && entry.offset === undefined;
}

/** More than 0 when `a` stands behind `b`. */
function stands(a: Entry, b: Entry): number {
  const [waits, other] = [isUnplaced(a), isUnplaced(b)];
  if (waits !== other) return waits ? 1 : -1;
  if (a.era !== b.era) return a.era - b.era;
  if (a.offset !== b.offset) {
    if (a.offset === undefined) return 1;
    if (b.offset === undefined) return -1;
    return isLater(a.offset, b.offset) ? 1 : -1;
  }
  // A notice made at an offset stands behind the line that has it.
  if (a.offset !== undefined && (a.kind === "line") !== (b.kind === "line")) return a.kind === "line" ? -1 : 1;
  return a.order - b.order;
}

/** These entries with one more, or with the newer state of one that is there. */
export function put(entries: readonly Entry[], entry: Entry): readonly Entry[] {
  const rest = entries.filter(({ key }) => key !== entry.key);
  let at = rest.length;
  // Nearly always at the end.
  while (at > 0 && stands(rest[at - 1] as Entry, entry) > 0) at--;
  rest.splice(at, 0, entry);
  return rest.length > MOST_ENTRIES ? rest.slice(rest.length - MOST_ENTRIES) : rest;
}

/** The entry with this key. */
export function find(entries: readonly Entry[], key: string): Entry | undefined {
  return entries.find((entry) => entry.key === key);
}

/** The newest place that a delivered line of this era has. */
export function newest(entries: readonly Entry[], era: number): Offset | undefined {
  return entries.findLast((entry) => entry.kind === "line" && entry.era === era && entry.offset !== undefined)?.offset;
}
