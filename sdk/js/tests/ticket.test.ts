/** Coming back without being judged anew, and with a position that stayed young: the client, real hubs and a server that judges tokens. */
import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import { after, before, test } from "node:test";
import WebSocket from "ws";
import type { SocketClass } from "../src/index.js";
import { Etcd, Hub, until } from "./hub.js";
import { Person } from "./person.js";

const PEOPLE = 30;
let judge: Server;
let asked = 0;

before(() => {
  judge = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => {
      body += chunk;
    });
    request.on("end", () => {
      asked++;
      // The token is the name.
      response.setHeader("content-type", "application/json").end(JSON.stringify({ client_id: JSON.parse(body).token }));
    });
  }).listen(0, "127.0.0.1");
});
after(() => judge.close());

const auth = (life: string) => ({
  required: true,
  hook: { url: `http://127.0.0.1:${(judge.address() as { port: number }).port}/`, cache: "0s", stale: "0s" },
  ticket: { life },
});

/** Sockets of `ws` that a test can break. */
class Breakable extends WebSocket {
  static all: Breakable[] = [];
  constructor(url: string, protocols: string[]) {
    super(url, protocols);
    Breakable.all.push(this);
  }
  static breakAll(): void {
    for (const socket of Breakable.all.splice(0)) socket.terminate();
  }
}
const breakable = Breakable as unknown as SocketClass;

/** Whether a welcome of this hub has a ticket. */
function givesTickets(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = new WebSocket(`${url}?token=early`);
    socket.once("message", (frame) => {
      resolve("ticket" in JSON.parse(String(frame)));
      socket.close(1000);
    });
  });
}

test("a hub is killed, and nobody who comes back to the other one is judged anew", async () => {
  const etcd = await Etcd.start();
  const hubs = await etcd.hubs(2, { auth: auth("2m") });
  const url = hubs.map((hub) => hub.url);
  // A hub has the keys of tickets a moment after it is ready.
  await Promise.all(url.map((url) => until("it gives tickets", () => givesTickets(url))));
  asked = 0;
  const crowd = await Promise.all(Array.from({ length: PEOPLE }, (_, n) => Person.in(["storm"], { url, token: `t${n}` })));
  assert.equal(asked, PEOPLE);
  await hubs[0]?.signal("SIGKILL");
  const lost = crowd.filter(({ told }) => told.welcome[0]?.node === "hub-0");
  assert.ok(lost.length > 0);
  for (const person of lost) assert.equal((await person.tells("welcome", 2)).recovered, true);
  assert.equal(asked, PEOPLE, "the tickets opened the door");
  assert.ok(
    crowd.every(({ told }) => !JSON.stringify(told).includes('"ticket"')),
    "and were shown to nobody",
  );
  for (const { client } of crowd) client.close();
  await hubs[1]?.stop();
  etcd.stop();
});

test("a ticket is replaced before its life is over, and used once each time", async () => {
  const hub = await Hub.start({ auth: auth("15s") });
  asked = 0;
  const rosa = await Person.in(["again"], { url: hub.url, token: "rosa", WebSocket: breakable });
  for (let n = 2; n < 4; n++) {
    const began = Date.now();
    await until("longer than a life went by", () => Date.now() - began > 16_000);
    Breakable.breakAll();
    assert.equal((await rosa.tells("welcome", n)).recovered, true);
  }
  assert.equal(asked, 1);
  rosa.client.close();
  await hub.stop();
});

test("somebody to whom nothing was said for longer than the hub keeps comes back and has missed nothing", async () => {
  const hub = await Hub.start({ retention: { max_age: "2s" }, heartbeat: { interval: "1s", timeout: "5s", app_interval: "500ms" } });
  const sven = await Person.in(["quiet"], { url: hub.url, clientId: "sven", WebSocket: breakable });
  const tina = await Person.in(["busy"], { url: hub.url, clientId: "tina" });
  const began = Date.now();
  for (let n = 0; Date.now() - began < 5_000; n++) await tina.client.publish("busy", n);
  Breakable.breakAll();
  assert.equal((await sven.tells("welcome", 2)).recovered, true);
  assert.deepEqual([sven.told.gap, sven.heard], [[], []]);
  for (const { client } of [sven, tina]) client.close();
  await hub.stop();
});
