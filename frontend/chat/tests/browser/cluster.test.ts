/** Two people on two hubs over a real etcd. Hubs are drained and killed under them, and nobody loses a line. */
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { Etcd, type Hub, until } from "../../../../sdk/js/tests/hub.js";
import { type Guest, Stage } from "./stage.js";

let stage: Stage;
let etcd: Etcd;
let hubs: [Hub, Hub];

beforeAll(async () => {
  etcd = await Etcd.start();
  const rooms = { defaults: { presence_changes: true } };
  // A drained client waits for its slot for a moment, so that what is written meanwhile is seen to be kept.
  hubs = (await etcd.hubs(2, { rooms, drain: { settle: "0s", deadline: "10s", reconnect_spread: "1500ms" } })) as [Hub, Hub];
  stage = await Stage.start();
});
afterEach(() => stage.clear());
afterAll(async () => {
  await stage?.stop();
  await Promise.all((hubs ?? []).map((hub) => hub.stop()));
  etcd?.stop();
});

/** Somebody in this room on that hub; which one it is, chance decides. */
async function guestOn(node: string, name: string, room: string): Promise<Guest> {
  const guest = await stage.guest(
    name,
    hubs.map(({ url }) => url),
  );
  await guest.comesIn(room);
  for (let tries = 0; (await guest.hub()) !== node; tries++) {
    if (tries === 30) throw new Error(`${name} never came to ${node}`);
    await guest.page.reload();
    await guest.page.locator(".connection[data-tone=good]").first().waitFor();
  }
  return guest;
}

/** Says numbered lines until it is told to stop, and gives back how many. */
function talk(guest: Guest): () => Promise<number> {
  let talking = true;
  const done = (async () => {
    let n = 0;
    for (; talking; n++) {
      await guest.says(`${guest.name} ${n}`);
      await guest.page.waitForTimeout(60);
    }
    return n;
  })();
  return () => {
    talking = false;
    return done;
  };
}

const upTo = (name: string, count: number) => Array.from({ length: count }, (_, n) => `${name} ${n}`);

test("two people talk over two hubs, one hub is drained, then the other is killed: nobody loses a line, and both see the same order", async () => {
  const anna = await guestOn("hub-0", "anna", "harbour");
  const bert = await guestOn("hub-1", "bert", "harbour");
  const stops = [anna, bert].map(talk);
  await anna.sees("bert 3");
  await bert.sees("anna 3");

  // SIGTERM is a drain: the hub says so, and the page too.
  await hubs[0].signal("SIGTERM");
  await anna.banner.getByText("Changing hubs").waitFor();
  await anna.log.getByText(/Back on hub-1 after .*, nothing missed/).waitFor();
  await until("the drained hub has ended", () => {
    return hubs[0].call("GET", "nodes").then(
      () => false,
      () => true,
    );
  });
  await hubs[0].restart();

  // Now both are on the second one.
  await hubs[1].signal("SIGKILL");
  for (const guest of [anna, bert]) {
    await guest.banner.getByText(/Connection lost|Reconnecting|Back again/).waitFor();
    await guest.log.getByText(/Back on hub-0 after .*, nothing missed/).waitFor();
  }
  const counts = await Promise.all(stops.map((stop) => stop()));
  for (const guest of [anna, bert]) await guest.isDone();
  const [all = 0, theirs = 0] = counts;
  await anna.sees(`bert ${theirs - 1}`);
  await bert.sees(`anna ${all - 1}`);

  const texts = async (guest: Guest) => (await guest.lines()).map(({ text }) => text);
  const [atAnna, atBert] = [await texts(anna), await texts(bert)];
  expect(atAnna, "the same order").toEqual(atBert);
  for (const [guest, count] of [
    [anna, all],
    [bert, theirs],
  ] as const) {
    expect(
      atAnna.filter((text) => text.startsWith(guest.name)),
      "every line, in order, once",
    ).toEqual(upTo(guest.name, count));
    expect((await guest.lines()).map(({ delivery }) => delivery).includes("failed")).toBe(false);
    expect(await guest.page.locator(".notice-gap").count(), "no gap").toBe(0);
  }
  await hubs[1].restart();
});

test("a private message to somebody on another hub arrives there, and nowhere else", async () => {
  const anna = await guestOn("hub-0", "anna", "quay");
  const bert = await guestOn("hub-1", "bert", "quay");
  const carl = await guestOn("hub-1", "carl", "quay");
  await anna.page.getByRole("button", { name: "Write to bert alone" }).click();
  await anna.says("for you alone");
  await anna.isDone();
  await bert.page.getByRole("button", { name: /anna.*1 unread/ }).click();
  await bert.sees("for you alone");
  await bert.says("thank you");
  await anna.sees("thank you");
  await carl.says("hello all");
  await carl.isDone();
  expect((await carl.lines()).map(({ text }) => text)).toEqual(["hello all"]);
  expect(await carl.page.getByRole("button", { name: /unread/ }).count()).toBe(0);
});
