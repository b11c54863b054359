/** axe-core finds nothing in any view, in both colour schemes, on a desktop and on a phone, and nothing is wider than the screen. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { AxeResults } from "axe-core";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, test } from "vitest";
import { Cluster, KEY, talk } from "../cluster";
import { browse, DESKTOP, enter, make, open, PHONE, type Site, serve } from "../site";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
let cluster: Cluster;
let site: Site;
let browser: Browser;

beforeAll(async () => {
  make();
  [cluster, browser] = await Promise.all([Cluster.start(), browse()]);
  const [hub] = cluster.hubs;
  if (!hub) throw new Error("no hub");
  site = await serve(hub);
  const people = await Promise.all(["alice", "bob", "carol"].map((name, n) => cluster.person(name, n % 2, ["lobby", "news"])));
  if (people[0]) talk(people[0], "lobby", 200);
});
afterAll(async () => {
  site?.close();
  await browser?.close();
  await cluster?.stop();
});

/** What is wrong with the page as it is. */
async function judge(page: Page, where: string): Promise<string[]> {
  // The page's own policy lets no script in, and the debugger is not asked.
  await page.evaluate(AXE);
  const { violations } = (await page.evaluate("axe.run(document, { resultTypes: ['violations'] })")) as AxeResults;
  const found = violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, any }) => `${where}: ${id}: ${html.slice(0, 160)} ${any[0]?.message.slice(0, 160) ?? ""}`),
  );
  const [content = 0, screen = 0] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  if (content > screen) found.push(`${where}: ${content} wide on a screen of ${screen}`);
  return found;
}

const VIEWS: readonly (readonly [view: string, seen: string])[] = [
  ["overview", '[data-chart="Trouble"]'],
  ["hubs", '[data-hub="hub-1"]'],
  ["clients", '[data-client="bob"]'],
  ["clients/alice", '[data-life="open"]'],
  ["rooms", '[data-room="lobby"]'],
  ["rooms/lobby", ".said"],
  ["settings", "[data-limits]"],
];

for (const [device, options] of Object.entries({ desktop: DESKTOP, phone: PHONE })) {
  for (const colorScheme of ["light", "dark"] as const) {
    test(`${device}, ${colorScheme}: axe-core has nothing to say about any view`, async () => {
      const { page, problems } = await open(browser, { ...options, colorScheme });
      await page.goto(site.url);
      await page.getByLabel("API key", { exact: true }).waitFor();
      const found = await judge(page, "gate");
      await enter(page, site, KEY);
      for (const [view, seen] of VIEWS) {
        await page.goto(`${site.url}#/${view}`);
        await page.locator(seen).first().waitFor();
        found.push(...(await judge(page, view)));
      }
      await page.goto(`${site.url}#/clients`);
      await page.getByRole("button", { name: "Kick alice" }).click();
      await page.getByRole("dialog").waitFor();
      found.push(...(await judge(page, "dialog")));
      await page.keyboard.press("Escape");
      assert.deepEqual(found, []);
      assert.deepEqual(problems, []);
      await page.context().close();
    });
  }
}
