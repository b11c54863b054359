/** The types of the API are those of docs/openapi.json. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "vitest";

const at = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

test("the checked-in types are what openapi-typescript makes of docs/openapi.json", () => {
  const folder = mkdtempSync(join(tmpdir(), "gohub-types-"));
  try {
    const made = join(folder, "schema.d.ts");
    const program = join(dirname(createRequire(import.meta.url).resolve("openapi-typescript/package.json")), "bin/cli.js");
    execFileSync(process.execPath, [program, at("../../docs/openapi.json"), "--output", made], { stdio: "pipe" });
    const [wanted, here] = [made, at("src/api/schema.d.ts")].map((path) => readFileSync(path, "utf8"));
    assert.equal(here, wanted, "the API has changed: npm run types -w gohub-console");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
