/** A real Chromium: two pages talk in both forms, one loses its hub, one is frozen, and nobody loses a word. */
import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { type Browser, chromium, type Page } from "playwright-core";
import type * as gohub from "../src/index.js";
import { Hub, until } from "./hub.js";

/** What a page has: the library, its client and what it heard. */
interface Window {
  gohub: typeof gohub;
  client: gohub.Client;
  heard: unknown[];
  states: string[];
  recovered: boolean[];
}
declare const window: Window;

const PROGRAM = process.env.CHROMIUM ?? "/usr/bin/chromium";
let hub: Hub;
let browser: Browser;
let server: Server;

before(async () => {
  const entryPoints = [fileURLToPath(new URL("../src/index.ts", import.meta.url))];
  const options = { bundle: true, format: "iife", globalName: "gohub", write: false, target: "es2022" } as const;
  const { outputFiles } = await build({ entryPoints, ...options });
  const page = `<!doctype html><meta charset="utf-8"><title>gohub</title><script>${outputFiles[0]?.text};window.gohub = gohub</script>`;
  server = createServer((_, response) => response.setHeader("content-type", "text/html").end(page)).listen(0, "127.0.0.1");
  hub = await Hub.start({ heartbeat: { interval: "1s", timeout: "2s" } });
  browser = await chromium.launch({ executablePath: PROGRAM, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
});
after(async () => {
  await browser.close();
  server.close();
  await hub.stop();
});

async function open(clientId: string, form: "json" | "cbor"): Promise<{ page: Page; problems: string[] }> {
  const page = await browser.newPage();
  const problems: string[] = [];
  page.on("pageerror", (error) => problems.push(String(error)));
  await page.goto(`http://127.0.0.1:${(server.address() as { port: number }).port}/`);
  await page.evaluate(
    async ([url, clientId, form]) => {
      const client = new window.gohub.Client({ url, clientId, form: window.gohub[form] });
      Object.assign(window, { client, heard: [], states: [], recovered: [] });
      client.on("message", ({ data }) => window.heard.push(data instanceof Uint8Array ? [...data] : data));
      client.on("state", (state) => window.states.push(state));
      client.on("welcome", ({ recovered }) => window.recovered.push(recovered));
      await client.connect();
      await client.join("page");
    },
    [hub.url, clientId, form] as const,
  );
  return { page, problems };
}

const say = (page: Page, data: unknown) => page.evaluate((data) => window.client.publish("page", data), data);
const heard = (page: Page) => page.evaluate(() => window.heard);

test("two pages of a real Chromium talk in both forms, through the death of their hub", async () => {
  const [anna, bert] = [await open("anna", "json"), await open("bert", "cbor")];
  await say(anna.page, { text: "größer 你好 🚀" });
  await bert.page.evaluate(() => window.client.publish("page", Uint8Array.of(0, 255)));
  for (const { page } of [anna, bert]) {
    await until("both are heard", async () => (await heard(page)).length === 2);
    assert.deepEqual(await heard(page), [{ text: "größer 你好 🚀" }, [0, 255]]);
  }
  await hub.signal("SIGKILL");
  await until("they notice", () => anna.page.evaluate(() => window.client.state === "waiting"));
  const later = say(anna.page, "said without a hub");
  await hub.restart();
  await later;
  await until("bert is back in the room", () => bert.page.evaluate(() => window.client.rooms.includes("page")));
  await say(anna.page, "said with it again");
  await until("bert hears it", async () => (await heard(bert.page)).includes("said with it again"));
  assert.deepEqual([anna.problems, bert.problems], [[], []]);
  for (const { page } of [anna, bert]) await page.close();
});

test("a page that was frozen for longer than the hub waits goes on where it was", async () => {
  const [frozen, awake] = [await open("frozen", "json"), await open("awake", "json")];
  const session = await frozen.page.context().newCDPSession(frozen.page);
  await session.send("Page.setWebLifecycleState", { state: "frozen" });
  const began = Date.now();
  for (let n = 0; Date.now() - began < 6_000; n++) await say(awake.page, n);
  await say(awake.page, "last");
  await session.send("Page.setWebLifecycleState", { state: "active" });
  await until("it hears the last", async () => (await heard(frozen.page)).includes("last"));
  const [there, here] = [await heard(awake.page), await heard(frozen.page)];
  assert.deepEqual(here, there, "every word, in order, once");
  assert.ok((await frozen.page.evaluate(() => window.recovered)).slice(1).every(Boolean));
  for (const { page } of [frozen, awake]) await page.close();
});
