/** What is built: its size, and that it works wherever it is put. */
import { readdirSync, readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";

const DIST = new URL("../../dist/", import.meta.url);
const read = (path: string) => readFileSync(new URL(path, DIST));

function size(ending: string): number {
  const files = readdirSync(new URL("assets/", DIST)).filter((file) => file.endsWith(ending));
  return Math.ceil(files.reduce((sum, file) => sum + gzipSync(read(`assets/${file}`)).length, 0) / 1_000);
}

test("it is as large as the README says", () => {
  const readme = readFileSync(new URL("../../README.md", DIST), "utf8");
  const [, script, style] = /\[`chat`\]\(chat\) .* (\d+) kB of JavaScript, (\d+) kB of CSS/.exec(readme) ?? [];
  // Compressors of two machines differ by a little.
  expect(Math.abs(Number(script) - size(".js"))).toBeLessThanOrEqual(2);
  expect(Math.abs(Number(style) - size(".css"))).toBeLessThanOrEqual(1);
});

test("it names nothing but what lies beside it, so it works under any path and without other servers", () => {
  const page = read("index.html").toString();
  const named = [...page.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, name = ""]) => name);
  expect(named.length).toBeGreaterThan(2);
  expect(named.filter((name) => !name.startsWith("./"))).toEqual([]);
  for (const file of readdirSync(new URL("assets/", DIST)).filter((file) => file.endsWith(".css"))) {
    expect(read(`assets/${file}`).toString()).not.toMatch(/url\(["']?(?:https?:)?\//);
  }
});
