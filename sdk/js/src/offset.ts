/** Offsets stay text, because their parts may exceed what a double holds; so comparing them is done on the digits. */
import type { Offset } from "./protocol.js";

const SHAPE = /^(?:0|[1-9]\d{0,19})-(?:0|[1-9]\d{0,19})$/;

/** Whether this is an offset. */
export function isOffset(value: unknown): value is Offset {
  return typeof value === "string" && SHAPE.test(value);
}

/** Whether `a` stands behind `b` in the total order. */
export function isLater(a: Offset, b: Offset): boolean {
  const [left, right] = [a.split("-"), b.split("-")];
  for (const [index, digits] of left.entries()) {
    const other = right[index] ?? "";
    if (digits !== other) {
      // No leading zeros: the longer one is the larger one.
      return digits.length === other.length ? digits > other : digits.length > other.length;
    }
  }
  return false;
}

/** The later of the two; what is no offset does not count. */
export function later(a: Offset | undefined, b: unknown): Offset | undefined {
  return isOffset(b) && (a === undefined || isLater(b, a)) ? b : a;
}
