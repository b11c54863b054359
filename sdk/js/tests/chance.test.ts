/** Whatever happens in whatever order: what holds of the machine in every history, by seeded chance. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Envelope, GohubError } from "../src/index.js";
import { isLater } from "../src/offset.js";
import * as p from "../src/protocol.js";
import { Stage, WELCOME } from "./stage.js";

/** Random numbers from 0 to 1 that follow from the seed. */
function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const HISTORIES = 300;
const STEPS = 200;

/** A hub and an application that do anything at any time. */
class World {
  readonly stage: Stage;
  /** Requests that nobody settled yet, and those that are. */
  readonly open = new Set<string>();
  readonly settled = new Set<string>();
  offset = 10;
  epoch = 1;

  constructor(readonly random: () => number) {
    this.stage = new Stage({ token: "provider", maxPending: 8 }, random);
  }

  pick<T>(items: readonly T[]): T {
    return items[Math.floor(this.random() * items.length)] as T;
  }

  /** One thing that happens. */
  step(): string {
    const { stage } = this;
    const things: Record<string, () => void> = {
      start: () => stage.do({ type: "start" }),
      wake: () => stage.do({ type: "wake" }),
      pass: () => stage.pass(this.random() * 20_000),
      freeze: () => {
        stage.now += this.random() * 600_000;
        stage.do({ type: "tick" });
      },
      token: () => {
        for (const { id } of stage.take("ask_token")) stage.do({ type: "token", id, token: "t" });
      },
      noToken: () => stage.take("ask_token").map(({ id }) => stage.do({ type: "no_token", id })),
      lose: () => stage.socket && stage.lose(this.pick([1001, 1006, 1009, 1011, 1012, 1013, 4000, 4001, 4004, 4006])),
      stop: () => this.random() < 0.1 && stage.do({ type: "stop" }),
      refused: () =>
        stage.socket && stage.do({ type: "closed", code: 1006, reason: "", status: this.pick([401, 429, 503]), retryAfterMs: 1_000 }),
      welcome: () => {
        if (this.random() < 0.2) this.epoch++;
        this.hear({ ...WELCOME, epoch: `e${this.epoch}`, offset: `${this.offset}-0`, rooms: this.pick([[], ["a"], ["a", "b"]]) });
      },
      say: () => this.ask({ message_id: p.ROOM_MESSAGE, room: "a", data: "x", key: "k" }, true),
      sayOnce: () => this.ask({ message_id: p.ROOM_MESSAGE, room: "a", data: "x" }, false),
      join: () => this.ask({ message_id: p.JOIN, room: this.pick(["a", "b", "c", "d"]) }, true),
      leave: () => this.ask({ message_id: p.LEAVE, room: this.pick(["a", "b"]) }, true),
      message: () => this.hear({ message_id: 22, room: "a", ts: 1, offset: `${++this.offset}-0` }),
      answer: () => this.answer({ message_id: p.ACK, offset: "1-0" }),
      error: () => this.answer({ message_id: p.ERROR, code: "x", retryable: this.random() < 0.5 }),
      ping: () => this.hear({ message_id: p.PING, offset: `${this.offset}-0` }),
      drain: () => this.hear({ message_id: p.DRAIN, close_in_ms: 1_000, reconnect_in_ms: 2_000 }),
      retry: () => this.hear({ message_id: p.RETRY, after_ms: 3_000 }),
      refresh: () => this.hear({ message_id: p.REFRESH, close_in_ms: 1_000 }),
      nonsense: () => stage.socket && stage.do({ type: "received", frame: this.pick(["", "[]", '{"message_id":{}}', "null"]) }),
    };
    const name = this.pick(Object.keys(things));
    things[name]?.();
    return name;
  }

  hear(envelope: Envelope): void {
    // A hub speaks only where there is a socket.
    if (this.stage.socket) this.stage.hear(envelope);
  }

  ask(envelope: Envelope, repeatable: boolean): void {
    this.open.add(this.stage.ask(envelope, { repeatable, timeoutMs: 1 + this.random() * 30_000 }));
  }

  answer(envelope: Envelope): void {
    if (this.open.size > 0) this.hear({ ...envelope, ref: this.pick([...this.open]) });
  }
}

test(`in ${HISTORIES} histories of ${STEPS} steps nothing is settled twice or never, sent without a connection, or goes back`, () => {
  for (let seed = 1; seed <= HISTORIES; seed++) {
    const world = new World(chance(seed));
    const { stage } = world;
    const history: string[] = [];
    const fail = (what: string) => `seed ${seed}: ${what} after ${history.slice(-12).join(", ")}`;
    let [position, epoch] = ["0-0", ""];
    for (let n = 0; n < STEPS; n++) {
      let socket = stage.socket;
      history.push(world.step());
      if (["lose", "refused"].includes(history.at(-1) ?? "")) socket = false;
      for (const action of stage.said) {
        if (action.type === "connect") {
          assert.ok(!socket, fail("a second socket beside the first"));
          socket = true;
        } else if (action.type === "disconnect") {
          assert.ok(socket, fail("left a socket that is not there"));
          socket = false;
        } else if (action.type === "send") {
          assert.ok(socket, fail("sent without a connection"));
          const { ref } = JSON.parse(action.frame as string);
          assert.ok(!world.settled.has(ref), fail(`${ref} was sent after it was settled`));
        } else if (action.type === "settle") {
          const { request, result } = action;
          assert.ok(world.open.delete(request.ref), fail(`${request.ref} was settled twice`));
          assert.ok(!request.own, fail("its own request was settled"));
          world.settled.add(request.ref);
          if (result instanceof GohubError && result.code === "connection_lost") assert.ok(!request.repeatable, fail("given up"));
        }
      }
      const [welcome] = stage.events("welcome").slice(-1);
      if (welcome && welcome.epoch !== epoch) [epoch, position] = [welcome.epoch, "0-0"];
      const now = stage.core.position ?? "0-0";
      assert.ok(now === position || isLater(now, position), fail(`the position went back from ${position} to ${now}`));
      position = now;
      stage.said = stage.take("ask_token");
      const { state } = stage.core;
      const rests = state === "idle" || state === "closed";
      assert.ok(rests || stage.timer < Infinity, fail(`nothing will ever happen in ${state}`));
      assert.ok(!rests || stage.core.rooms.length === 0, fail("in rooms without a connection"));
    }
    stage.pass(60_000).do({ type: "stop" }).pass(1);
    for (const { request } of stage.take("settle")) world.open.delete(request.ref);
    assert.deepEqual([...world.open], [], fail("never settled"));
    assert.equal(stage.timer, Infinity, fail("a timer after the end"));
  }
});
