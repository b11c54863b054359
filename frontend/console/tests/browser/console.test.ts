/** The console in a real Chromium, over two real hubs, a real etcd and real clients. */
import assert from "node:assert/strict";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { Cluster, KEY, type Person, READER, talk, until } from "../cluster";
import { browse, enter, make, open, PHONE, type Site, serve } from "../site";

const CROWD = 120;
let cluster: Cluster;
let sites: Site[];
let browser: Browser;
let alice: Person;
const problems: string[] = [];

beforeAll(async () => {
  make();
  [cluster, browser] = await Promise.all([Cluster.start(), browse()]);
  sites = await Promise.all(cluster.hubs.map(serve));
  alice = await cluster.person("alice", 0, ["lobby", "team a&b"]);
  await cluster.person("alicia", 1, ["lobby"]);
  await Promise.all(Array.from({ length: CROWD }, (_, n) => cluster.person(`sensor-${String(n).padStart(3, "0")}`, n % 2, ["sensors"])));
});
afterEach(async () => {
  for (const context of browser.contexts()) await context.close();
  const found = problems.splice(0);
  assert.deepEqual(found, [], "the page complains of nothing");
});
afterAll(async () => {
  for (const site of sites ?? []) site.close();
  await browser?.close();
  await cluster?.stop();
});

/** A page that is signed in; what it complains of fails the test. */
async function console_(view = "", { key = KEY, phone = false, hub = 0 } = {}): Promise<Page> {
  const opened = await open(browser, phone ? PHONE : undefined);
  await enter(opened.page, sites[hub] as Site, key, view);
  await opened.page.getByRole("status").filter({ hasText: "live" }).waitFor();
  opened.page.on("close", () => problems.push(...opened.problems));
  return opened.page;
}

/** What a chart says its newest values are. */
const newest = (page: Page, chart: string) => page.getByRole("img", { name: new RegExp(`^${chart}:`) }).getAttribute("aria-label");

/** A figure out of `delivered 1.23K/s`. */
function figure(text: string | null, label: string): number {
  const [, digits = "NaN", unit = ""] = new RegExp(`${label} ([0-9.]+)([KM]?)`).exec(text ?? "") ?? [];
  return Number(digits) * ({ K: 1_000, M: 1_000_000 }[unit] ?? 1);
}

/** The chart's line as pixels. */
const pixels = (page: Page, chart: string) =>
  page.locator(`[data-chart="${chart}"] canvas`).evaluate((canvas) => (canvas as unknown as { toDataURL: () => string }).toDataURL());

test("a key is asked for once, and is in no address, no cookie, no lasting store and no log", async () => {
  const { page, said, problems: complaints, refusals } = await open(browser);
  const site = sites[0] as Site;
  await enter(page, site, "not-a-key-of-this-hub");
  await page.getByText("The hub does not know this key.").waitFor();
  assert.ok(refusals.includes(401));
  await page.getByLabel("API key", { exact: true }).fill(KEY);
  await page.getByRole("button", { name: "Open the console" }).click();
  await page.getByRole("heading", { name: "Overview" }).waitFor();
  await page.reload();
  await page.getByRole("heading", { name: "Overview" }).waitFor();
  assert.ok(!page.url().includes(KEY));
  assert.ok(site.requests.length > 10 && site.requests.every((request) => !request.includes(KEY)));
  assert.deepEqual(await page.context().cookies(), []);
  assert.equal(await page.evaluate(() => JSON.stringify(localStorage).includes("a-key")), false);
  assert.ok(said.every((line) => !line.includes(KEY)));
  assert.ok(!cluster.log("hub-0").includes(KEY));
  const other = await page.context().newPage();
  await other.goto(site.url);
  await other.getByLabel("API key", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Forget the key" }).click();
  await page.getByLabel("API key", { exact: true }).waitFor();
  assert.equal(await page.evaluate(() => sessionStorage.length), 0);
  assert.deepEqual(complaints, []);
});

test("both hubs are shown, ready, in cluster mode, on one configuration, and the one that serves the page is told apart", async () => {
  for (const hub of [0, 1]) {
    const page = await console_("#/hubs", { hub });
    const hashes = await Promise.all(
      ["hub-0", "hub-1"].map(async (node) => {
        const card = page.locator(`[data-hub="${node}"]`);
        await card.getByText("ready", { exact: true }).waitFor();
        return card.locator("code").textContent();
      }),
    );
    assert.match(hashes[0] ?? "", /^[0-9a-f]{16}$/);
    assert.equal(hashes[0], hashes[1]);
    await page.getByText("Cluster mode").waitFor();
    await page.locator(`[data-hub="hub-${hub}"]`).getByText("serves this page").waitFor();
    await page.getByText("The delivery canary goes the whole way").waitFor({ timeout: 60_000 });
    await page.getByText("Serves: its listener is up").waitFor();
  }
});

test("a client is found by the beginning of its name, its black box is told, it is kicked, and it knows", async () => {
  const bob = await cluster.person("bob the 1st", 1, ["lobby"]);
  await bob.client.publish("lobby", "hello");
  const page = await console_("#/clients");
  await page.getByLabel("Client begins with").fill("bob");
  const row = page.locator('[data-client="bob the 1st"]');
  await row.getByText("hub-1").waitFor();
  await expect.poll(() => page.locator("[data-client]").count()).toBe(1);
  await row.getByRole("link", { name: "bob the 1st" }).click();
  for (const text of ["Connected", "Entered lobby", "Published"]) await page.locator(".story").getByText(text, { exact: true }).waitFor();
  await page.getByRole("button", { name: "Kick", exact: true }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Kick", exact: true }).click();
  await page.getByText("1 connection was closed.").waitFor();
  await until("bob hears of it", () => bob.closed.length > 0);
  assert.equal(bob.closed[0]?.code, 4500);
  assert.equal(bob.client.state, "closed");
  await page.getByRole("button", { name: "Done" }).click();
  await page
    .locator('[data-life="ended"]')
    .getByText(/^Closed by the hub, 4500/)
    .waitFor();
  await page.getByText("closed, 4500").waitFor();
});

test("a long list comes in pages, forward and back, and is narrowed by name, room and hub", async () => {
  const page = await console_("#/clients");
  const names = async () => page.locator("[data-client]").evaluateAll((rows) => rows.map((row) => row.getAttribute("data-client")));
  const next = page.getByRole("button", { name: "Next" });
  const seen: (string | null)[] = [];
  for (let n = 1; ; n++) {
    await page.getByText(new RegExp(`Page ${n}, [0-9]+ shown`)).waitFor();
    seen.push(...(await names()));
    if (await next.isDisabled()) break;
    await next.click();
  }
  assert.equal(seen.length, CROWD + 2);
  assert.deepEqual(seen, [...new Set(seen)].sort());
  await page.getByRole("button", { name: "Back" }).click();
  await page.getByText("Page 2, 50 shown").waitFor();
  await page.getByLabel("Client begins with").fill("ali");
  await expect.poll(names).toEqual(["alice", "alicia"]);
  await page.getByLabel("In room").fill("team a&b");
  await expect.poll(names).toEqual(["alice"]);
  await page.getByLabel("In room").fill("");
  await page.getByRole("combobox", { name: "On hub" }).click();
  await page.getByRole("option", { name: "hub-1" }).click();
  await expect.poll(names).toEqual(["alicia"]);
  await page.getByLabel("Client begins with").fill("nobody");
  await page.getByText("Nobody who fits is connected.").waitFor();
});

test("a room shows who is in it on all hubs and what was said last", async () => {
  await alice.client.publish("team a&b", { text: "only here" });
  const page = await console_("#/rooms");
  await page.getByLabel("Room begins with").fill("team a&b");
  await page.getByRole("link", { name: "team a&b" }).click();
  await page.getByText("1 client in it").waitFor();
  await page.getByText("only here").waitFor();
  await page.goto(`${(sites[0] as Site).url}#/rooms/lobby`);
  for (const name of ["alice", "alicia"]) await page.locator("main").getByRole("link", { name, exact: true }).first().waitFor();
});

test("charts move under traffic and come to rest after it", async () => {
  const page = await console_();
  await until("there is a line", async () => figure(await newest(page, "Connections"), "hub-0") > 60);
  const before = await pixels(page, "Messages");
  const speaker = await cluster.person("speaker", 0, ["sensors"]);
  const stop = talk(speaker, "sensors", 20);
  await until("the rate is seen", async () => figure(await newest(page, "Messages"), "delivered") > 200);
  await until("the latency is seen", async () => /99 % [0-9.]+ (µs|ms|s),/.test((await newest(page, "Delivery latency")) ?? ""));
  assert.match((await newest(page, "Way through the bus")) ?? "", /write, 99 % [0-9.]+ ms/);
  assert.notEqual(await pixels(page, "Messages"), before);
  assert.match((await page.locator('[data-tile="Delivered"] [data-value]').textContent()) ?? "", /\/s$/);
  await stop();
  speaker.client.close();
  await until("it is quiet again", async () => figure(await newest(page, "Messages"), "delivered") < 20);
});

test("limits are shown, a change is judged by the hub, and one that is put into the file is seen", async () => {
  const page = await console_("#/settings");
  const rate = page.getByLabel("message_rate", { exact: true });
  assert.equal(await rate.inputValue(), "5000");
  await rate.fill("-5");
  await page.getByText("a whole number").waitFor();
  await rate.fill("77");
  await page.getByRole("button", { name: "Have it judged" }).click();
  await page.getByText("The hub would take this").waitFor();
  await page.getByText("5000 → 77").waitFor();
  // What one's own rules cannot know: the hub refuses it, and names the field.
  await page.getByLabel("max_message", { exact: true }).fill("100MiB");
  await page.getByRole("button", { name: "Have it judged" }).click();
  await page.getByText("The hub would refuse this").waitFor();
  await page.getByRole("button", { name: "Forget it" }).click();
  assert.equal(await rate.inputValue(), "5000");
  const hash = await page.locator(".facts code").first().textContent();
  cluster.configure({ limits: { message_rate: 77 } });
  await until("the new value counts", async () => (await rate.inputValue()) === "77");
  assert.notEqual(await page.locator(".facts code").first().textContent(), hash);
  cluster.configure({});
  await until("the old value counts", async () => (await rate.inputValue()) === "5000");
});

test("the log level is changed on the running hub", async () => {
  const page = await console_("#/settings");
  await page.getByRole("combobox", { name: "Level of this hub's log" }).click();
  await page.getByRole("option", { name: "debug" }).click();
  await until("the hub logs more", async () => {
    const response = await fetch(`${cluster.hubs[0]?.admin}/api/v1/log-level`, { headers: { authorization: `Bearer ${KEY}` } });
    return ((await response.json()) as { level: string }).level === "debug";
  });
});

test("a key that only looks on sees what it may, and is told what it may not", async () => {
  const { page, problems: complaints, refusals } = await open(browser);
  await enter(page, sites[0] as Site, READER, "#/clients");
  await page.getByRole("button", { name: "Kick alice" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Kick", exact: true }).click();
  await page.getByText("this API key does not open this call").waitFor();
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.getByRole("navigation").getByRole("link", { name: "Settings" }).click();
  await page.getByText("This key does not open it").waitFor();
  await page.getByRole("navigation").getByRole("link", { name: "Overview" }).click();
  await until("figures come", async () => figure(await newest(page, "Connections"), "hub-0") > 1);
  assert.equal(alice.closed.length, 0);
  assert.ok(refusals.includes(403));
  assert.deepEqual(complaints, []);
});

test("keyboard alone: in, to a client, the dialog and out of it again", async () => {
  const { page } = await open(browser);
  await page.goto((sites[0] as Site).url);
  await page.getByLabel("API key", { exact: true }).waitFor();
  await page.keyboard.type(KEY);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Overview" }).waitFor();
  const to = async (name: string) => {
    for (let n = 0; n < 40; n++) {
      await page.keyboard.press("Tab");
      if ((await page.evaluate(() => document.activeElement?.getAttribute("aria-label") || document.activeElement?.textContent)) === name)
        return;
    }
    assert.fail(`${name} cannot be reached`);
  };
  await to("Clients");
  await page.keyboard.press("Enter");
  await page.locator('[data-client="alice"]').waitFor();
  await to("Kick alice");
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "hidden" });
  await expect.poll(() => page.evaluate(() => document.activeElement?.getAttribute("aria-label"))).toBe("Kick alice");
});

// The last: one of the hubs is gone after it.
test("a hub is drained from its console: its clients go on at the other one, and the page says that it is gone", async () => {
  const page = await console_("#/hubs", { hub: 1 });
  const carol = await cluster.person("carol", 1, ["lobby"], { roams: true });
  assert.deepEqual(carol.welcomes, ["hub-1"]);
  await page.getByRole("button", { name: "Drain this hub" }).click();
  await page.getByRole("button", { name: "Drain it" }).click();
  await page.getByText("It drains.").waitFor();
  await until("carol is on the other hub", () => carol.welcomes.includes("hub-0"));
  await page.getByRole("status").filter({ hasText: "no answer" }).waitFor({ timeout: 60_000 });
  // That nobody answers is an error to the browser.
  page.removeAllListeners("close");
});
