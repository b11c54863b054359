import { defineConfig } from "vitest/config";

/** In a real browser, against real hubs. */
const real = {
  environment: "node",
  pool: "forks",
  // A file has hubs and a browser of its own; two at once would only be slow.
  fileParallelism: false,
  testTimeout: 120_000,
  hookTimeout: 120_000,
} as const;

/** Tests of pure modules, tests in a browser, and the script that takes the screenshots. */
export default defineConfig({
  test: {
    projects: [
      { test: { name: "unit", include: ["tests/unit/**/*.test.ts"], environment: "node", testTimeout: 60_000 } },
      { test: { name: "browser", include: ["tests/browser/**/*.test.ts"], ...real } },
      { test: { name: "shots", include: ["tests/shots.ts"], ...real, testTimeout: 300_000 } },
    ],
  },
});
