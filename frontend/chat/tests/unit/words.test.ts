import { GohubError } from "@gohub/client";
import { describe, expect, test } from "vitest";
import { BACK_MS, type Link, lasted, said, UNTRIED } from "../../src/model/link.js";
import { pieces } from "../../src/model/text.js";
import { failure, gapReason, listed } from "../../src/words.js";

const link = (changes: Partial<Link>): Link => ({ ...UNTRIED, node: "hub-0", state: "open", ...changes });

describe("the connection in words", () => {
  test.each<[string, Partial<Link>, string, string]>([
    ["good", {}, "Connected", ""],
    ["lost", { state: "waiting", nextAt: 4_200 }, "Connection lost", "Trying again in 4 seconds. What you write is kept and sent then."],
    ["about to try", { state: "waiting", nextAt: 900 }, "Connection lost", "Trying again now. What"],
    ["trying", { state: "connecting" }, "Reconnecting", "Trying a hub now."],
    [
      "without a network",
      { state: "waiting", nextAt: 2_000, online: false },
      "Offline",
      "This device has no network. Trying again in 1 second.",
    ],
    ["drained", { state: "draining" }, "Changing hubs", "Nothing gets lost"],
    ["waiting for its slot", { state: "waiting", drained: true, nextAt: 3_000 }, "Changing hubs", "is ready in 2 seconds"],
    ["never there", { state: "waiting", node: undefined, attempts: 3, nextAt: 2_000 }, "No connection", "No hub answered 3 times"],
    ["degraded", { mode: "degraded" }, "Cut off from other hubs", "kept and sent"],
    ["slowed down", { pausedUntil: 3_000 }, "Slowed down", "Going on in 2 seconds"],
    ["back, whole", { back: { at: 500, away: 2_300, complete: true } }, "Back again", "Away for 2.3 s. Nothing was missed."],
    ["back, not whole", { back: { at: 500, away: 2_300, complete: false } }, "Back again", "Looking up what was missed."],
    ["kicked", { state: "closed", closed: { code: 4500, reason: "kicked" } }, "Disconnected", "asked to leave"],
    ["ended by a code of tomorrow", { state: "closed", closed: { code: 4999, reason: "because" } }, "Disconnected", "because (4999)"],
  ])("%s", (_, changes, title, detail) => {
    const words = said(link(changes), 1_000);
    expect(words.title).toBe(title);
    if (detail === "") expect(words.detail).toBeUndefined();
    else expect(words.detail).toContain(detail);
  });

  test("a comeback is talked about for a while only", () => {
    const back = { at: 0, away: 10, complete: true };
    expect(said(link({ back }), BACK_MS).title).toBe("Connected");
  });
});

test("times are said as people say them", () => {
  expect([0, 12, 480, 1_000, 9_940, 30_000, 240_000, 7_200_000].map(lasted)).toEqual([
    "1 ms",
    "10 ms",
    "480 ms",
    "1.0 s",
    "9.9 s",
    "30 s",
    "4 min",
    "2 h",
  ]);
});

test("failures are said in plain words", () => {
  expect(failure(new GohubError("client_unknown", "x"), "bert")).toBe("bert is not here at the moment.");
  expect(failure(new GohubError("too_large", "x"))).toBe("That is too long for this hub.");
  expect(failure(new GohubError("no_answer", "x", true, true))).toContain("may have arrived or not");
  expect(failure(new GohubError("of tomorrow", "because"))).toContain("because");
});

test("a reason nobody knows yet is said, too", () => {
  expect(gapReason("expired")).toContain("away");
  expect(gapReason("of tomorrow")).toBe("the connection was interrupted");
});

test("names are listed as people list them", () => {
  expect(["", "a", "a,b", "a,b,c", "a,b,c,d,e"].map((names) => listed(names.split(",").filter(Boolean)))).toEqual([
    "",
    "a",
    "a and b",
    "a, b and c",
    "a, b, c and 2 others",
  ]);
});

test("links are found, and what ends the sentence is not theirs", () => {
  expect(
    pieces("see https://a.example/x?y=1, or (http://b.example/). javascript:alert(1)").map(
      ({ text, link }) => `${link ? "+" : "-"}${text}`,
    ),
  ).toEqual(["-see ", "+https://a.example/x?y=1", "-, or (", "+http://b.example/", "-). javascript:alert(1)"]);
  expect(pieces("no link").map(({ text }) => text)).toEqual(["no link"]);
});
