/** When to connect or to ask again: full jitter, as section 8 of the protocol says. Pure: the random number is given. */

const FIRST_MS = 500;
const LONGEST_MS = 30_000;

/** A connection that has lived so long after its welcome was a good one, in milliseconds. */
export const GOOD_MS = 5_000;

/** The wait before attempt `n` (from 0) in milliseconds, for a random number from 0 to 1. */
export function jitter(n: number, random: number): number {
  return random * Math.min(LONGEST_MS, FIRST_MS * 2 ** n);
}
