/** The client against one real hub: what an application does on a good day, in both forms, and on a bad one. */
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { after, before, test } from "node:test";
import WebSocket from "ws";
import { cbor, type Form, GohubError, json, type SocketClass } from "../src/index.js";
import { Hub, until } from "./hub.js";
import { Person, ws } from "./person.js";

/** A WebSocket of `ws` that can stop reading, as a phone in a tunnel does. */
class Tunnel extends WebSocket {
  static last: Tunnel | undefined;
  constructor(url: string, protocols: string[]) {
    super(url, protocols);
    Tunnel.last = this;
  }
}

let hub: Hub;
before(async () => {
  hub = await Hub.start({ rooms: { defaults: { presence_changes: true } } });
});
after(() => hub.stop());

const person = async (rooms: string[], options: Partial<ConstructorParameters<typeof Person>[0]>) =>
  Person.in(rooms, { url: hub.url, ...options });

for (const [name, form] of Object.entries({ json, cbor }) as [string, Form][]) {
  test(`${name}: two people meet in a room, talk, see each other and look back`, async () => {
    const room = `lobby ${name}, "größer" 部屋`;
    const alice = await person([room], { form, clientId: `alice ${name}` });
    assert.equal(alice.told.welcome[0]?.resumed, false);
    const bob = await person([room], { form, clientId: `bob-${name}` });
    const joined = await until("alice sees bob come", () => alice.told.presence.find(({ data }) => data.joined === `bob-${name}`));
    assert.equal(joined.room, room);

    const { offset } = await alice.client.publish(room, { text: "hi", n: [1, 2.5, null] }, { type: "chat", key: "k1" });
    const again = await alice.client.publish(room, { text: "hi", n: [1, 2.5, null] }, { key: "k1" });
    assert.equal(again.offset, offset, "the same key: acked with the first one's offset, delivered once");
    await bob.client.publish(room, Uint8Array.of(0, 255, 128));
    await until("alice hears both", () => alice.heard.length === 2);
    const [first, second] = alice.told.message;
    assert.deepEqual(
      { ...first, ts: 0 },
      {
        message_id: 22,
        message_type: "chat",
        room,
        from: `alice ${name}`,
        key: "k1",
        ts: 0,
        offset,
        data: { text: "hi", n: [1, 2.5, null] },
      },
    );
    assert.deepEqual(second?.data, Uint8Array.of(0, 255, 128));

    const { clients, total } = await alice.client.presence(room);
    assert.deepEqual([[...clients].sort(), total], [[`alice ${name}`, `bob-${name}`], 2]);
    const page = await alice.client.presence(room, { limit: 1 });
    const next = await alice.client.presence(room, { limit: 1, after: page.next ?? "" });
    assert.equal(new Set([...page.clients, ...next.clients]).size, 2);
    const { messages, complete } = await bob.client.history(room, { limit: 10 });
    const said = messages.filter(({ message_id }) => message_id === 22);
    assert.deepEqual([said.map(({ data }) => data), complete], [alice.heard, true]);
    const since = await bob.client.history(room, { from: offset ?? "" });
    assert.ok(since.messages.every((message) => message.offset !== offset));

    await bob.client.unicast(`alice ${name}`, "psst");
    await bob.client.broadcast("all");
    await alice.hears("all");
    assert.ok(alice.heard.includes("psst") && !bob.heard.includes("psst"));
    assert.ok((await alice.client.ping()) >= 0);
    await bob.client.leave(room);
    await until("alice sees bob go", () => alice.told.presence.some(({ data }) => data.left === `bob-${name}`));
    assert.deepEqual(bob.client.rooms, []);
    assert.ok(alice.inOrder && bob.inOrder);
    assert.deepEqual([...alice.told.error, ...alice.told.gap, ...bob.told.error, ...bob.told.gap], []);
  });

  test(`${name}: errors of the hub reject their request and nothing else`, async () => {
    const carol = await person([], { form, clientId: `carol-${name}` });
    const code = (promise: Promise<unknown>) =>
      promise.then(
        () => "ok",
        (error: unknown) => (error instanceof GohubError ? error.code : String(error)),
      );
    assert.deepEqual(
      await Promise.all([
        code(carol.client.join("no/good")),
        code(carol.client.unicast("nobody", 1)),
        code(carol.client.send(4711, 1)),
        code(carol.client.publish("lobby", "x".repeat(70_000))),
        code(carol.client.history("lobby", { from: "nonsense" })),
        code(carol.client.join("fine")),
      ]),
      ["bad_room", "client_unknown", "unknown_message", "too_large", name === "json" ? "bad_request" : "bad_request", "ok"],
    );
    assert.deepEqual([carol.client.state, carol.client.rooms], ["open", ["fine"]]);
  });
}

test("what is asked for before the connection is there is done when it is", async () => {
  const early = new Person({ url: hub.url, clientId: "early" });
  const done = Promise.all([early.client.join("dawn"), early.client.publish("dawn", "first"), early.client.publish("dawn", "second")]);
  early.client.connect();
  await done;
  await early.hears("second");
  assert.deepEqual(early.heard, ["first", "second"]);
});

test("an anonymous client keeps its name, its rooms and its place when its connection breaks", async () => {
  const anon = await person(["cut"], { WebSocket: Tunnel as unknown as SocketClass });
  const cut = Tunnel.last;
  const other = await person([], { clientId: "cutter" });
  cut?.terminate();
  await anon.is("waiting");
  await other.client.publish("cut", "meanwhile");
  await anon.hears("meanwhile");
  const [first, second] = anon.told.welcome;
  assert.deepEqual([second?.client_id, second?.resumed, second?.recovered, second?.rooms], [first?.client_id, true, true, ["cut"]]);
});

test("a publish whose answer was lost is repeated with its key, and delivered once", async () => {
  const hedy = await person(["once"], { WebSocket: Tunnel as unknown as SocketClass, clientId: "hedy" });
  const deaf = Tunnel.last;
  const witness = await person(["once"], {});
  // It does not read: the ack never comes, although the hub has the message.
  deaf?.pause();
  const acked = hedy.client.publish("once", "only once");
  await witness.hears("only once");
  deaf?.terminate();
  const { offset } = await acked;
  await witness.client.publish("once", "end");
  await witness.hears("end");
  assert.deepEqual(
    witness.told.message.map(({ data }) => data),
    ["only once", "end"],
  );
  assert.equal(offset, witness.told.message[0]?.offset);
});

test("a client that is kicked stays away and is told why", async () => {
  const dora = await person(["lobby"], { clientId: "dora" });
  await hub.call("DELETE", "clients/dora");
  const { code } = await dora.tells("closed");
  assert.deepEqual([code, dora.client.state], [4500, "closed"]);
  await assert.rejects(dora.client.publish("lobby", 1), { code: "closed" });
  await dora.client.connect();
  await until("back in its room", () => dora.client.rooms.includes("lobby"));
});

test("the back end puts a client into a room, where it is after a reconnect too, and takes it out", async () => {
  const moved = await person([], { clientId: "moved", WebSocket: Tunnel as unknown as SocketClass });
  const line = Tunnel.last;
  await hub.call("PUT", "clients/moved/rooms/placed");
  assert.equal((await moved.tells("joined")).room, "placed");
  line?.terminate();
  assert.deepEqual((await moved.tells("welcome", 2)).rooms, ["placed"]);
  await hub.call("POST", "rooms/placed/messages", { data: "hello" });
  await moved.hears("hello");
  await hub.call("DELETE", "clients/moved/rooms/placed");
  assert.equal((await moved.tells("left")).room, "placed");
  assert.deepEqual(moved.client.rooms, []);
});

test("a client that closes is closed, leaves its rooms, and can come back", async () => {
  const eve = await person(["exit"], { clientId: "eve" });
  const watcher = await person(["exit"], { clientId: "watcher" });
  eve.client.close();
  await until("the others see it go", () => watcher.told.presence.some(({ data }) => data.left === "eve"));
  assert.deepEqual(
    eve.told.closed.map(({ code }) => code),
    [1000],
  );
  await watcher.client.publish("exit", "meanwhile");
  await eve.client.connect();
  await eve.hears("meanwhile");
  assert.equal(eve.told.welcome[1]?.recovered, true);
});

test("a hub that is killed and started anew has another epoch: the client comes back, is told of the gap, and is in its rooms", async () => {
  const own = await Hub.start();
  const fay = await Person.in(["home"], { url: own.url, clientId: "fay" });
  await fay.client.publish("home", "before");
  await fay.hears("before");
  await own.signal("SIGKILL");
  await fay.tells("trouble");
  await own.restart();
  const welcome = await fay.tells("welcome", 2);
  assert.deepEqual([welcome.resumed, welcome.recovered], [true, false]);
  assert.notEqual(welcome.epoch, fay.told.welcome[0]?.epoch);
  assert.equal((await fay.tells("gap")).reason, "epoch_changed");
  await fay.client.publish("home", "after");
  await fay.hears("after");
  fay.client.close();
  await own.stop();
});

test("a hub that stands still is left after a ping without an answer, and found again when it goes on", async () => {
  const own = await Hub.start({ heartbeat: { interval: "1s", timeout: "1s" } });
  const gus = await Person.in(["home"], { url: own.url, clientId: "gus", connectTimeoutMs: 2_000 });
  await own.signal("SIGSTOP");
  await gus.is("waiting");
  await own.signal("SIGCONT");
  await gus.is("open");
  assert.equal(gus.told.welcome[1]?.recovered, true);
  gus.client.close();
  await own.stop();
});

test("quiet people keep their connection for many heartbeats", async () => {
  const own = await Hub.start({ heartbeat: { interval: "1s", timeout: "1s", app_interval: "1s" } });
  const ivy = await Person.in([], { url: own.url, clientId: "ivy" });
  const began = Date.now();
  await until("five seconds went by", () => Date.now() - began > 5_000);
  assert.deepEqual([ivy.told.welcome.length, ivy.client.state], [1, "open"]);
  ivy.client.close();
  await own.stop();
});

for (const policy of ["drop", "kick"]) {
  test(`a client that reads too slowly: ${policy}`, async () => {
    const slow = { policy, max_pending: "64KiB", max_age: "60s" };
    const own = await Hub.start({ slow_client: slow, server: { send_buffer: "16KiB" }, heartbeat: { interval: "60s", timeout: "60s" } });
    const fast = await Person.in(["flood"], { url: own.url, clientId: "fast" });
    const lag = await Person.in(["flood"], { url: own.url, clientId: "lag", WebSocket: Tunnel as unknown as SocketClass });
    Tunnel.last?.pause();
    const text = "x".repeat(10_000);
    for (let n = 0; n < 60; n++)
      await Promise.all(Array.from({ length: 10 }, (_, k) => fast.client.publish("flood", `${n * 10 + k} ${text}`)));
    Tunnel.last?.resume();
    await fast.client.publish("flood", "end");
    await lag.hears("end");
    assert.ok(lag.inOrder);
    if (policy === "drop") {
      const missed = lag.told.gap.reduce((sum, { count = 0 }) => sum + count, 0);
      assert.ok(lag.told.gap.every(({ reason }) => reason === "slow_client") && missed > 0);
      assert.equal(lag.heard.length + missed, 601, "every message was heard or counted");
      assert.equal(lag.told.welcome.length, 1);
    } else {
      assert.ok(lag.told.welcome.length > 1 && lag.told.welcome.slice(1).every(({ recovered }) => recovered));
      assert.equal(lag.heard.length, 601, "resumed: nothing is missing");
    }
    for (const { client } of [fast, lag]) client.close();
    await own.stop();
  });
}

test("a hub that is full says when to come, and is then asked again", async () => {
  const own = await Hub.start({ limits: { max_connections: 1, retry_after: "1s" } });
  const first = await Person.in([], { url: own.url, clientId: "first" });
  const second = new Person({ url: own.url, clientId: "second" });
  second.client.connect();
  await second.is("waiting");
  const began = Date.now();
  first.client.close();
  await second.is("open");
  assert.ok(Date.now() - began > 700, "not before the time that Retry-After named");
  second.client.close();
  await own.stop();
});

test("a hub that limits a client's rate tells it to wait, and the next message leaves after that", async () => {
  const own = await Hub.start({ limits: { byte_rate: "4KiB" } });
  const hasty = await Person.in(["rate"], { url: own.url, clientId: "hasty" });
  const all = Array.from({ length: 60 }, (_, n) => `${n} ${"x".repeat(100)}`);
  const late = new Promise<number>((resolve, reject) => {
    const off = hasty.client.on("retry", ({ after_ms = 0 }) => {
      off();
      const told = Date.now();
      // How much later than asked for the answer came.
      hasty.client.publish("rate", "late").then(() => resolve(Date.now() - told - after_ms), reject);
    });
  });
  await Promise.all(all.map((n) => hasty.client.publish("rate", n)));
  assert.ok((await late) > -10);
  await hasty.hears("late");
  assert.deepEqual(hasty.heard, [...all, "late"]);
  hasty.client.close();
  await own.stop();
});

const SECRET = "a-secret-of-at-least-thirty-two-characters";
function jwt(claims: object, seconds: number): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const body = `${part({ alg: "HS256", typ: "JWT" })}.${part({ ...claims, exp: Math.floor(Date.now() / 1000) + seconds })}`;
  return `${body}.${createHmac("sha256", SECRET).update(body).digest("base64url")}`;
}
const JWT = { hmac_secrets: [SECRET], leeway: "0s", expiry_warning: "1s" };

test("a token that ends is replaced on the living connection, and rooms the new one does not allow are left", async () => {
  const own = await Hub.start({ auth: { required: true, jwt: JWT } });
  const allow = ["join", "publish", "presence", "history"];
  let asked = 0;
  const token = async () => {
    const rooms = asked++ === 0 ? [{ pattern: "*", allow }] : [{ pattern: "public", allow }];
    return jwt({ sub: "jan", capabilities: { rooms, clients: ["**"], broadcast: true } }, asked < 3 ? 3 : 3_600);
  };
  const jan = await Person.in(["public", "private"], { url: own.url, token });
  assert.equal(jan.client.clientId, "jan");
  await until("two refreshes", () => asked === 3);
  assert.deepEqual((await jan.tells("left")).room, "private");
  await jan.client.publish("public", "still here");
  const { left } = await jan.client.refresh();
  assert.deepEqual([left ?? [], jan.told.welcome.length, jan.client.rooms], [[], 1, ["public"]]);
  await assert.rejects(jan.client.refresh("not-a-token-at-all"), { code: "unauthorized", uncertain: false });
  assert.equal(jan.client.state, "open");
  jan.client.close();
  await own.stop();
});

test("a connection that its token closes comes back at once with a new one, and misses nothing", async () => {
  const own = await Hub.start({ auth: { required: true, jwt: { ...JWT, expiry_warning: "0s" } } });
  let asked = 0;
  const kim = await Person.in(["news"], { url: own.url, token: () => jwt({ sub: "kim" }, asked++ === 0 ? 2 : 3_600) });
  const lea = await Person.in(["news"], { url: own.url, token: jwt({ sub: "lea" }, 3_600) });
  const welcome = kim.tells("welcome", 2);
  for (let n = 0; kim.told.welcome.length < 2; n++) await lea.client.publish("news", n);
  await lea.client.publish("news", "end");
  assert.equal((await welcome).recovered, true);
  await kim.hears("end");
  const wanted = [...kim.heard.keys()].slice(0, -1);
  assert.deepEqual(kim.heard, [...wanted, "end"]);
  assert.equal(asked, 2);
  for (const { client } of [kim, lea]) client.close();
  await own.stop();
});

test("a wrong token is the end where the status can be seen, and no error ever shows one", async () => {
  const own = await Hub.start({ auth: { required: true, jwt: JWT } });
  const token = jwt({ sub: "mia" }, -60);
  const mia = new Person({ url: own.url, token });
  const error = await mia.client.connect().then(
    () => assert.fail("it was let in"),
    (error: unknown) => error as GohubError,
  );
  assert.equal((await mia.tells("closed")).code, 401);
  assert.ok(![error.message, error.stack, JSON.stringify(mia.told)].some((text) => text?.includes(token.slice(0, 20))));
  const bad = new Person({ url: "ws://[broken", token: "s3cret", WebSocket: ws });
  await assert.rejects(bad.client.connect(), (error: Error) => !`${error.message}${error.stack}`.includes("s3cret"));
  await own.stop();
});
