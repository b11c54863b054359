/** What the page says and does when things fail, in a real Chromium against a real hub. */
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { Hub, until } from "../../../../sdk/js/tests/hub.js";
import { Stage, Wire } from "./stage.js";

let stage: Stage;
let hub: Hub;

beforeAll(async () => {
  hub = await Hub.start({
    rooms: { defaults: { presence_changes: true } },
    // So that a client on a wire that stands still soon counts as slow, and is not cut off for it.
    server: { send_buffer: "8KiB", write_timeout: "2m" },
    limits: { max_message: "16KiB" },
    slow_client: { max_pending: "16KiB", max_age: "1s" },
  });
  stage = await Stage.start();
});
afterEach(async () => {
  // A test that fails while its hub is dead takes no other with it.
  await hub.call("GET", "nodes").catch(() => hub.restart());
  await stage.clear();
});
afterAll(async () => {
  await stage?.stop();
  await hub?.stop();
});

test("without a hub the page says so in plain words, keeps what is written, and sends it when there is one again", async () => {
  const anna = await (await stage.guest("anna", hub.url)).comesIn("patience");
  const bert = await (await stage.guest("bert", hub.url)).comesIn("patience");
  await anna.says("before");
  await bert.sees("before");
  await hub.signal("SIGKILL");
  await anna.banner.getByText("Connection lost").waitFor();
  await anna.banner.getByText(/Trying again (now|in \d+ seconds?)\. What you write is kept and sent then\./).waitFor();
  await anna.says("during");
  await anna.says("during, too");
  expect((await anna.lines()).map(({ delivery }) => delivery)).toEqual(["sent", "waiting", "waiting"]);
  // A reload loses neither the room nor what waits.
  await anna.page.reload();
  await until("they wait still", async () => (await anna.lines()).filter(({ delivery }) => delivery === "waiting").length === 2);
  await hub.restart();
  for (const guest of [anna, bert]) {
    const now = guest.banner.getByRole("button", { name: "Connect now" });
    await now.click({ timeout: 2_000 }).catch(() => {});
  }
  await anna.isDone();
  await bert.sees("during, too");
  await bert.log.getByText(/the hub started anew/).waitFor();
  expect((await bert.lines()).map(({ text }) => text)).toEqual(["before", "during", "during, too"]);
  await bert.banner.waitFor({ state: "hidden" });
});

test("a gap is told, and filled from the history", async () => {
  const { wire, url } = await Wire.to(hub.port);
  const slow = await (await stage.guest("slow", url)).comesIn("flood");
  await hub.call("POST", "rooms/flood/messages", { data: { text: "the first" } });
  await slow.sees("the first");
  wire.stop();
  const long = "x".repeat(4_000);
  for (let n = 0; n < 400; n++) await hub.call("POST", "rooms/flood/messages", { data: { text: `${n} ${long}` } });
  await until("the hub gave up on it", async () => {
    const why = JSON.stringify(await hub.call("GET", "clients/slow/why"));
    return why.includes("gap") || why.includes("slow");
  });
  wire.go();
  await slow.log.getByText(/did not come at first: the connection was too slow to keep up.*nothing is missing/).waitFor();
  await until("all lines", async () => (await slow.lines()).length === 401);
  const numbers = (await slow.lines()).slice(1).map(({ text }) => Number(text.split(" ")[0]));
  expect(numbers).toEqual(Array.from({ length: 400 }, (_, n) => n));
  wire.end();
});

test("a line that fails says why, and is sent once when it is tried again", async () => {
  const anna = await (await stage.guest("anna", hub.url)).comesIn("retry");
  await anna.page.getByRole("button", { name: "Write to somebody" }).click();
  await anna.page.getByLabel("Name of the person").fill("zoe");
  await anna.page.keyboard.press("Enter");
  await anna.says("are you there?");
  await anna.page.getByText("zoe is not here at the moment.").waitFor();
  await (await stage.guest("zoe", hub.url)).comesIn("elsewhere").then(async (zoe) => {
    await anna.page.getByRole("button", { name: "Try again" }).click();
    await anna.isDone();
    await zoe.page.getByRole("button", { name: /anna.*1 unread/ }).click();
    await zoe.sees("are you there?");
    expect(await zoe.lines()).toEqual([{ from: "anna", text: "are you there?", delivery: "received" }]);
  });
});

test("whoever is thrown out is told, and may knock again", async () => {
  const anna = await (await stage.guest("anna", hub.url)).comesIn("kicked");
  await hub.call("DELETE", "clients/anna");
  await anna.banner.getByText("You were asked to leave by whoever runs this hub.").waitFor();
  await anna.says("let me in");
  await anna.banner.getByRole("button", { name: "Connect now" }).click();
  await anna.isDone();
  expect((await anna.lines()).map(({ text, delivery }) => `${text}: ${delivery}`)).toEqual(["let me in: sent"]);
});
