/** The golden messages of sdk/protocol/vectors, which the hub and every SDK run, in both forms. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Core } from "../src/core.js";
import { cbor, type Envelope, type Form, json } from "../src/index.js";
import * as p from "../src/protocol.js";

const FOLDER = new URL("../../protocol/vectors/", import.meta.url);

/** One golden message. */
interface Vector {
  name: string;
  message: Envelope & { data_text?: string; data_hex?: string };
  json: string;
  cbor: string;
}

const read = (name: string) => JSON.parse(readFileSync(new URL(name, FOLDER), "utf8"));
const bytes = (hex: string) => new Uint8Array(Buffer.from(hex, "hex"));
const frame = (hex: string) => bytes(hex).buffer;

/** The message as this library shows it. */
function expected({ data_text, data_hex, ...rest }: Vector["message"]): Envelope {
  const envelope: Envelope = { ...rest };
  if (data_hex !== undefined) envelope.data = bytes(data_hex);
  else if (data_text !== undefined) envelope.data = JSON.parse(data_text);
  if (rest.messages) envelope.messages = rest.messages.map((message) => expected(message) as p.Message);
  return envelope;
}

for (const file of ["hub_messages.json", "requests.json"]) {
  for (const vector of read(file).vectors as Vector[]) {
    test(`${file}: ${vector.name} is read from both forms`, () => {
      assert.deepEqual(json.decode(vector.json), expected(vector.message));
      assert.deepEqual(cbor.decode(frame(vector.cbor)), expected(vector.message));
    });
  }
}

for (const vector of read("requests.json").vectors as Vector[]) {
  test(`requests.json: ${vector.name} is written as something equal`, () => {
    const message = expected(vector.message);
    // A text that JavaScript itself would write differently is equal as a value, and byte for byte when written its way.
    assert.deepEqual(JSON.parse(json.encode(message) as string), JSON.parse(vector.json));
    const written = cbor.encode(message) as Uint8Array<ArrayBuffer>;
    assert.deepEqual(cbor.decode(written.buffer), cbor.decode(frame(vector.cbor)));
    const { data_text } = vector.message;
    if (data_text === undefined || data_text === JSON.stringify(message.data)) {
      assert.deepEqual(canonical(written), canonical(bytes(vector.cbor)), "the same items, shortest form, whatever their order");
    }
  });
}

/** The pairs of a CBOR map in a fixed order, in hex, taken apart without the library. */
function canonical(map: Uint8Array): string[] {
  let at = 0;
  const skip = (): string => {
    const from = at;
    const first = map[at++] ?? 0;
    const [major, small] = [first >> 5, first & 31];
    let value = small;
    if (small >= 24) {
      value = 0;
      for (let n = 2 ** (small - 24); n > 0; n--) value = value * 256 + (map[at++] ?? 0);
    }
    if (major === 2 || major === 3) at += value;
    if (major === 4) for (let n = 0; n < value; n++) skip();
    if (major === 6) skip();
    return Buffer.from(map.subarray(from, at)).toString("hex");
  };
  const pairs = (map[at++] ?? 0) & 31;
  return Array.from({ length: pairs }, () => `${skip()} ${skip()}`).sort();
}

test("every table of tables.json is in this library, and nothing that is not there", () => {
  const tables = read("tables.json");
  const fields = tables.fields as { key: number; name: string }[];
  const named = fields.filter(({ name }) => name !== "encoding");
  for (const { key, name } of named) assert.equal(p.FIELDS[key], name);
  assert.deepEqual(
    tables.gap_reasons.map((reason: string | { name: string }) => (typeof reason === "string" ? reason : reason.name)),
    p.GAP_REASONS,
  );
  for (const { code, action } of tables.close_codes as { code: number; action: string }[]) {
    assert.equal(p.stops(code), action === "stop", `close code ${code}`);
  }
  const ids = p as unknown as Record<string, number>;
  for (const { id, name } of tables.ids as { id: number; name: string }[]) assert.equal(ids[name.toUpperCase()], id, name);
  assert.equal(p.FIRST_APPLICATION_ID, tables.first_application_id);
  assert.deepEqual([json.subprotocol, cbor.subprotocol], tables.subprotocols);
});

test("close codes nobody knows yet count by their range", () => {
  const stop = [1010, 4500, 4599, 4999].filter((code) => !p.stops(code));
  const reconnect = [1005, 1006, 1014, 1015, 3000, 4000, 4099, 4499].filter((code) => p.stops(code));
  assert.deepEqual([stop, reconnect], [[], []]);
});

test("a handshake is one of those in handshake.json", () => {
  const tried = [];
  for (const vector of read("handshake.json").vectors as { refused?: string; client_id?: string; token?: string; query: string }[]) {
    const { refused, client_id, token, query } = vector;
    if (refused !== undefined) continue;
    const options = { urls: ["ws://hub/ws"], form: json, connectTimeoutMs: 1, maxPending: 1, maxPendingBytes: 1, maxRooms: 9 };
    const source = token ? ("fixed" as const) : ("none" as const);
    const core = new Core({ ...options, clientId: client_id ?? undefined, token: source }, Math.random, token ?? undefined);
    const [connect] = core.handle({ type: "start" }, 0);
    assert.equal(connect?.type, "connect");
    const { searchParams } = new URL(connect?.type === "connect" ? connect.url : "");
    assert.deepEqual([searchParams.get("client_id"), searchParams.get("token")], [client_id, token ?? null], query);
    tried.push(query);
  }
  assert.ok(tried.length > 4);
});

test("what is cut short, nested, endless or no message at all is refused and harms nothing", () => {
  const broken: [Form, string | ArrayBuffer][] = [
    [json, ""],
    [json, "[1]"],
    [json, "null"],
    [json, '{"message_id":"1"}'],
    [json, new ArrayBuffer(0)],
    [cbor, "a10001"],
    ...["", "80", "bf0001ff", "a3056261310001", "a205626131000100", "a105626131", "a2000a027f6161ff", "a20014049b7fffffffffffffff"].map(
      (hex): [Form, ArrayBuffer] => [cbor, frame(hex)],
    ),
    [cbor, frame(`a200011863${"81".repeat(40)}01`)],
  ];
  for (const [form, bad] of broken) assert.throws(() => form.decode(bad), `${form.subprotocol} ${bad}`);
});

test("fields that this version does not know are skipped", () => {
  assert.deepEqual(cbor.decode(frame("a300021863fb3ff000000000000005627031")), { message_id: 2, ref: "p1" });
});
