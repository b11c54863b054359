/** For everybody: by the keyboard alone, and with axe looking at every screen, in a real Chromium. */
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { Hub } from "../../../../sdk/js/tests/hub.js";
import { DESKTOP, PHONE, Stage } from "./stage.js";

let stage: Stage;
let hub: Hub;

beforeAll(async () => {
  hub = await Hub.start({ rooms: { defaults: { presence_changes: true } } });
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

test("everything is reached by the keyboard alone", async () => {
  const anna = await stage.guest("", hub.url);
  const { keyboard } = anna.page;
  const focused = () =>
    anna.page.evaluate(() => document.activeElement?.getAttribute("aria-label") ?? document.activeElement?.textContent ?? "");
  const tabTo = async (name: RegExp) => {
    for (let n = 0; n < 40; n++) {
      await keyboard.press("Tab");
      if (name.test(await focused())) return;
    }
    throw new Error(`the keyboard does not reach ${name}`);
  };
  await anna.page.getByLabel("Your name").focus();
  await keyboard.type("anna");
  await keyboard.press("Enter");
  await anna.page.getByRole("main", { name: "Room lobby" }).waitFor();
  // One comes in where one writes.
  await keyboard.type("by hand");
  await keyboard.press("Enter");
  await anna.isDone();
  for (const name of [
    /Messages in lobby/,
    /Go out/,
    /details of the connection/,
    /Enter or create a room/,
    /Write to somebody/,
    /Leave this room/,
  ]) {
    await tabTo(name);
  }
  await tabTo(/Enter or create a room/);
  await keyboard.press("Enter");
  await anna.page.getByRole("dialog").waitFor();
  await keyboard.type("second");
  await keyboard.press("Enter");
  await anna.page.getByRole("main", { name: "Room second" }).waitFor();
  await tabTo(/details of the connection/);
  await keyboard.press("Enter");
  await anna.page.getByText("Last heartbeat").waitFor();
  await keyboard.press("Escape");
  await anna.page.getByText("Last heartbeat").waitFor({ state: "detached" });
});

for (const colorScheme of ["light", "dark"] as const) {
  test(`axe finds nothing wrong, ${colorScheme}, on a desktop and on a phone`, async () => {
    // Without motion: what fades in has no contrast yet.
    const look = { colorScheme, reducedMotion: "reduce" } as const;
    const anna = await stage.guest("anna", hub.url, { ...DESKTOP, ...look });
    expect(await anna.violations(), "the door").toEqual([]);
    await anna.page.getByRole("button", { name: "Connection" }).click();
    await anna.page.getByLabel("Address of the hub").fill("nonsense");
    expect(await anna.violations(), "the door, with a fault in the form").toEqual([]);
    await anna.page.getByLabel("Address of the hub").fill(hub.url);
    const room = `axe ${colorScheme}`;
    await anna.comesIn(room);
    const phone = await (await stage.guest("phone", hub.url, { ...PHONE, ...look })).comesIn(room);
    await phone.says("a line of mine");
    await anna.sees("a line of mine");
    await anna.says("and one of others with https://example.com/");
    await phone.sees("a line of mine");
    await anna.page.getByRole("button", { name: "Write to phone alone" }).click();
    await anna.says("psst");
    await anna.isDone();
    for (const guest of [anna, phone]) expect(await guest.violations(), `the conversation of ${guest.name}`).toEqual([]);
    await phone.page.getByRole("button", { name: "Who is here" }).click();
    await phone.page.getByRole("dialog").waitFor();
    expect(await phone.violations(), "the people, on a phone").toEqual([]);
    await phone.page.keyboard.press("Escape");
    await phone.page.getByRole("button", { name: "Back to the list" }).click();
    await phone.page.getByRole("button", { name: "Enter or create a room" }).waitFor();
    expect(await phone.violations(), "the list, on a phone").toEqual([]);
    await phone.page.getByRole("button", { name: "Enter or create a room" }).click();
    await phone.page.getByRole("dialog").waitFor();
    expect(await phone.violations(), "the dialog, on a phone").toEqual([]);
    await anna.page
      .getByRole("button", { name: /details of the connection/ })
      .locator("visible=true")
      .first()
      .click();
    await anna.page.getByText("Last heartbeat").waitFor();
    expect(await anna.violations(), "the details").toEqual([]);
    await anna.page.keyboard.press("Escape");
    await anna.page
      .getByRole("navigation")
      .getByRole("button", { name: new RegExp(`^${room}`) })
      .click();
    await hub.signal("SIGKILL");
    await anna.banner.getByText("Connection lost").waitFor();
    await anna.says("a line that waits");
    expect(await anna.violations(), "without a connection").toEqual([]);
    await hub.restart();
    await anna.log.getByText(/the hub started anew/).waitFor();
    await anna.isDone();
    expect(await anna.violations(), "back again, with a gap").toEqual([]);
  });
}
