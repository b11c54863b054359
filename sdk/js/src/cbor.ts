/**
 * The CBOR form: the part of RFC 8949 that the protocol uses, in the shortest form. Written for this protocol alone,
 * so that an application carries no general codec.
 */
import { isOffset } from "./offset.js";
import { type Envelope, FIELDS, type Form } from "./protocol.js";

const [UINT, NEGATIVE, BYTES, TEXT, ARRAY, MAP, TAG, SIMPLE] = [0, 1, 2, 3, 4, 5, 6, 7];
/** A byte string that holds JSON. */
const EMBEDDED_JSON = 262;
/** Of fields that are skipped too. */
const DEEPEST = 16;
const OFFSETS = ["offset", "from_offset", "from", "to"];

type Fields = Record<string, unknown>;

const utf8 = (text: string) => new TextEncoder().encode(text);

/** Writes items one behind the other. */
class Writer {
  readonly #parts: Uint8Array[] = [];
  #length = 0;

  head(major: number, value: number | bigint): void {
    const size = value < 24 ? 0 : value < 0x100 ? 1 : value < 0x10000 ? 2 : value < 0x100000000 ? 4 : 8;
    const bytes = new Uint8Array(1 + size);
    bytes[0] = (major << 5) | (size ? 24 + Math.log2(size) : Number(value));
    let rest = BigInt(value);
    for (let at = size; at > 0; at--, rest >>= 8n) bytes[at] = Number(rest & 255n);
    this.#put(bytes);
  }

  string(major: number, bytes: Uint8Array): void {
    this.head(major, bytes.length);
    this.#put(bytes);
  }

  item(value: unknown): void {
    if (typeof value === "number" || typeof value === "bigint") this.head(UINT, value);
    else if (typeof value === "boolean") this.head(SIMPLE, value ? 21 : 20);
    else if (Array.isArray(value)) {
      this.head(ARRAY, value.length);
      for (const each of value) this.item(each);
    } else this.string(TEXT, utf8(String(value)));
  }

  envelope(fields: Fields): void {
    // `undefined` is absent, and `null` too, except as data.
    const names = FIELDS.filter((name) => fields[name] !== undefined && (fields[name] !== null || name === "data"));
    this.head(MAP, names.length);
    for (const name of names) {
      const value = fields[name];
      this.head(UINT, FIELDS.indexOf(name));
      if (name === "data") {
        if (value instanceof Uint8Array) this.string(BYTES, value);
        else {
          this.head(TAG, EMBEDDED_JSON);
          this.string(BYTES, utf8(JSON.stringify(value)));
        }
      } else if (name.endsWith("offset") && isOffset(value)) this.item(value.split("-").map(BigInt));
      else this.item(value);
    }
  }

  bytes(): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(this.#length);
    let at = 0;
    for (const part of this.#parts) {
      bytes.set(part, at);
      at += part.length;
    }
    return bytes;
  }

  #put(bytes: Uint8Array): void {
    this.#parts.push(bytes);
    this.#length += bytes.length;
  }
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
    if (small > 27) throw new RangeError("indefinite length");
    let value = 0n;
    for (const byte of this.#take(2 ** (small - 24))) value = (value << 8n) | BigInt(byte);
    return value > Number.MAX_SAFE_INTEGER ? value : Number(value);
  }
}

/** The CBOR form, `gohub.v1.cbor`. */
export const cbor: Form = {
  subprotocol: "gohub.v1.cbor",
  encode(envelope) {
    const writer = new Writer();
    writer.envelope(envelope as unknown as Fields);
    return writer.bytes();
  },
  decode(frame) {
    if (typeof frame === "string") throw new TypeError("a text frame");
    const reader = new Reader(new Uint8Array(frame));
    const envelope = reader.item() as Envelope;
    if (!reader.done() || typeof envelope?.message_id !== "number") throw new TypeError("no message");
    return envelope;
  },
};
