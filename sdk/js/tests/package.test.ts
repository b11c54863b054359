/** What is published: its size, its README, and that it asks for nothing else. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { Hub, until } from "./hub.js";

const ROOT = new URL("../", import.meta.url);
const read = (path: string) => readFileSync(new URL(path, ROOT), "utf8");
const LIMIT = 8_000;

test("the whole library is smaller than 8 kB, minified and gzipped, and the README says how large", async () => {
  const entryPoints = [fileURLToPath(new URL("src/index.ts", ROOT))];
  const { outputFiles } = await build({ entryPoints, bundle: true, minify: true, format: "esm", target: "es2022", write: false });
  const size = gzipSync(outputFiles[0]?.contents ?? "", { level: 9 }).length;
  assert.ok(size < LIMIT, `${size} bytes`);
  const [, said] = /, (\d\.\d) kB of minified gzip/.exec(read("README.md")) ?? [];
  assert.equal(said, (Math.ceil(size / 100) / 10).toFixed(1), `the README says ${said} kB, it is ${size} bytes`);
});

test("it has no dependency, and the lockfile names no registry's host", () => {
  const manifest = JSON.parse(read("package.json"));
  assert.deepEqual([manifest.dependencies, manifest.peerDependencies], [undefined, undefined]);
  assert.doesNotMatch(read("package-lock.json"), /"resolved"|https?:\/\/(?!opencollective|github|feross|www\.patreon)[^"]*\.tgz/);
});

test("the example of the README runs as it stands, in Node with the package ws, against a hub", async () => {
  const hub = await Hub.start();
  const [, example = ""] = /```js example\n([\s\S]*?)```/.exec(read("README.md")) ?? [];
  const lines = example.trim().split("\n");
  assert.equal(lines.filter((line) => line && !line.startsWith("import")).length, 8, "about ten lines");
  const folder = new URL("build/example/", ROOT);
  mkdirSync(folder, { recursive: true });
  const entry = fileURLToPath(new URL("src/index.ts", ROOT));
  await build({ entryPoints: [entry], bundle: true, format: "esm", outfile: fileURLToPath(new URL("client.mjs", folder)) });
  // The page's global and its hub; not a word of the example itself but the two names.
  const program = `import WebSocket from "ws";\nglobalThis.WebSocket = WebSocket;\n${example
    .replace("@gohub/client", "./client.mjs")
    .replace("ws://127.0.0.1:8080/ws", hub.url)}`;
  const file = fileURLToPath(new URL("example.mjs", folder));
  writeFileSync(file, program);
  const child = spawn(process.execPath, [file], { stdio: ["ignore", "pipe", "inherit"] });
  let out = "";
  child.stdout.on("data", (chunk) => {
    out += chunk;
  });
  await until("the example says where everybody gets it, and alice hears herself", () => {
    return /everybody gets it, at \d+-\d+/.test(out) && /alice { text: 'hello' }/.test(out);
  });
  child.kill();
  await hub.stop();
  rmSync(folder, { recursive: true });
});
