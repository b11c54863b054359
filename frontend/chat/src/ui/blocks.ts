/** Lines of one person that belong together, and what stands between them. Pure. */
import type { Arrival, Entry, Gap, Line, Moved } from "../model/entry.js";

/** Lines of one person, one after another. */
export interface Lines {
  readonly kind: "lines";
  readonly key: string;
  readonly from: string | undefined;
  readonly own: boolean;
  readonly lines: readonly Line[];
  /** A day begins before it. */
  readonly day: number | undefined;
  /** The divider to what is new stands before it. */
  readonly isNew: boolean;
}

/** A notice. */
export interface Noted {
  readonly kind: "noted";
  readonly key: string;
  readonly entry: Gap | Arrival | Moved;
  readonly day: number | undefined;
  readonly isNew: boolean;
}

/** Lines further apart are not together, in milliseconds. */
const TOGETHER_MS = 300_000;

/** The entries in blocks. */
export function blocks(entries: readonly Entry[], me: string, firstUnread: string | undefined): (Lines | Noted)[] {
  const found: (Lines | Noted)[] = [];
  let before: Entry | undefined;
  for (const entry of entries) {
    const day = before === undefined || new Date(before.at).toDateString() !== new Date(entry.at).toDateString() ? entry.at : undefined;
    const isNew = entry.key === firstUnread;
    const last = found.at(-1);
    before = entry;
    if (entry.kind !== "line") found.push({ kind: "noted", key: entry.key, entry, day, isNew });
    else if (
      last?.kind === "lines" &&
      last.from === entry.from &&
      day === undefined &&
      !isNew &&
      entry.at - (last.lines.at(-1)?.at ?? 0) < TOGETHER_MS
    ) {
      found[found.length - 1] = { ...last, lines: [...last.lines, entry] };
    } else found.push({ kind: "lines", key: entry.key, from: entry.from, own: entry.from === me, lines: [entry], day, isNew });
  }
  return found;
}
