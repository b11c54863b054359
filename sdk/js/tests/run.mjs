// Bundles every test with the library's sources and runs them: node tests/run.mjs [NAME ...]; without names all of them.
import { spawnSync } from "node:child_process";
import { readdirSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";

const here = fileURLToPath(new URL(".", import.meta.url));
const out = fileURLToPath(new URL("../build/", import.meta.url));
const names = process.argv.slice(2);
const tests = readdirSync(here)
  .filter((file) => file.endsWith(".test.ts"))
  .filter((file) => names.length === 0 || names.some((name) => file === `${name}.test.ts`));
rmSync(out, { recursive: true, force: true });
buildSync({
  entryPoints: tests.map((file) => `${here}${file}`),
  outdir: out,
  outExtension: { ".js": ".mjs" },
  bundle: true,
  packages: "external",
  platform: "node",
  format: "esm",
  target: "node18",
  sourcemap: "inline",
});
const files = tests.map((file) => `${out}${file.replace(/\.ts$/, ".mjs")}`);
const run = spawnSync(process.execPath, ["--enable-source-maps", "--test", ...files], { stdio: "inherit" });
process.exit(run.status ?? 1);
