/** The effects around the machine, with a made-up socket: order, listeners that misbehave, and what must never be shown. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { Client, type ClientOptions, type Envelope, GohubError, type SocketClass } from "../src/index.js";
import * as p from "../src/protocol.js";
import { until } from "./hub.js";
import { WELCOME } from "./stage.js";

const clients = new Set<Client>();
after(() => {
  for (const client of clients) client.close();
});

/** A socket that a test plays the hub of. */
class Wire {
  static all: Wire[] = [];
  binaryType = "";
  onmessage: unknown;
  onclose: unknown;
  onerror: unknown;
  readonly sent: Envelope[] = [];
  closed: number | undefined;

  constructor(
    readonly url: string,
    readonly protocols: string[],
  ) {
    Wire.all.push(this);
  }

  send(frame: string): void {
    this.sent.push(JSON.parse(frame));
  }

  close(code = 1005): void {
    this.closed = code;
  }

  hear(envelope: Envelope): void {
    (this.onmessage as (event: { data: string }) => void)({ data: JSON.stringify(envelope) });
  }

  lose(code: number, reason = ""): void {
    (this.onclose as (event: { code: number; reason: string }) => void)({ code, reason });
  }
}

function start(options: Partial<ClientOptions> = {}): { client: Client; wire: Wire } {
  Wire.all = [];
  const client = new Client({ url: "ws://hub/ws", WebSocket: Wire as unknown as SocketClass, ...options });
  clients.add(client);
  client.connect();
  return { client, wire: Wire.all[0] as Wire };
}

test("what a listener asks for comes after what is being done, in the order in which it asked", () => {
  const { client, wire } = start();
  client.on("welcome", () => {
    client.publish("a", 2).catch(() => {});
    client.publish("a", 3).catch(() => {});
  });
  client.publish("a", 1).catch(() => {});
  wire.hear(WELCOME);
  assert.deepEqual(
    wire.sent.map(({ data }) => data),
    [1, 2, 3],
  );
  assert.deepEqual(wire.protocols, ["gohub.v1.json"]);
});

test("a listener that throws is reported, and hinders neither the others nor the connection", (t) => {
  const reports: (() => void)[] = [];
  t.mock.method(globalThis, "queueMicrotask", (report: () => void) => reports.push(report));
  const { client, wire } = start();
  const heard: unknown[] = [];
  client.on("message", () => {
    throw new Error("from a listener");
  });
  const off = client.on("message", ({ data }) => heard.push(data));
  wire.hear(WELCOME);
  wire.hear({ message_id: p.BROADCAST, offset: "11-0", ts: 1, data: 1 });
  off();
  wire.hear({ message_id: p.BROADCAST, offset: "12-0", ts: 1, data: 2 });
  assert.deepEqual([heard, client.position, client.state, reports.length], [[1], "12-0", "open", 2]);
  assert.throws(() => reports[0]?.(), /from a listener/);
});

test("what nobody can write rejects its own promise", async () => {
  const { client, wire } = start();
  wire.hear(WELCOME);
  const circle: unknown[] = [];
  circle.push(circle);
  await assert.rejects(client.publish("a", circle), TypeError);
  await assert.rejects(client.publish("a", 1n), TypeError);
  assert.deepEqual([wire.sent, client.state], [[], "open"]);
});

test("a frame that cannot be read is told and skipped", () => {
  const { client, wire } = start();
  const errors: string[] = [];
  client.on("error", ({ code }) => errors.push(code));
  wire.hear(WELCOME);
  (wire.onmessage as (event: { data: string }) => void)({ data: "{" });
  wire.hear({ message_id: 999 });
  assert.deepEqual([errors, client.state], [["bad_message"], "open"]);
});

test("after it left a socket nothing of that counts any more", () => {
  const { client, wire } = start();
  wire.hear(WELCOME);
  client.close();
  assert.equal(wire.closed, 1000);
  wire.hear({ message_id: p.BROADCAST, offset: "99-0", ts: 1 });
  wire.lose(1006);
  assert.deepEqual([client.state, client.position], ["closed", "10-0"]);
});

test("closing rejects what waits and says whether it may have happened", async () => {
  const { client, wire } = start();
  const fates: [string, boolean][] = [];
  const note = (error: unknown) => error instanceof GohubError && fates.push([error.code, error.uncertain]);
  wire.hear(WELCOME);
  const sent = client.publish("a", 1).catch(note);
  wire.hear({ message_id: p.DRAIN, close_in_ms: 1, reconnect_in_ms: 1 });
  const waiting = client.publish("a", 2).catch(note);
  client.close();
  await Promise.all([sent, waiting]);
  assert.deepEqual(fates, [
    ["closed", true],
    ["closed", false],
  ]);
  await assert.rejects(client.publish("a", 3), { code: "closed" });
});

test("an address that the class refuses is the end, and no word of it is shown", async () => {
  class Refusing {
    constructor(url: string) {
      throw new SyntaxError(`not an address: ${url}`);
    }
  }
  const client = new Client({ url: "nonsense", token: "s3cret-token", WebSocket: Refusing as unknown as SocketClass });
  const error = await client.connect().catch((error: unknown) => error as Error);
  assert.ok(error instanceof GohubError);
  assert.doesNotMatch(`${error.message} ${error.stack} ${JSON.stringify(error)}`, /s3cret/);
});

test("a provider's failure is told without its words, and asked again", async () => {
  let asked = 0;
  const token = () => (asked++ === 0 ? Promise.reject(new Error("s3cret")) : "t2");
  const { client } = start({ token });
  const errors: GohubError[] = [];
  client.on("error", (error) => errors.push(error));
  await until("the second handshake", () => Wire.all.length === 1);
  assert.equal(new URL(Wire.all[0]?.url ?? "").searchParams.get("token"), "t2");
  assert.deepEqual(
    errors.map(({ code, message }) => [code, message.includes("s3cret")]),
    [["token", false]],
  );
});

test("a provider that throws at once, and one whose token no address can hold, are failures like others", async () => {
  for (const bad of [() => "\ud800", () => assert.fail("now")]) {
    let asked = 0;
    const { client } = start({ token: () => (asked++ === 0 ? bad() : "good") });
    await until("the second handshake", () => Wire.all.length === 1);
    client.close();
  }
});

test("without a WebSocket class it says so", () => {
  assert.throws(() => new Client({ url: "ws://hub/ws", WebSocket: undefined as unknown as SocketClass }), {
    message: globalThis.WebSocket ? "never" : /options\.WebSocket/,
  });
});

test("connecting again while there is a connection gives its newest welcome at once", async () => {
  const { client, wire } = start();
  wire.hear(WELCOME);
  assert.equal((await client.connect()).epoch, "e1");
  wire.hear({ ...WELCOME, epoch: "e2" });
  wire.hear({ message_id: p.DRAIN, close_in_ms: 1_000, reconnect_in_ms: 1 });
  assert.deepEqual([(await client.connect()).epoch, client.state, Wire.all.length], ["e2", "draining", 1]);
  client.close();
  const next = client.connect();
  Wire.all[1]?.hear({ ...WELCOME, epoch: "e3" });
  assert.equal((await next).epoch, "e3");
});

test("every publish has its own key, unless it wants none", () => {
  const { client, wire } = start();
  wire.hear(WELCOME);
  for (let n = 0; n < 50; n++) client.broadcast(n).catch(() => {});
  client.broadcast("none", { key: null }).catch(() => {});
  client.send(1000, "own").catch(() => {});
  client.send(1000, "given", { key: "k", room: "r" }).catch(() => {});
  const keys = wire.sent.map(({ key }) => key);
  assert.equal(new Set(keys.slice(0, 50)).size, 50);
  assert.ok(keys.slice(0, 50).every((key) => key !== undefined && key.length <= 128));
  assert.deepEqual(keys.slice(50), [undefined, undefined, "k"]);
});
