/**
 * Takes the screenshots: every view on a desktop and on a phone, of two hubs with some life in them, to be looked at:
 *   npm run shots -w gohub-console        SHOTS=folder names another one than build/shots
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, test } from "vitest";
import { Cluster, KEY, talk, until } from "./cluster";
import { browse, DESKTOP, enter, make, open, PHONE, type Site, serve } from "./site";

const FOLDER = process.env.SHOTS ?? fileURLToPath(new URL("../build/shots", import.meta.url));
/** How long the charts run before the first shot, in milliseconds. */
const PAST_MS = Number(process.env.SHOTS_PAST_MS ?? 60_000);
const NAMES = [
  "alice",
  "bob",
  "carol",
  "dave",
  "erin",
  "frank",
  "grace",
  "heidi",
  "ivan",
  "judy",
  "mallory",
  "niaj",
  "olivia",
  "peggy",
  "rupert",
  "sybil",
];
const ROOMS = ["lobby", "support", "team:design", "team:hub", "game:42", "news"];
const WORDS = [
  "good morning",
  "the new build is up",
  "who looks at the drain?",
  "me",
  "thanks!",
  "charts look calm",
  "lunch?",
  "in five minutes",
];

let cluster: Cluster;
let site: Site;
let browser: Browser;

beforeAll(async () => {
  mkdirSync(FOLDER, { recursive: true });
  make();
  [cluster, browser] = await Promise.all([Cluster.start({ limits: { message_rate: 2000 } }), browse()]);
  const [hub] = cluster.hubs;
  if (!hub) throw new Error("no hub");
  site = await serve(hub);
  const people = await Promise.all(
    NAMES.map((name, n) =>
      cluster.person(
        name,
        n % 2,
        ROOMS.filter((_, room) => room === 0 || (n + room) % 3 === 0),
      ),
    ),
  );
  await Promise.all(
    Array.from({ length: 60 }, (_, n) => cluster.person(`sensor-${String(n).padStart(4, "0")}`, (n % 3) % 2, ["telemetry"])),
  );
  for (const [n, person] of people.entries()) {
    const room = person.client.rooms[n % person.client.rooms.length] ?? "lobby";
    talk(person, room, 300 + 170 * n, (round) => ({ text: WORDS[(round + n) % WORDS.length] }));
  }
  const gauge = await cluster.person("gauge", 1, ["telemetry"]);
  // A rate that comes and goes.
  talk(gauge, "telemetry", 40, (n) => ({ celsius: 20 + Math.round(50 * Math.sin(n / 40)) / 10 }));
});
afterAll(async () => {
  site?.close();
  await browser?.close();
  await cluster?.stop();
});

const VIEWS: readonly (readonly [name: string, hash: string, seen: string])[] = [
  ["overview", "#/overview", '[data-chart="Trouble"]'],
  ["hubs", "#/hubs", '[data-hub="hub-1"]'],
  ["clients", "#/clients", '[data-client="bob"]'],
  ["client", "#/clients/alice", '[data-life="open"]'],
  ["rooms", "#/rooms", '[data-room="lobby"]'],
  ["room", "#/rooms/lobby", ".said"],
  ["settings", "#/settings", "[data-limits]"],
];

test("every view", async () => {
  const looks = [
    { name: "desktop", options: { ...DESKTOP, colorScheme: "light" } },
    { name: "desktop-dark", options: { ...DESKTOP, colorScheme: "dark" } },
    { name: "phone", options: { ...PHONE, colorScheme: "light" } },
  ] as const;
  const pages = await Promise.all(
    looks.map(async ({ name, options }) => {
      const { page } = await open(browser, options);
      await page.goto(site.url);
      await page.getByLabel("API key", { exact: true }).waitFor();
      await page.screenshot({ path: join(FOLDER, `gate-${name}.png`) });
      await enter(page, site, KEY);
      return { name, page };
    }),
  );
  const began = Date.now();
  await until("the charts have a past", () => Date.now() - began > PAST_MS, PAST_MS + 10_000);
  for (const { name, page } of pages) {
    for (const [view, hash, seen] of VIEWS) {
      await page.evaluate((to) => {
        location.hash = to;
      }, hash);
      await page.locator(seen).first().waitFor();
      // The first answers of a view are drawn by then.
      await page.waitForLoadState("networkidle").catch(() => undefined);
      await page.screenshot({ path: join(FOLDER, `${view}-${name}.png`), fullPage: name !== "phone" });
    }
    await page.evaluate(() => {
      location.hash = "#/clients";
    });
    await page.getByRole("button", { name: "Kick alice" }).click();
    await page.getByRole("dialog").waitFor();
    await page.screenshot({ path: join(FOLDER, `kick-${name}.png`) });
  }
});
