import { expect, test } from "vitest";
import { begin, hear } from "../../src/model/conversation.js";
import type { Line } from "../../src/model/entry.js";
import { UNTRIED } from "../../src/model/link.js";
import { Keep } from "../../src/session/keep.js";

function drawer(): Storage {
  const things = new Map<string, string>();
  return {
    getItem: (name: string) => things.get(name) ?? null,
    setItem: (name: string, value: string) => things.set(name, value),
    removeItem: (name: string) => things.delete(name),
  } as unknown as Storage;
}

const line = (key: string, delivery: Line["delivery"], offset?: string): Line => ({
  ...{ kind: "line", key, from: "anna", text: key, at: 1, era: 3, order: 1, delivery, offset },
});

test("a reload has the rooms, private conversations, and what waits; the rest is asked for again", () => {
  const keep = new Keep(drawer());
  const room = [line("sent", "sent", "1-0"), line("waits", "waiting"), line("failed", "failed")].reduce(
    (so, one) => hear(so, one, true),
    begin("#tea"),
  );
  const bert = hear(begin("@bert"), line("private", "sent", "2-0"), true);
  keep.save({ me: "anna", link: UNTRIED, active: "@bert", conversations: [room, bert] });
  const { active, conversations } = keep.load("anna");
  expect(active).toBe("@bert");
  expect(conversations.map(({ id, entries }) => [id, entries.map(({ key, era }) => `${key} ${era}`)])).toEqual([
    ["#tea", ["waits 0", "failed 0"]],
    ["@bert", ["private 0"]],
  ]);
  expect(keep.load("somebody else").conversations).toEqual([]);
});

test("who was here is remembered until they go", () => {
  const keep = new Keep(drawer());
  expect(keep.who()).toBeUndefined();
  keep.remember({ name: "anna", hub: "ws://h/ws" });
  expect(keep.who()).toEqual({ name: "anna", hub: "ws://h/ws" });
  keep.remember(undefined);
  expect(keep.who()).toBeUndefined();
});

test("a browser that keeps nothing, and nonsense in the drawer, are no failure", () => {
  const broken = {
    ...drawer(),
    getItem: () => "{",
    setItem: () => {
      throw new Error("full");
    },
  } as unknown as Storage;
  for (const keep of [new Keep(undefined), new Keep(broken)]) {
    keep.remember({ name: "anna", hub: "" });
    keep.save({ me: "anna", link: UNTRIED, active: undefined, conversations: [] });
    expect([keep.who(), keep.load("anna")]).toEqual([undefined, { active: undefined, conversations: [] }]);
  }
});
