/** The JSON form: one object per text frame; opaque bytes travel as base64. */
import type { Envelope, Form } from "./protocol.js";

const CHUNK = 8192;

function base64(bytes: Uint8Array): string {
  let binary = "";
  // In chunks: a call takes only so many arguments.
  for (let at = 0; at < bytes.length; at += CHUNK) binary += String.fromCharCode(...bytes.subarray(at, at + CHUNK));
  return btoa(binary);
}

function read(raw: Envelope & { encoding?: unknown }): Envelope {
  if (typeof raw?.message_id !== "number") throw new TypeError("no message");
  const { encoding, ...envelope } = raw;
  if (encoding === "base64") envelope.data = Uint8Array.from(atob(String(envelope.data)), (char) => char.charCodeAt(0));
  if (envelope.messages) envelope.messages = envelope.messages.map((message) => read(message) as typeof message);
  return envelope;
}

/** The JSON form, `gohub.v1.json`. */
export const json: Form = {
  subprotocol: "gohub.v1.json",
  encode: (envelope) =>
    JSON.stringify(envelope.data instanceof Uint8Array ? { ...envelope, data: base64(envelope.data), encoding: "base64" } : envelope),
  // A binary frame is no JSON either, and throws.
  decode: (frame) => read(JSON.parse(frame as string)),
};
