import { defineConfig } from "vitest/config";

/** A file has hubs and a browser of its own; two at once would only be slow. Times are of a machine that has other work, too. */
const real = { environment: "node", pool: "forks", fileParallelism: false, testTimeout: 180_000, hookTimeout: 120_000 } as const;

/** Tests of pure modules, tests in a real browser against real hubs, and a script that takes pictures there. */
export default defineConfig({
  test: {
    projects: [
      { test: { name: "unit", include: ["tests/unit/**/*.test.ts"], environment: "node" } },
      { test: { name: "browser", include: ["tests/browser/**/*.test.ts"], ...real } },
      { test: { name: "pictures", include: ["tests/pictures/**/*.test.ts"], ...real } },
    ],
  },
});
