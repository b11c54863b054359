/** Prometheus' text format as the hub writes it, and what is made of it. */
import assert from "node:assert/strict";
import { test } from "vitest";
import { parse, sum } from "../../src/figures/exposition";
import { quantile } from "../../src/figures/histogram";
import { History } from "../../src/figures/history";

const text = (lines: Record<string, number>) =>
  Object.entries(lines)
    .map(([name, value]) => `${name} ${value}\n`)
    .join("");
const reading = (at: number, lines: Record<string, number>) => ({ at, figures: parse(text(lines)), connections: new Map([["hub-0", 7]]) });

test("names, labels with quotes in them and infinite bounds are read, and what cannot be read is left out", () => {
  const figures = parse(`# HELP a what
# TYPE a counter
a{x="1",y="say \\"hi\\"\\n, } {"} 3
a{x="2"} 4.5 1700000000000
b +Inf
nonsense
c{ 1
d NaN
`);
  assert.deepEqual(figures.get("a"), [
    { labels: { x: "1", y: 'say "hi"\n, } {' }, value: 3 },
    { labels: { x: "2" }, value: 4.5 },
  ]);
  assert.equal(sum(figures, "a"), 7.5);
  assert.equal(sum(figures, "b"), Number.POSITIVE_INFINITY);
  assert.deepEqual([sum(figures, "d"), sum(figures, "none")], [undefined, undefined]);
  assert.equal(figures.size, 2);
});

test("a quantile is of what came between two readings, and there is none of nothing", () => {
  const at = (counts: number[]) =>
    parse(["0.001", "0.01", "0.1", "+Inf"].map((bound, n) => `h_bucket{le="${bound}"} ${counts[n]}\n`).join(""));
  const [before, now] = [at([100, 100, 100, 100]), at([100, 200, 200, 200])];
  const half = quantile(0.5, before, now, "h") ?? 0;
  assert.ok(Math.abs(half - 0.0055) < 1e-9, `${half}: the middle of the second bucket`);
  assert.equal(quantile(0.5, now, now, "h"), null);
  assert.equal(quantile(0.5, undefined, parse(""), "h"), null);
  assert.equal(quantile(0.99, before, at([100, 100, 100, 150]), "h"), 0.1, "beyond the last bound only that is known");
  assert.ok((quantile(0.5, before, at([10, 20, 20, 20]), "h") ?? 0) > 0, "another process: all it counted is new");
});

test("counters become rates per second, and one that went back is a hole instead of a fall", () => {
  const history = History.empty
    .with(reading(1_000, { gohub_messages_delivered_total: 100, gohub_connections: 3 }))
    .with(reading(3_000, { gohub_messages_delivered_total: 150, gohub_connections: 4 }))
    .with(reading(5_000, { gohub_messages_delivered_total: 10, gohub_connections: 1 }))
    .with(reading(7_000, { gohub_messages_delivered_total: 30, gohub_connections: 1 }));
  assert.deepEqual(
    history.moments.map(({ values }) => values.delivered),
    [null, 25, null, 10],
  );
  assert.deepEqual(
    history.moments.map(({ values }) => values.open),
    [3, 4, 1, 1],
  );
  assert.equal(history.moments[0]?.connections.get("hub-0"), 7);
});

test("a history forgets what is old", () => {
  let history = History.empty;
  for (let n = 0; n < 1_000; n++) history = history.with(reading(n * 2_000, { gohub_connections: n }));
  assert.equal(history.moments.length, 450);
  assert.equal(history.moments.at(-1)?.values.open, 999);
});
