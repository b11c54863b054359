/** The client and several real hubs over a real etcd: hubs die, are drained, are cut off, and nobody loses a word. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { cbor, json } from "../src/index.js";
import { Etcd, type Hub, until } from "./hub.js";
import { Person } from "./person.js";

const PEOPLE = 200;
let etcd: Etcd;
let hubs: [Hub, Hub];

before(async () => {
  etcd = await Etcd.start();
  hubs = (await etcd.hubs(2)) as [Hub, Hub];
});
after(async () => {
  await Promise.all(hubs.map((hub) => hub.stop()));
  etcd.stop();
});

/** The hub this person is on, and the other one. */
function sides(person: Person): [Hub, Hub] {
  const node = person.told.welcome.at(-1)?.node;
  return node === "hub-0" ? [hubs[0], hubs[1]] : [hubs[1], hubs[0]];
}

const urls = () => hubs.map(({ url }) => url);
const meet = async (room: string, url: string | string[], clientId: string, form = json) =>
  Person.in([room], { url, clientId, form, requestTimeoutMs: 30_000 });

/** Says numbers until it is told to stop, and gives back how many were acked. */
function talk(person: Person, room: string): () => Promise<number> {
  let talking = true;
  const done = (async () => {
    let n = 0;
    for (; talking; n++) await person.client.publish(room, n);
    return n;
  })();
  return () => {
    talking = false;
    return done;
  };
}

const upTo = (count: number) => Array.from({ length: count }, (_, n) => n);

for (const form of [json, cbor]) {
  test(`${form.subprotocol}: a hub is killed: the client goes on at the other one, where it was, and misses nothing`, async () => {
    const room = `killed ${form.subprotocol}`;
    const anna = await meet(room, urls(), `anna ${form.subprotocol}`, form);
    const [here, there] = sides(anna);
    const bert = await meet(room, there.url, `bert ${form.subprotocol}`, form);
    const stop = talk(bert, room);
    await until("some were heard", () => anna.heard.length > 5);
    await here.signal("SIGKILL");
    const welcome = await anna.tells("welcome", 2);
    const count = await stop();
    assert.deepEqual([welcome.resumed, welcome.recovered, welcome.rooms], [true, true, [room]]);
    await anna.hears(count - 1);
    assert.deepEqual(anna.heard, upTo(count), "every one, in order, once");
    await here.restart();
  });
}

test("a publisher whose hub is killed repeats what was not answered, and each is delivered once", async () => {
  const carl = await meet("publisher", urls(), "carl");
  const [here, there] = sides(carl);
  const dana = await meet("publisher", there.url, "dana");
  const acks = Promise.all(upTo(100).map((n) => carl.client.publish("publisher", n)));
  await here.signal("SIGKILL");
  const offsets = await acks;
  await dana.hears(99);
  await until("all of them", () => dana.heard.length >= 100);
  assert.deepEqual(
    [...(dana.heard as number[])].sort((a, b) => a - b),
    upTo(100),
  );
  assert.deepEqual(new Set(offsets.map(({ offset }) => offset)), new Set(dana.told.message.map(({ offset }) => offset)));
  await here.restart();
});

test("a hub is drained: everybody goes in their own slot, without a back-off on top, and misses nothing", async () => {
  const emil = await meet("drained", urls(), "emil");
  const [here, there] = sides(emil);
  const fred = await meet("drained", there.url, "fred");
  const stop = talk(fred, "drained");
  await here.call("POST", "drain");
  const { reconnect_in_ms: slot = 0, reason } = await emil.tells("drain");
  const welcome = await emil.tells("welcome", 2);
  const count = await stop();
  assert.ok(welcome.recovered && reason !== undefined);
  await emil.hears(count - 1);
  assert.deepEqual(emil.heard, upTo(count));
  const began = (state: string) => emil.times.filter((time) => time.state === state).map(({ at }) => at);
  const [closed = 0] = began("waiting");
  const again = began("connecting")[1] ?? 0;
  // A timer may be a moment late, and never early.
  assert.ok(again - closed >= slot - 2 && again - closed < slot + 400, `slot ${slot} ms, came after ${again - closed} ms`);
  assert.deepEqual(began("draining").length, 1);
  await until("the drained hub has ended", () =>
    here.call("GET", "nodes").then(
      () => false,
      () => true,
    ),
  );
  await here.restart();
});

test("the bus goes away: the client hears of the mode, and of its end, and what it says is said then", async () => {
  const gina = await meet("mode", urls(), "gina");
  etcd.signal("SIGSTOP");
  const said = gina.client.publish("mode", "patience");
  assert.equal((await gina.tells("mode")).mode, "degraded");
  assert.equal(gina.client.mode, "degraded");
  etcd.signal("SIGCONT");
  assert.equal((await gina.tells("mode", 2)).mode, "normal");
  await said;
  await gina.hears("patience");
  assert.equal(gina.heard.length, 1);
});

test(`a storm: ${PEOPLE} people lose their hub at once, come back, and nobody misses a word`, async () => {
  const crowd = await Promise.all(upTo(PEOPLE).map((n) => meet("storm", [hubs[0].url, hubs[1].url], `p${n}`)));
  const [gone, stays] = hubs;
  const voice = await meet("storm", stays.url, "voice");
  const stop = talk(voice, "storm");
  await until("all hear", () => crowd.every(({ heard }) => heard.length > 0));
  const lost = crowd.filter((person) => sides(person)[0] === gone);
  assert.ok(lost.length > PEOPLE / 5, `${lost.length} were on that hub`);
  await gone.signal("SIGKILL");
  await until("all are back", () => lost.every(({ told }) => told.welcome.length > 1), 60_000);
  const count = await stop();
  await until("all heard the last", () => crowd.every(({ heard }) => heard.at(-1) === count - 1), 60_000);
  const all = upTo(count).join();
  for (const { heard, told, client } of crowd) {
    // Those who came into the room before the voice heard all of it.
    assert.equal(heard.join(), all, `${client.clientId} with ${told.welcome.length} connections`);
    assert.deepEqual(told.gap, []);
  }
  await gone.restart();
});
