/** The protocol's rules for names of rooms and people, in words for the box they are typed into. Pure. */

const MOST_BYTES = 128;
/** Control characters, line separators and invisible formatting characters: a name that holds one looks like another. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\u115F\u1160\u3164\uFFA0]/u;

/** What is wrong with this name, or nothing. */
export function nameProblem(name: string): string | undefined {
  if (name === "") return "A name has at least one character";
  if (name === "." || name === "..") return "A dot alone is no name";
  if (name.includes("/")) return "A name has no slash in it";
  if (INVISIBLE.test(name)) return "A name has no invisible characters in it";
  const bytes = new TextEncoder().encode(name).length;
  if (bytes > MOST_BYTES) return `That is too long: ${bytes} bytes, and ${MOST_BYTES} are the most`;
  return undefined;
}

/** Two letters to stand for a name where there is no room for it. */
export function initials(name: string): string {
  const words = name.split(/[\s._-]+/u).filter((word) => word !== "");
  const [first = "", second] = words;
  const letters = second === undefined ? [...first].slice(0, 2) : [[...first][0], [...second][0]];
  return letters.join("").toLocaleUpperCase() || "?";
}

/** How many hues there are for people. */
export const HUES = 8;

/** The hue of a name, always the same one. */
export function hue(name: string): number {
  let hash = 2_166_136_261;
  for (const char of name) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 16_777_619);
  return ((hash ^ (hash >>> 15)) >>> 0) % HUES;
}
