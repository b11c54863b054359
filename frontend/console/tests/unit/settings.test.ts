/** Settings one by one, edits of them, and the file that the hub is asked about. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { test } from "vitest";
import { parse } from "yaml";
import { fragment, read, type Schema, settings, shown, whole } from "../../src/settings/tree";

const schema = JSON.parse(
  readFileSync(fileURLToPath(new URL("../../../../config/settings.schema.json", import.meta.url)), "utf8"),
) as Schema;
const YAML = `
admin: {addr: "127.0.0.1:1", api_keys: ["***", "***"]}
limits: {message_rate: 7, byte_rate: 16MiB, cluster: {accept_rate: 0}}
auth: {hook: {url: "http://x/y?***"}}
`;
const found = settings(YAML, schema);
const one = (path: string) => found.find((setting) => setting.path === path) ?? assert.fail(path);

test("every setting has its value, its default and what it does", () => {
  const rate = one("limits.message_rate");
  assert.deepEqual([rate.value, rate.initial, rate.isChanged], [7, 5000, true]);
  assert.match(rate.text, /^Messages a second one connection may send/);
  assert.doesNotMatch(rate.text, /Default/);
  assert.equal(one("limits.byte_rate").isChanged, false);
  assert.equal(one("limits.cluster.accept_rate").value, 0);
  assert.equal(shown(one("admin.api_keys").value), '["***","***"]');
});

test("what is written for a setting is read by its kind, or complained of", () => {
  assert.deepEqual(read(" 12 ", one("limits.message_rate")), { value: 12 });
  assert.deepEqual(read("1.5", one("limits.message_rate")), { complaint: "a whole number" });
  assert.deepEqual(read("-1", one("limits.message_rate")), { complaint: "a whole number" });
  assert.deepEqual(read("1MiB", one("limits.byte_rate")), { value: "1MiB" });
  assert.deepEqual(read("1MB", one("limits.byte_rate")), { complaint: "written as 512B, 64KiB or 1MiB" });
});

test("edits alone are what belongs into the file", () => {
  const edits = new Map<string, number | string>([
    ["limits.message_rate", 9],
    ["limits.cluster.accept_rate", 5],
  ]);
  assert.equal(fragment(edits), "limits:\n  message_rate: 9\n  cluster:\n    accept_rate: 5\n");
});

test("the file that the hub judges has no stars in it, and says where they were", () => {
  const { yaml, veiled } = whole(YAML, new Map([["limits.message_rate", 9]]));
  assert.doesNotMatch(yaml, /\*\*\*/);
  assert.deepEqual(veiled, ["admin.api_keys", "admin.api_keys", "auth.hook.url"]);
  const tree = parse(yaml) as { limits: unknown; admin: { api_keys: string[] } };
  assert.deepEqual(tree.limits, { message_rate: 9, byte_rate: "16MiB", cluster: { accept_rate: 0 } });
  assert.equal(new Set(tree.admin.api_keys).size, 2, "two keys may not be the same");
});
