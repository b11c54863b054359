/**
 * The CBOR form: the part of RFC 8949 that the protocol uses, in the shortest form. Written for this protocol alone,
 * so that an application carries no general codec.
 */
import { isOffset } from "./offset.js";
import { type Envelope, FIELDS, type Form } from "./protocol.js";

// One by one, so that a bundler puts the numbers in their places.
const UINT = 0;
const NEGATIVE = 1;
const BYTES = 2;
const TEXT = 3;
const ARRAY = 4;
const MAP = 5;
const TAG = 6;
const SIMPLE = 7;
/** A byte string that holds JSON. */
const EMBEDDED_JSON = 262;
/** Of fields that are skipped too. */
const DEEPEST = 16;
const OFFSETS = ["offset", "from_offset", "from", "to"];

type Fields = Record<string, unknown>;

const utf8 = (text: string) => new TextEncoder().encode(text);

/** The head of an item. */
function head(major: number, value: number | bigint): Uint8Array {
  const size = value < 24 ? 0 : value < 0x100 ? 1 : value < 0x10000 ? 2 : value < 0x100000000 ? 4 : 8;
  const bytes = new Uint8Array(1 + size);
  bytes[0] = (major << 5) | (size ? 24 + Math.log2(size) : Number(value));
  let rest = BigInt(value);
  for (let at = size; at > 0; at--, rest >>= 8n) bytes[at] = Number(rest & 255n);
  return bytes;
}

const string = (major: number, bytes: Uint8Array) => [head(major, bytes.length), bytes];

function item(value: unknown): Uint8Array[] {
  if (typeof value === "number" || typeof value === "bigint") return [head(UINT, value)];
  if (typeof value === "boolean") return [head(SIMPLE, value ? 21 : 20)];
  return Array.isArray(value) ? [head(ARRAY, value.length), ...value.flatMap(item)] : string(TEXT, utf8(String(value)));
}

function field(name: string, value: unknown): Uint8Array[] {
  if (name !== "data") return item(name.endsWith("offset") && isOffset(value) ? value.split("-").map(BigInt) : value);
  if (value instanceof Uint8Array) return string(BYTES, value);
  return [head(TAG, EMBEDDED_JSON), ...string(BYTES, utf8(JSON.stringify(value)))];
}

/** Reads items; lengths beyond the end, indefinite ones and too deep a nesting throw. */
class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  item(depth = 0): unknown {
    const first = this.#take(1)[0] as number;
    const major = first >> 5;
    const value = this.#argument(first & 31);
    const length = Number(value);
    if (depth > DEEPEST) throw new RangeError("too deep");
    switch (major) {
      case UINT:
        return value;
      case NEGATIVE:
        return -1 - length;
      case BYTES:
        return this.#take(length).slice();
      case TEXT:
        return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(this.#take(length));
      case ARRAY: {
        const items: unknown[] = [];
        for (let n = 0; n < length; n++) items.push(this.item(depth + 1));
        return items;
      }
      case MAP: {
        // Every map of the protocol is an envelope.
        const fields: Fields = {};
        for (let n = 0; n < length; n++) {
          const name = FIELDS[this.item(depth + 1) as number];
          const field = this.item(depth + 1);
          if (name) fields[name] = OFFSETS.includes(name) && Array.isArray(field) ? field.join("-") : field;
        }
        return fields;
      }
      case TAG: {
        const tagged = this.item(depth + 1);
        return value === EMBEDDED_JSON ? JSON.parse(new TextDecoder().decode(tagged as Uint8Array)) : tagged;
      }
      default:
        // `null`, `undefined` and floats occur in no field that is known.
        return value === 20 ? false : value === 21 ? true : null;
    }
  }

  done(): boolean {
    return this.#at === this.#bytes.length;
  }

  #take(count: number): Uint8Array {
    const taken = this.#bytes.subarray(this.#at, this.#at + count);
    if (taken.length !== count) throw new RangeError("cut short");
    this.#at += count;
    return taken;
  }

  #argument(small: number): number | bigint {
    if (small < 24) return small;
    if (small > 27) throw new RangeError("cut short");
    let value = 0n;
    for (const byte of this.#take(2 ** (small - 24))) value = (value << 8n) | BigInt(byte);
    return value > Number.MAX_SAFE_INTEGER ? value : Number(value);
  }
}

/** The CBOR form, `gohub.v1.cbor`. */
export const cbor: Form = {
  subprotocol: "gohub.v1.cbor",
  encode(envelope) {
    const fields = envelope as unknown as Fields;
    // `undefined` is absent, and `null` too, except as data.
    const names = FIELDS.filter((name) => fields[name] !== undefined && (fields[name] !== null || name === "data"));
    const parts = [head(MAP, names.length), ...names.flatMap((name) => [head(UINT, FIELDS.indexOf(name)), ...field(name, fields[name])])];
    const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const part of parts) {
      bytes.set(part, at);
      at += part.length;
    }
    return bytes;
  },
  decode(frame) {
    if (typeof frame === "string") throw new TypeError("no message");
    const reader = new Reader(new Uint8Array(frame));
    const envelope = reader.item() as Envelope;
    if (!reader.done() || typeof envelope?.message_id !== "number") throw new TypeError("no message");
    return envelope;
  },
};
