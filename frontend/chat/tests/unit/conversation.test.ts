import type { Message } from "@gohub/client";
import { describe, expect, test } from "vitest";
import { begin, change, changed, fill, hear, lineOf, ownKey, remember, waiting } from "../../src/model/conversation.js";
import { type Entry, type Line, MOST_ENTRIES, put } from "../../src/model/entry.js";

let order = 0;
const now = (era = 1) => ({ at: 1_000, era, order: ++order });
const said = (offset: string, text: string, more: Partial<Message> = {}): Message =>
  ({ message_id: 22, room: "tea", from: "bert", offset, ts: 5, key: `k${offset}`, data: { text }, ...more }) as Message;
const line = (offset: string, text: string, more: Partial<Message> = {}, era = 1) => lineOf(said(offset, text, more), "anna", now(era));
const texts = (entries: readonly Entry[]) => entries.map((entry) => (entry.kind === "line" ? entry.text : entry.kind));
const mine = (key: string, text: string): Line => ({
  ...{ kind: "line", key: ownKey("anna", key), from: "anna", text, offset: undefined, delivery: "waiting" as const },
  ...now(),
});

describe("the order", () => {
  test("is the hub's, whatever comes first; offsets are compared as numbers", () => {
    const entries = ["9-0", "100-0", "10-1", "10-0", "18446744073709551615-0"].reduce<readonly Entry[]>(
      (all, at) => put(all, line(at, at)),
      [],
    );
    expect(texts(entries)).toEqual(["9-0", "10-0", "10-1", "100-0", "18446744073709551615-0"]);
  });

  test("of what waits is behind everything, until the hub has it", () => {
    let tea = hear(begin("#tea"), mine("1", "mine"), true);
    tea = hear(tea, line("5-0", "theirs"), true);
    expect(texts(tea.entries)).toEqual(["theirs", "mine"]);
    tea = change(tea, ownKey("anna", "1"), { delivery: "sent", offset: "4-0" });
    expect(texts(tea.entries)).toEqual(["mine", "theirs"]);
  });

  test("of two lives of the log is that of the lives", () => {
    const tea = hear(hear(begin("#tea"), line("900-0", "old"), true), line("2-0", "new", {}, 2), true);
    expect(texts(tea.entries)).toEqual(["old", "new"]);
  });

  test("puts a notice behind the line it was made at", () => {
    const notice: Entry = { kind: "moved", key: "m", ...now(), offset: "5-0", node: "hub-1", away: 1, complete: true };
    const entries = [line("6-0", "after"), line("5-0", "at"), line("4-0", "before")].reduce<readonly Entry[]>(put, [notice]);
    expect(texts(entries)).toEqual(["before", "at", "moved", "after"]);
  });

  test("holds the newest, and no more than fits", () => {
    let entries: readonly Entry[] = [];
    for (let n = 0; n < MOST_ENTRIES + 5; n++) entries = put(entries, line(`${n}-0`, `${n}`));
    expect([entries.length, texts(entries)[0]]).toEqual([MOST_ENTRIES, "5"]);
  });
});

describe("a line", () => {
  test("that comes again, by history or as an echo, is the same one", () => {
    let tea = hear(begin("#tea"), mine("1", "mine"), true);
    tea = hear(tea, line("4-0", "mine", { from: "anna", key: "1" }), false);
    tea = hear(tea, line("4-0", "mine", { from: "anna", key: "1" }), false);
    expect(tea.entries).toMatchObject([{ text: "mine", delivery: "sent", offset: "4-0" }]);
    expect([waiting(tea), tea.unread]).toEqual([[], 0]);
  });

  test("of another person with the same key is another one", () => {
    const tea = [line("4-0", "a", { key: "1" }), line("5-0", "b", { from: "carl", key: "1" })].reduce(
      (so, one) => hear(so, one, true),
      begin("#tea"),
    );
    expect(texts(tea.entries)).toEqual(["a", "b"]);
  });

  test("that nobody saw is unread, and the first of them is where the divider stands", () => {
    const tea = [line("4-0", "a"), line("5-0", "b")].reduce((so, one) => hear(so, one, false), begin("#tea"));
    expect([tea.unread, tea.firstUnread]).toEqual([2, "bert k4-0"]);
  });

  test.each([
    ["a string", "plain", "plain"],
    ["an object with text", { text: "typed" }, "typed"],
    ["anything else", { n: [1] }, '{"n":[1]}'],
    ["nothing", undefined, ""],
  ])("is read from %s", (_, data, text) => {
    expect(line("1-0", "", { data }).text).toBe(text);
  });
});

test("the history says how many lines are new", () => {
  const tea = hear(begin("#tea"), line("4-0", "a"), true);
  const { conversation, found } = remember(tea, [line("3-0", "before"), line("4-0", "a"), line("5-0", "b")]);
  expect([found, conversation.unread, texts(conversation.entries)]).toEqual([2, 0, ["before", "a", "b"]]);
});

test("a gap changes where it stands", () => {
  const gap: Entry = { kind: "gap", key: "g", ...now(), offset: "4-0", reason: "expired", state: "looking", found: 0 };
  const tea = fill({ ...begin("#tea"), entries: [gap] }, "g", { state: "filled", found: 3 });
  expect(tea.entries).toMatchObject([{ key: "g", state: "filled", found: 3 }]);
});

test("two looks tell who came and who went", () => {
  expect(changed(["anna", "bert"], ["bert", "carl"])).toEqual({ came: ["carl"], went: ["anna"] });
});
