/** Heartbeats, throttled and frozen pages, tokens and tickets, with a made-up time. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { GohubError } from "../src/index.js";
import * as p from "../src/protocol.js";
import { monotonic, onWake } from "../src/wake.js";
import { Stage, WELCOME } from "./stage.js";

test("a hub that says nothing for interval and timeout is asked, and given up when it does not answer", () => {
  const stage = new Stage().open().pass(34_999);
  assert.deepEqual(stage.sent(), []);
  const [ping] = stage.pass(1).sent();
  assert.equal(ping?.message_id, p.PING);
  assert.ok(ping?.ref);
  stage.pass(9_999);
  assert.equal(stage.core.state, "open");
  stage.pass(1);
  assert.deepEqual([stage.take("disconnect"), stage.core.state], [[{ type: "disconnect", code: 4000 }], "waiting"]);
});

test("whatever comes is a sign of life", () => {
  const stage = new Stage().open();
  for (let n = 0; n < 50; n++) stage.pass(30_000).hear({ message_id: 22, offset: `${20 + n}-0`, ts: 1 });
  assert.deepEqual(stage.sent(), []);
  stage.pass(35_000).hear({ message_id: 4711 });
  assert.equal(stage.sent().length, 1);
  assert.equal(stage.pass(10_000).core.state, "open");
});

test("a client that gets no offset for a minute asks for its position", () => {
  const stage = new Stage().open();
  for (let n = 0; n < 11; n++) stage.pass(5_000).hear({ message_id: p.MODE, mode: "normal" });
  assert.deepEqual(stage.sent(), []);
  const [ping] = stage.pass(5_000).sent();
  assert.equal(ping?.message_id, p.PING);
  stage.hear({ message_id: p.PONG, ref: ping?.ref ?? "", offset: "77-0" });
  assert.equal(stage.core.position, "77-0");
});

test("a page whose timers come once a minute keeps its connection while the hub answers, and notices when it does not", () => {
  const stage = new Stage().open();
  for (let minute = 0; minute < 30; minute++) {
    stage.now += 60_000;
    if (stage.timer <= stage.now) stage.do({ type: "tick" });
    for (const { ref } of stage.sent()) stage.hear({ message_id: p.PONG, ref: ref ?? "" });
  }
  assert.equal(stage.core.state, "open");
  for (let minute = 0; minute < 6; minute++) {
    stage.now += 60_000;
    if (stage.timer <= stage.now) stage.do({ type: "tick" });
  }
  assert.equal(stage.core.state, "waiting");
});

test("a page that was frozen looks at what came meanwhile before it gives anything up", () => {
  const stage = new Stage().open().pass(35_000);
  const [ping] = stage.sent();
  const ref = stage.ask({ message_id: p.PRESENCE, room: "lobby" });
  // Frozen for an hour after the ping; the answers wait behind the timer.
  stage.now += 3_600_000;
  stage.do({ type: "tick" });
  stage.hear({ message_id: p.PONG, ref: ping?.ref ?? "" });
  stage.hear({ message_id: p.PRESENCE, ref, room: "lobby", clients: [], total: 0 });
  stage.pass(5_000);
  assert.deepEqual([stage.core.state, stage.settled()], ["open", { [ref]: "ok" }]);
});

test("a page that was frozen and whose connection died finds out after one ping", () => {
  const stage = new Stage().open();
  stage.now += 3_600_000;
  stage.do({ type: "wake" });
  assert.equal(stage.sent().length, 1);
  stage.do({ type: "wake" }).do({ type: "tick" });
  assert.deepEqual(stage.sent(), [], "one is enough");
  stage.pass(12_000);
  assert.deepEqual(stage.take("disconnect"), [{ type: "disconnect", code: 4000 }]);
});

test("waking up soon after something came asks nothing", () => {
  assert.deepEqual(new Stage().open().pass(4_000).do({ type: "wake" }).sent(), []);
});

test("waking up behind the time of the next attempt connects", () => {
  const stage = new Stage().open().lose();
  stage.now += 1_000;
  stage.do({ type: "wake" });
  assert.equal(stage.urls.length, 2);
});

test("the clock never goes back, and goes on at its speed after the wall clock was set back", () => {
  let wall = 1_000;
  const now = monotonic(() => wall);
  const seen = [now()];
  for (const next of [1_500, 500, 600, 100, 110]) {
    wall = next;
    seen.push(now());
  }
  assert.deepEqual(seen, [1_000, 1_500, 1_500, 1_600, 1_600, 1_610]);
});

test("the signs of waking are listened to until one stops", () => {
  const [page, document] = [new EventTarget(), new EventTarget()];
  let woken = 0;
  const stop = onWake(() => woken++, Object.assign(page, { document }) as never);
  for (const name of ["online", "pageshow"]) page.dispatchEvent(new Event(name));
  for (const name of ["visibilitychange", "resume"]) document.dispatchEvent(new Event(name));
  stop();
  page.dispatchEvent(new Event("online"));
  assert.equal(woken, 4);
});

const provider = { token: "provider" as const };

test("the provider is asked before the first handshake, and the token is used again after a reconnect", () => {
  const stage = new Stage(provider).do({ type: "start" });
  const [{ id } = { id: 0 }] = stage.take("ask_token");
  assert.equal(stage.urls.length, 0);
  stage.do({ type: "token", id, token: "t+1" }).hear(WELCOME).lose().pass(500);
  assert.deepEqual(
    stage.urls.map(({ searchParams }) => searchParams.get("token")),
    ["t+1", "t+1"],
  );
  assert.deepEqual(stage.take("ask_token"), []);
});

test("a token that ends is replaced on the living connection, and the new one is used from then on", () => {
  const stage = new Stage(provider).do({ type: "start" });
  stage.do({ type: "token", id: stage.take("ask_token")[0]?.id ?? 0, token: "t1" }).hear(WELCOME);
  stage.hear({ message_id: p.REFRESH, close_in_ms: 60_000 });
  const [asked] = stage.take("ask_token");
  stage.do({ type: "no_token", id: asked?.id ?? 0 });
  assert.deepEqual(
    stage.events("error").map(({ code }) => code),
    ["token"],
  );
  const [again] = stage.pass(5_000).take("ask_token");
  stage.do({ type: "token", id: asked?.id ?? 0, token: "late" });
  assert.deepEqual(stage.sent(), [], "an answer nobody waits for any more");
  stage.do({ type: "token", id: again?.id ?? 0, token: "t2" });
  const [refresh] = stage.sent();
  assert.deepEqual([refresh?.message_id, refresh?.token], [p.REFRESH, "t2"]);
  const join = stage.ask({ message_id: p.JOIN, room: "news" });
  stage.hear({ message_id: p.ACK, ref: join });
  stage.hear({ message_id: p.ACK, ref: refresh?.ref ?? "", data: { expires_in_ms: 1, left: ["news"] } });
  assert.deepEqual(
    stage.events("left").map(({ room }) => room),
    ["news"],
  );
  stage.lose().pass(500);
  assert.equal(stage.urls[1]?.searchParams.get("token"), "t2");
});

test("a refresh that is refused is told, and the next handshake asks for a token", () => {
  const stage = new Stage(provider).do({ type: "start" });
  stage.do({ type: "token", id: stage.take("ask_token")[0]?.id ?? 0, token: "t1" }).hear(WELCOME);
  stage.hear({ message_id: p.REFRESH, close_in_ms: 1 });
  stage.do({ type: "token", id: stage.take("ask_token")[0]?.id ?? 0, token: "t2" });
  stage.hear({ message_id: p.ERROR, ref: stage.sent()[0]?.ref ?? "", code: "unauthorized", retryable: false });
  assert.deepEqual([stage.events("error").map(({ code }) => code), stage.core.state], [["unauthorized"], "open"]);
  stage.lose(4004).pass(500);
  assert.equal(stage.take("ask_token").length, 1);
});

test("after 4004 a new token is fetched and the first attempt made; twice in a row is slowed down", () => {
  const stage = new Stage(provider).do({ type: "start" });
  const waits = [];
  for (let n = 0; n < 4; n++) {
    stage
      .do({ type: "token", id: stage.take("ask_token")[0]?.id ?? 0, token: `t${n}` })
      .hear(WELCOME)
      .lose(4004);
    waits.push(stage.timer - stage.now);
    stage.pass(stage.timer - stage.now);
  }
  assert.deepEqual(waits, [250, 500, 1000, 2000]);
});

test("with a fixed token 4004 is the end, because there is nothing else to show", () => {
  const stage = new Stage({ token: "fixed" }, undefined, "t1").open().lose(4004);
  assert.deepEqual(
    stage.events("closed").map(({ code }) => code),
    [4004],
  );
});

test("a 401 with a token from before asks for a new one, with a new one it is the end", () => {
  const stage = new Stage(provider).do({ type: "start" });
  const token = (name: string) => stage.do({ type: "token", id: stage.take("ask_token")[0]?.id ?? 0, token: name });
  const refused = () => stage.do({ type: "closed", code: 1006, reason: "", status: 401 });
  token("t1").hear(WELCOME).lose().pass(500);
  refused().pass(1_000);
  assert.equal(stage.core.state, "connecting");
  token("t2");
  refused();
  assert.deepEqual(
    stage.events("closed").map(({ code }) => code),
    [401],
  );
});

test("where nobody says why, a token that failed twice is replaced", () => {
  const stage = new Stage(provider).do({ type: "start" });
  stage
    .do({ type: "token", id: stage.take("ask_token")[0]?.id ?? 0, token: "old" })
    .hear(WELCOME)
    .lose();
  stage.pass(1_000).lose().pass(1_000).lose().pass(4_000);
  assert.equal(stage.take("ask_token").length, 1);
});

test("a provider that fails or never answers is asked again after a back-off", () => {
  const stage = new Stage(provider).do({ type: "start" });
  stage.do({ type: "no_token", id: stage.take("ask_token")[0]?.id ?? 0 }).pass(500);
  assert.equal(stage.take("ask_token").length, 1);
  stage.pass(15_000 + 1_000);
  assert.equal(stage.take("ask_token").length, 1);
  assert.deepEqual(
    stage.events("error").map((error) => error instanceof GohubError && error.code),
    ["token", "token"],
  );
});

test("a ticket is shown once, in its life, beside the token; a pong after half of it and a drain bring the next", () => {
  const stage = new Stage({ token: "fixed" }, undefined, "t1").open({ ticket: "one", ticket_life_ms: 20_000 });
  const [ping] = stage.pass(10_000).sent();
  assert.equal(ping?.message_id, p.PING, "asked for at half of its life");
  stage.hear({ message_id: p.PONG, ref: ping?.ref ?? "", offset: "11-0" });
  assert.equal(stage.pass(2_500).sent().length, 1, "asked again when there was none yet");
  stage.hear({ message_id: p.PONG, offset: "11-0", ticket: "two" });
  assert.equal(stage.pass(9_999).sent().length, 0);
  stage.hear({ message_id: p.DRAIN, close_in_ms: 1, reconnect_in_ms: 1, ticket: "three" });
  stage.lose(1012).pass(1).lose().pass(10_000);
  const shown = stage.urls.map(({ searchParams }) => [searchParams.get("ticket"), searchParams.get("token")]);
  assert.deepEqual(shown, [
    [null, "t1"],
    ["three", "t1"],
    [null, "t1"],
  ]);
  assert.ok(!JSON.stringify(stage.said).includes('"two"'), "no listener gets to see one");
  const late = new Stage().open({ ticket: "four", ticket_life_ms: 20_000 }).lose(1013);
  late.now += 60_000;
  late.do({ type: "tick" });
  assert.equal(late.urls[1]?.searchParams.get("ticket"), null, "its life is over");
});
