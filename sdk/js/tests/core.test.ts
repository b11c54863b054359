/** The state machine with a made-up time: every path of connecting, waiting, going on and ending. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Envelope, GohubError } from "../src/index.js";
import * as p from "../src/protocol.js";
import { Stage, WELCOME } from "./stage.js";

const say = (text: string): Envelope => ({ message_id: p.ROOM_MESSAGE, room: "lobby", data: text, key: text });

test("nothing is sent before the welcome, and then in the order of the calls", () => {
  const stage = new Stage().do({ type: "start" });
  for (const text of ["a", "b", "c"]) stage.ask(say(text));
  assert.deepEqual(stage.sent(), []);
  stage.hear(WELCOME);
  assert.deepEqual(
    stage.sent().map(({ data }) => data),
    ["a", "b", "c"],
  );
  assert.deepEqual(stage.events("state"), ["connecting", "open"]);
});

test("an answer settles its request and no other; a second answer nothing", () => {
  const stage = new Stage().open();
  const [first, second] = [stage.ask(say("a")), stage.ask(say("b"))];
  stage.hear({ message_id: p.ACK, ref: second, offset: "11-0" });
  assert.deepEqual(stage.settled(), { [second]: "ok" });
  stage.hear({ message_id: p.ACK, ref: second }).hear({ message_id: p.ERROR, ref: first, code: "forbidden", retryable: false });
  assert.deepEqual(stage.settled(), { [first]: "forbidden" });
});

test("an error that may pass is tried again with the same frame, after a back-off, until it passes or the time is over", () => {
  const stage = new Stage().open();
  const ref = stage.ask(say("a"));
  const [before] = stage.sent();
  stage.hear({ message_id: p.ERROR, ref, code: "timeout", retryable: true });
  assert.deepEqual([stage.sent(), stage.settled()], [[], {}]);
  stage.pass(250);
  assert.deepEqual(stage.sent(), [before]);
  stage.hear({ message_id: p.ERROR, ref, code: "overloaded", retryable: true }).pass(499);
  assert.deepEqual(stage.sent(), []);
  stage.pass(1);
  assert.deepEqual(stage.sent(), [before]);
  stage.hear({ message_id: p.ERROR, ref, code: "overloaded", retryable: true }).now += 20_000;
  stage.do({ type: "tick" }).pass(1_000);
  const [outcome] = stage.take("settle");
  assert.ok(outcome?.result instanceof GohubError);
  assert.deepEqual([outcome.result.code, outcome.result.uncertain], ["overloaded", true], "the first timeout may have been delivered");
});

test("a publish without a key is sent once: an error and a lost connection are final", () => {
  const stage = new Stage().open();
  const first = stage.ask(say("a"), { repeatable: false });
  stage.hear({ message_id: p.ERROR, ref: first, code: "overloaded", retryable: true });
  assert.deepEqual(stage.settled(), { [first]: "overloaded" });
  const second = stage.ask(say("b"), { repeatable: false });
  assert.deepEqual(stage.lose().settled(), { [second]: "connection_lost" });
});

test("what was sent without an answer is repeated on the next connection, in the old order", () => {
  const stage = new Stage().open();
  const refs = ["a", "b"].map((text) => stage.ask(say(text)));
  const sent = stage.sent();
  stage.lose();
  refs.push(stage.ask(say("c")));
  stage.pass(300).hear({ ...WELCOME, recovered: true });
  const again = stage.sent();
  assert.deepEqual(again.slice(0, 2), sent);
  assert.deepEqual(
    again.map(({ ref }) => ref),
    refs,
  );
  assert.deepEqual(stage.settled(), {});
});

test("what waits is bounded by number, bytes and time", () => {
  const stage = new Stage().do({ type: "start" });
  const refs = ["a", "b", "c", "d", "e"].map((text) => stage.ask(say(text)));
  assert.deepEqual(stage.settled(), { [refs[4] as string]: "queue_full" });
  const bytes = new Stage().do({ type: "start" });
  const huge = bytes.ask(say("x".repeat(10_000)));
  assert.deepEqual(bytes.settled(), { [huge]: "queue_full" });
  stage.hear({ message_id: -1 }).pass(10_000);
  assert.deepEqual(Object.values(stage.settled()), ["no_answer", "no_answer", "no_answer", "no_answer"]);
  const [rooms, wanted] = [new Stage(), ["a", "b", "c", "d"]];
  const last = wanted.map((room) => rooms.ask({ message_id: p.JOIN, room }, { timeoutMs: 1 })).pop() as string;
  assert.deepEqual(rooms.settled(), { [last]: "too_many_rooms" });
});

test("a message larger than the hub takes is not sent, and after a 1009 the largest is not repeated", () => {
  const stage = new Stage().open();
  const large = stage.ask(say("x".repeat(1_000)));
  assert.deepEqual([stage.settled(), stage.sent()], [{ [large]: "too_large" }, []]);
  const [small, larger] = [stage.ask(say("a")), stage.ask(say("x".repeat(300)))];
  assert.deepEqual(stage.lose(1009).settled(), { [larger]: "too_large" });
  stage.sent();
  assert.deepEqual(
    stage
      .pass(300)
      .hear(WELCOME)
      .sent()
      .map(({ ref }) => ref),
    [small],
  );
});

test("while it waits, and only then, it knows when it tries again", () => {
  const stage = new Stage().open();
  assert.equal(stage.core.nextAt, undefined);
  assert.equal(stage.lose().core.nextAt, stage.now + 250);
  assert.equal(stage.pass(250).core.nextAt, undefined);
});

test("the position is the greatest offset seen, and a reconnect resumes there with its rooms", () => {
  const stage = new Stage().open();
  const ref = stage.ask({ message_id: p.JOIN, room: "a,b c" });
  stage.hear({ message_id: p.ACK, ref, offset: "99-0" });
  stage.hear({ message_id: 22, room: "a,b c", offset: "9007199254740993-2", ts: 1 });
  stage.hear({ message_id: 20, offset: "17-5", ts: 1 });
  stage.hear({ message_id: p.GAP, room: "other", from: "1-0", to: "9907199254740993-0", reason: "expired" });
  assert.equal(stage.core.position, "9007199254740993-2");
  stage.hear({ message_id: p.GAP, from: "1-0", to: "9007199254740993-10", reason: "new in v2" });
  assert.deepEqual(
    stage.events("gap").map(({ reason }) => reason),
    ["expired", "unspecified"],
  );
  stage.lose().pass(500);
  assert.equal(stage.urls[1]?.search, "?client_id=alice&resume=e1%3A9007199254740993-10&rooms=a%2Cb%20c");
});

test("a ping and a pong of the hub carry the position of a quiet client", () => {
  const stage = new Stage().open();
  stage.hear({ message_id: p.PING, ref: "h", offset: "11-0" });
  assert.deepEqual(stage.sent(), [{ message_id: p.PONG, ref: "h" }]);
  assert.equal(stage.core.position, "11-0");
  assert.equal(stage.hear({ message_id: p.PONG, offset: "12-0" }).core.position, "12-0");
});

test("a welcome on a living connection brings a new epoch, and offsets of the old one are forgotten", () => {
  const stage = new Stage().open({ offset: "100-0" });
  stage.hear({ ...WELCOME, epoch: "e2", offset: "3-0", recovered: true });
  assert.deepEqual([stage.core.position, stage.core.state], ["3-0", "open"]);
  assert.deepEqual(
    stage.events("welcome").map(({ epoch, resumed }) => [epoch, resumed]),
    [
      ["e1", false],
      ["e2", true],
    ],
  );
  stage.lose().pass(500);
  assert.equal(stage.urls[1]?.searchParams.get("resume"), "e2:3-0");
});

test("a room that the hub left out of a welcome is asked for with a join that says since when", () => {
  const stage = new Stage().open();
  const ref = stage.ask({ message_id: p.JOIN, room: "lobby" });
  stage.hear({ message_id: p.ACK, ref }).hear({ message_id: 22, offset: "20-0", ts: 1 }).lose().pass(500);
  stage.sent();
  stage.hear({ ...WELCOME, offset: "20-0", recovered: true });
  const [join] = stage.sent();
  assert.deepEqual([join?.message_id, join?.room, join?.from_offset], [p.JOIN, "lobby", "20-0"]);
  // Live messages come first; then the connection goes again: the room still lacks what came since 20-0.
  stage.hear({ message_id: 20, offset: "30-0", ts: 1 }).lose().pass(5_000);
  const search = stage.urls[2]?.searchParams;
  assert.deepEqual([search?.get("resume"), search?.get("rooms")], ["e1:30-0", null]);
  stage.hear({ ...WELCOME, offset: "30-0" });
  const [again] = stage.sent();
  assert.equal(again?.from_offset, "20-0");
  // It may be there but not ask for the past: it is in, with a gap.
  stage.hear({ message_id: p.ERROR, ref: again?.ref ?? "", code: "forbidden", retryable: false });
  const [plain] = stage.sent();
  assert.deepEqual([plain?.message_id, plain?.from_offset], [p.JOIN, undefined]);
  stage.hear({ message_id: p.ACK, ref: plain?.ref ?? "", offset: "31-0" });
  assert.deepEqual(stage.events("gap"), [{ from: "20-0", to: "31-0", room: "lobby", reason: "unspecified" }]);
  assert.deepEqual(stage.core.rooms, ["lobby"]);
});

test("a room that is refused for good is not wanted any more, and the application hears of it", () => {
  const stage = new Stage().open();
  const ref = stage.ask({ message_id: p.JOIN, room: "secret" });
  stage.hear({ message_id: p.ERROR, ref, code: "forbidden", retryable: false });
  assert.deepEqual(stage.settled(), { [ref]: "forbidden" });
  const other = stage.ask({ message_id: p.JOIN, room: "lobby" });
  stage.hear({ message_id: p.ACK, ref: other }).lose().pass(500);
  stage.sent();
  const [join] = stage.hear({ ...WELCOME, epoch: "e2", offset: "1-0" }).sent();
  assert.deepEqual([join?.room, join?.from_offset], ["lobby", undefined], "an offset of another epoch means nothing");
  stage.hear({ message_id: p.ERROR, ref: join?.ref ?? "", code: "forbidden", message: "no", retryable: false });
  assert.deepEqual(stage.events("left"), [{ room: "lobby", reason: "no" }]);
  assert.deepEqual(stage.lose().pass(20_000).hear(WELCOME).sent(), []);
});

test("a room that was left is not entered again", () => {
  const stage = new Stage().open();
  stage.hear({ message_id: p.ACK, ref: stage.ask({ message_id: p.JOIN, room: "lobby" }) });
  stage.hear({ message_id: p.ACK, ref: stage.ask({ message_id: p.LEAVE, room: "lobby" }) });
  stage.lose().pass(500);
  assert.equal(stage.urls[1]?.searchParams.get("rooms"), null);
});

test("a room that the back end put this client into is kept, and one it took it out of is not", () => {
  const stage = new Stage().open();
  stage.hear({ message_id: p.JOIN, room: "vip", offset: "11-0" }).hear({ message_id: p.JOIN, room: "old", offset: "12-0" });
  stage.hear({ message_id: p.LEAVE, room: "old" }).hear({ message_id: p.LEAVE, room: "never" });
  assert.deepEqual(
    stage.events("joined").map(({ room, offset }) => [room, offset]),
    [
      ["vip", "11-0"],
      ["old", "12-0"],
    ],
  );
  assert.deepEqual(stage.events("left"), [{ room: "old", reason: "the hub took this client out" }]);
  assert.deepEqual(stage.core.rooms, ["vip"]);
  assert.equal(stage.lose().pass(500).urls[1]?.searchParams.get("rooms"), "vip");
  stage.hear({ ...WELCOME, rooms: ["vip"] });
  for (const room of ["a", "b", "c"]) stage.hear({ message_id: p.JOIN, room });
  assert.deepEqual([stage.events("error").map(({ code }) => code), stage.core.rooms], [["too_many_rooms"], ["vip", "a", "b"]]);
});

test("what the application asked for comes behind what the back end did", () => {
  const stage = new Stage().open();
  const entered = stage.ask({ message_id: p.JOIN, room: "lobby" });
  stage.hear({ message_id: p.ACK, ref: entered });
  const again = stage.ask({ message_id: p.JOIN, room: "lobby" });
  stage.hear({ message_id: p.LEAVE, room: "lobby" });
  assert.deepEqual([stage.events("left").length, stage.core.rooms], [1, []]);
  assert.deepEqual(stage.hear({ message_id: p.ACK, ref: again }).core.rooms, ["lobby"]);
  const gone = stage.ask({ message_id: p.LEAVE, room: "lobby" });
  stage.hear({ message_id: p.JOIN, room: "lobby" }).hear({ message_id: p.ACK, ref: gone });
  assert.deepEqual([stage.events("joined"), stage.core.rooms], [[], []]);
});

test("attempt n waits a random part of 500 ms times 2 to the n, at most 30 s, and a good connection starts anew", () => {
  const stage = new Stage({}, () => 0.9999).open().pass(4_999);
  const waits: number[] = [];
  for (let n = 0; n < 9; n++) {
    waits.push(stage.lose().timer - stage.now);
    stage.pass(waits[n] as number);
  }
  assert.deepEqual(waits.map(Math.round), [500, 1000, 2000, 4000, 7999, 15998, 29997, 29997, 29997]);
  stage.hear(WELCOME).pass(5_000).lose();
  assert.equal(Math.round(stage.timer - stage.now), 500);
});

test("a drain sends the client away in its own slot, without a back-off, and holds new requests until the next hub", () => {
  const stage = new Stage().open();
  const flying = stage.ask(say("a"));
  stage.sent();
  stage.hear({ message_id: p.DRAIN, close_in_ms: 5_000, reconnect_in_ms: 1_234, reason: "shutdown" });
  stage.ask(say("b"));
  assert.deepEqual([stage.core.state, stage.sent()], ["draining", []]);
  stage.hear({ message_id: p.ACK, ref: flying });
  assert.deepEqual(stage.settled(), { [flying]: "ok" });
  stage.pass(5_000).lose(1012);
  assert.equal(stage.timer - stage.now, 1_234);
  stage.pass(1_233);
  assert.equal(stage.urls.length, 1);
  stage.pass(1).hear(WELCOME);
  assert.deepEqual([stage.core.state, stage.sent().map(({ data }) => data)], ["open", ["b"]]);
  assert.equal(stage.lose().timer - stage.now, 250, "the slot counted once");
});

test("a drained hub that does not close is left", () => {
  const stage = new Stage().open();
  stage.hear({ message_id: p.DRAIN, close_in_ms: 1_000, reconnect_in_ms: 100 }).pass(6_000);
  assert.deepEqual(stage.take("disconnect"), [{ type: "disconnect", code: 1012 }]);
  assert.deepEqual([stage.core.state, stage.timer - stage.now], ["waiting", 100]);
});

test("during a retry nothing leaves but pongs, and a close that follows waits at least as long", () => {
  const stage = new Stage().open();
  stage.hear({ message_id: p.RETRY, after_ms: 60_000, reason: "rate_limited" });
  const ref = stage.ask(say("a"), { timeoutMs: 100_000 });
  stage.pass(40_000).do({ type: "wake" });
  assert.deepEqual(stage.sent(), [], "no ping either");
  stage.hear({ message_id: p.PING });
  assert.deepEqual(stage.sent(), [{ message_id: p.PONG }]);
  stage.pass(20_000);
  assert.ok(stage.sent().some((envelope) => envelope.ref === ref));
  stage.hear({ message_id: p.RETRY, after_ms: 2_500 }).lose(1013);
  assert.equal(stage.timer - stage.now, 5_000, "1013: at least five seconds");
  stage.pass(5_000).hear(WELCOME).hear({ message_id: p.RETRY, after_ms: 7_500 }).lose(4001);
  assert.equal(stage.timer - stage.now, 7_500);
});

test("a Retry-After and a random part of a second replace the back-off", () => {
  const stage = new Stage().do({ type: "start" }).do({ type: "closed", code: 1006, reason: "", status: 503, retryAfterMs: 9_000 });
  assert.equal(stage.timer - stage.now, 9_500);
});

test("a code or a status that means stop ends it, the application is told why, and what waits is rejected", () => {
  for (const code of [1000, 1002, 1003, 1007, 1008, 1010, 4500, 4501, 4506, 4999]) {
    const stage = new Stage().open();
    const ref = stage.ask(say("a"));
    stage.do({ type: "closed", code, reason: "because" });
    assert.deepEqual(stage.events("closed"), [{ code, reason: "because" }]);
    assert.deepEqual([stage.settled(), stage.timer, stage.core.state], [{ [ref]: "closed" }, Infinity, "closed"]);
    assert.deepEqual([stage.ask(say("b")), stage.settled()].length, 2);
  }
  for (const status of [400, 401, 403, 409]) {
    const stage = new Stage().do({ type: "start" }).do({ type: "closed", code: 1006, reason: "", status });
    assert.deepEqual(
      stage.events("closed").map(({ code }) => code),
      [status],
    );
  }
  for (const status of [404, 429, 500, 502, 503]) {
    const stage = new Stage().do({ type: "start" }).do({ type: "closed", code: 1006, reason: "", status });
    assert.equal(stage.core.state, "waiting");
  }
});

test("after the end it can be started again, goes on where it was, and is in its rooms", () => {
  const stage = new Stage().open();
  stage.hear({ message_id: p.ACK, ref: stage.ask({ message_id: p.JOIN, room: "lobby" }) });
  stage.do({ type: "stop" });
  assert.deepEqual(stage.take("disconnect"), [{ type: "disconnect", code: 1000 }]);
  stage.do({ type: "start" });
  assert.equal(stage.urls[1]?.search, "?client_id=alice&resume=e1%3A10-0&rooms=lobby");
});

test("an anonymous client keeps the name that the hub made up", () => {
  const stage = new Stage({ clientId: undefined }).open({ client_id: "anon-1" }).lose().pass(500);
  assert.deepEqual(
    stage.urls.map((url) => url.searchParams.get("client_id")),
    [null, "anon-1"],
  );
});

test("of several hubs another one is tried after each end", () => {
  const urls = ["ws://a/ws", "ws://b/ws", "ws://c/ws"];
  const stage = new Stage({ urls }, Math.random).do({ type: "start" });
  for (let n = 0; n < 30; n++) stage.lose().pass(30_000);
  const hosts = stage.urls.map(({ host }) => host);
  assert.ok(hosts.every((host, index) => host !== hosts[index + 1]));
  assert.equal(new Set(hosts).size, 3);
});

test("a handshake that takes too long is given up, and after a few the application hears of it once", () => {
  const stage = new Stage().do({ type: "start" }).pass(300_000);
  assert.ok(stage.urls.length > 4);
  assert.deepEqual(stage.events("trouble"), [{ attempts: 3 }]);
});
