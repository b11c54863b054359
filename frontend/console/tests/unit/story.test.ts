/** The black box in words, and the address of a view. */
import assert from "node:assert/strict";
import { test } from "vitest";
import type { Life } from "../../src/api/hub";
import { amount, bytes, latency, span } from "../../src/figures/units";
import { href, read } from "../../src/route";
import { standing, tell } from "../../src/story";

const LIFE: Life = {
  node: "hub-0",
  connection: "17",
  address: "127.0.0.1:4",
  format: "gohub.v1.json",
  opened_at: 500,
  recovered: true,
  counts: { published: 7, refused: 0, delivered: 3, bytes_sent: 99 },
  events: [
    { at: 1_000, times: 1, what: "joined", room: "lobby", by: "back_end" },
    { at: 1_000, until: 2_000, times: 7, what: "published" },
    { at: 2_500, times: 1, what: "gap", code: "slow_client", detail: "12 messages, 1-0 to 2-0" },
    { at: 2_600, times: 1, what: "of_tomorrow" },
  ],
  events_dropped: 0,
  end: { at: 3_000, code: 4500, by: "hub", reason: "kicked", unsent_bytes: 2048, behind_bytes: 0 },
};

test("a life is told in the order it was lived, and newer words are shown as they are", () => {
  const told = tell(LIFE);
  assert.deepEqual(
    told.map(({ text, gravity }) => [text, gravity]),
    [
      ["Connected, went on where it was", "good"],
      ["Entered lobby by the back end", "good"],
      ["Published", "calm"],
      ["Missed messages: slow_client", "bad"],
      ["of tomorrow", "calm"],
      ["Closed by the hub, 4500: kicked", "bad"],
    ],
  );
  assert.deepEqual([told[2]?.times, told[2]?.until], [7, 2_000]);
  assert.equal(told[5]?.detail, "not sent: 2 KiB of its own; the log was 0 B ahead of it");
});

test("an open connection says what it waits for", () => {
  const now = { rooms: [], unsent_bytes: 1024, pending_bytes: 0, blocked: true, paused: false, inflight: 0, silent_ms: 4_000 };
  const { end: _, ...open } = LIFE;
  assert.deepEqual(standing({ ...open, now }), ["last sign of life 4 s ago", "takes no bytes", "1 KiB wait for it"]);
  assert.deepEqual(standing(LIFE), []);
});

test("a view's address brings back the same view, whatever is in a name", () => {
  for (const id of ["alice", "a/b c", "größer #1", "100%"]) assert.deepEqual(read(href("clients", id)), { view: "clients", id });
  assert.deepEqual(read(href("rooms")), { view: "rooms", id: null });
  assert.deepEqual(read("#/of-tomorrow"), { view: "overview", id: null });
  assert.deepEqual(read("#/clients/100%"), { view: "clients", id: "100%" });
});

test("figures are short and have units", () => {
  assert.deepEqual([0, 0.25, 3.14, 12_345, null].map(amount), ["0", "0.25", "3.1", "12.3K", "–"]);
  assert.deepEqual([0.000_85, 0.0123, 1.234].map(latency), ["850 µs", "12.3 ms", "1.23 s"]);
  assert.deepEqual([512, 1536, 5 * 1024 ** 3].map(bytes), ["512 B", "1.5 KiB", "5 GiB"]);
  assert.deepEqual([4_000, 300_000, 3_700_000, 100 * 3_600_000].map(span), ["4 s", "5 min", "1 h 1 min", "4 d 4 h"]);
});
