/** The chat as people use it, in a real Chromium against a real hub: what is said, who is there, what was said before. */
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { Hub, until } from "../../../../sdk/js/tests/hub.js";
import { Stage } from "./stage.js";

let stage: Stage;
let hub: Hub;

beforeAll(async () => {
  hub = await Hub.start({ rooms: { defaults: { presence_changes: true } } });
  stage = await Stage.start(`http://127.0.0.1:${hub.port}`);
});
afterEach(() => stage.clear());
afterAll(async () => {
  await stage?.stop();
  await hub?.stop();
});

test("the page finds the hub beside it, two people talk, and each line is ticked once the hub has it", async () => {
  const anna = await (await stage.guest("anna", undefined)).comesIn("lobby");
  const bert = await (await stage.guest("bert", undefined)).comesIn("lobby");
  await anna.says("hello, bert");
  await bert.sees("hello, bert");
  await bert.says("<b>hello</b> anna, see https://example.com/x?y=1.");
  await anna.sees("hello, bert");
  await anna.isDone();
  await bert.isDone();
  await until("the answer is there", async () => (await anna.lines()).length === 2);
  expect(await anna.lines()).toEqual([
    { from: "You", text: "hello, bert", delivery: "sent" },
    { from: "bert", text: "<b>hello</b> anna, see https://example.com/x?y=1.", delivery: "received" },
  ]);
  expect(await anna.page.locator(".bubble a").getAttribute("href")).toBe("https://example.com/x?y=1");
  expect(await anna.page.locator(".tick").textContent()).toContain("sent");
});

test("who comes and goes is seen in the list and between the lines", async () => {
  const anna = await (await stage.guest("anna", hub.url)).comesIn("door");
  const people = anna.page.getByRole("complementary");
  await people.getByText("Nobody else is here yet").waitFor();
  const bert = await (await stage.guest("bert", hub.url)).comesIn("door");
  await people.getByRole("button", { name: "Write to bert alone" }).waitFor();
  await anna.log.getByText("bert came in").waitFor();
  await bert.page.getByRole("button", { name: "Leave this room" }).click();
  await people.getByText("Nobody else is here yet").waitFor();
  expect(await anna.log.getByText("bert came in").count(), "who came and went at once did neither").toBe(0);
});

test("rooms are created, told apart by what is unread, and left", async () => {
  const anna = await (await stage.guest("anna", hub.url)).comesIn("one");
  await anna.page.getByRole("button", { name: "Enter or create a room" }).click();
  await anna.page.getByLabel("Name of the room").fill("a/b");
  await anna.page.getByRole("button", { name: "Enter", exact: true }).click();
  await anna.page.getByText("A name has no slash in it").waitFor();
  await anna.page.getByLabel("Name of the room").fill("two");
  await anna.page.keyboard.press("Enter");
  await anna.page.getByRole("main", { name: "Room two" }).waitFor();
  // A link to a room, opened in the same page.
  await anna.page.evaluate(() => window.location.assign("#tea%20%26%20cake"));
  await anna.page.getByRole("main", { name: "Room tea & cake" }).waitFor();
  await anna.page.getByText("Nobody else is here yet").waitFor();
  await anna.page.goBack();
  await anna.page.getByRole("main", { name: "Room two" }).waitFor();
  const bert = await (await stage.guest("bert", hub.url)).comesIn("one");
  await bert.says("still there?");
  const one = anna.page.getByRole("navigation").getByRole("button", { name: /^one/ });
  await anna.page.getByRole("button", { name: /one.*1 unread/ }).waitFor();
  expect(await anna.page.title()).toBe("(1) gohub chat");
  await one.click();
  await anna.sees("still there?");
  await anna.log.getByText("New", { exact: true }).waitFor();
  expect(await anna.page.title()).toBe("gohub chat");
  await anna.page.getByRole("button", { name: "Leave this room" }).click();
  await one.waitFor({ state: "detached" });
  await bert.page.getByText("Nobody else is here yet").waitFor();
});

test("who comes late gets the history, and can ask for what came before that", async () => {
  const anna = await (await stage.guest("anna", hub.url)).comesIn("story");
  for (let n = 0; n < 70; n++) await hub.call("POST", "rooms/story/messages", { data: { text: `chapter ${n}` } });
  await anna.sees("chapter 69");
  const late = await (await stage.guest("late", hub.url)).comesIn("story");
  await late.sees("chapter 69");
  // Who came in stands in the history, too, and counts for the page of 50.
  expect((await late.lines()).length).toBeGreaterThan(40);
  expect((await late.lines()).length).toBeLessThanOrEqual(50);
  await late.page.getByRole("button", { name: "Show earlier messages" }).click();
  await late.log.getByText("This is where story begins.").waitFor();
  expect((await late.lines()).map(({ text }) => text)).toEqual(Array.from({ length: 70 }, (_, n) => `chapter ${n}`));
});
