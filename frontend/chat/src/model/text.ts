/** What of a message's data is text to be shown, and where there are links in it. Pure. */

/** The message type of a line of chat. */
export const CHAT = "chat";
/** Most characters of a line; far below what a hub takes. */
export const MOST_CHARACTERS = 4_000;

/** The text in a message: `{"text": ...}` as this page sends it, a bare string as a terminal does, or the JSON of anything else. */
export function textOf(data: unknown): string {
  if (typeof data === "string") return data;
  if (data instanceof Uint8Array) return `${data.length} bytes that are no text`;
  const text = (data as { text?: unknown } | null | undefined)?.text;
  return typeof text === "string" ? text : (JSON.stringify(data) ?? "");
}

/** A piece of a text. */
export interface Piece {
  readonly text: string;
  /** Where in the text it begins. */
  readonly at: number;
  readonly link: boolean;
}

const LINK = /\bhttps?:\/\/[^\s<>"'`]*[^\s<>"'`.,:;!?)\]}]/g;

/** A text in pieces, of which some are links. */
export function pieces(text: string): Piece[] {
  const found: Piece[] = [];
  let end = 0;
  for (const match of text.matchAll(LINK)) {
    if (match.index > end) found.push({ text: text.slice(end, match.index), at: end, link: false });
    found.push({ text: match[0], at: match.index, link: true });
    end = match.index + match[0].length;
  }
  if (end < text.length) found.push({ text: text.slice(end), at: end, link: false });
  return found;
}
