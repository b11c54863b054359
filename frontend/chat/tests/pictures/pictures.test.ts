/** Pictures of the chat on a desktop and on a phone, light and dark, for the documents: npm run pictures -w chat. */
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, test } from "vitest";
import { Etcd, type Hub, until } from "../../../../sdk/js/tests/hub.js";
import { type Guest, PHONE, Stage } from "../browser/stage.js";

const FOLDER = fileURLToPath(new URL("../../docs/", import.meta.url));
const ROOM = "night shift";
let stage: Stage;
let etcd: Etcd;
let hubs: Hub[];

beforeAll(async () => {
  etcd = await Etcd.start();
  hubs = await etcd.hubs(2, {
    rooms: { defaults: { presence_changes: true } },
    drain: { settle: "0s", deadline: "20s", reconnect_spread: "6s" },
  });
  stage = await Stage.start();
});
afterAll(async () => {
  await stage?.clear();
  await stage?.stop();
  await Promise.all((hubs ?? []).map((hub) => hub.stop()));
  etcd?.stop();
});

const urls = () => hubs.map(({ url }) => url);

async function picture(guest: Guest, name: string): Promise<void> {
  // The pointer shows nothing, and the box does not blink.
  await guest.page.mouse.move(0, 0);
  await guest.page.screenshot({ path: `${FOLDER}${name}.png`, animations: "disabled", caret: "hide" });
}

/** What is said, by whom. */
const SCRIPT: [string, string][] = [
  ["mira", "Evening all. I am taking the pager from Tom in ten minutes."],
  ["tom", "Good. Two things are open: the export of the harbour sensors, and the new certificate."],
  ["tom", "Notes are here: https://wiki.example.com/handover/harbour"],
  ["jonas", "The certificate is mine. It is rolled out on two of three sites."],
  ["mira", "Thanks, that is all I need. Anything about the sensors I should know?"],
  ["tom", "Only that number 14 sends nothing between 2 and 3. It sleeps.\nWake it up before you believe its battery."],
];

test("pictures", async () => {
  const [mira, tom, jonas] = [await stage.guest("mira", urls()), await stage.guest("tom", urls()), await stage.guest("jonas", urls())];
  const cast: Record<string, Guest> = { mira, tom, jonas };
  await picture(mira, "door-desktop");
  for (const guest of Object.values(cast)) await guest.comesIn(ROOM);
  const phone = await stage.guest("jonas t.", urls(), { ...PHONE, colorScheme: "dark" });
  await picture(phone, "door-phone-dark");
  await phone.comesIn(ROOM);
  for (const [name, text] of SCRIPT) {
    await cast[name]?.says(text);
    await mira.sees(text.split("\n")[0] ?? text).catch(() => {});
  }
  for (const room of ["harbour", "coffee"]) {
    await mira.page.getByRole("button", { name: "Enter or create a room" }).click();
    await mira.page.getByLabel("Name of the room").fill(room);
    await mira.page.keyboard.press("Enter");
    await mira.page.getByRole("main", { name: `Room ${room}` }).waitFor();
    await mira.says(room === "coffee" ? "The machine on the second floor works again." : "Sensor 14 is awake.");
  }
  await jonas.page.getByRole("button", { name: "Write to mira alone" }).click();
  await jonas.says("Shall I stay until you are settled?");
  await phone.says("Same room, from the train. Nothing lost in the tunnel.");
  await mira.page
    .getByRole("navigation")
    .getByRole("button", { name: new RegExp(`^${ROOM}`) })
    .click();
  await mira.sees("Same room, from the train. Nothing lost in the tunnel.");
  await mira.says("Perfect. Then good night, Tom.");
  await mira.isDone();
  await until("the answer is timed", async () => (await mira.page.locator(".connection-took").count()) > 0);
  await picture(mira, "room-desktop");
  await phone.sees("Perfect. Then good night, Tom.");
  await picture(phone, "room-phone-dark");

  await mira.page
    .getByRole("button", { name: /details of the connection/ })
    .locator("visible=true")
    .first()
    .click();
  await mira.page.locator(".pulse").waitFor();
  await picture(mira, "connection-desktop");
  await mira.page.keyboard.press("Escape");
  await mira.page.emulateMedia({ colorScheme: "dark" });
  await picture(mira, "room-desktop-dark");

  await phone.page.getByRole("button", { name: "Back to the list" }).click();
  await phone.page.emulateMedia({ colorScheme: "light" });
  await picture(phone, "list-phone");
  await phone.page
    .getByRole("navigation")
    .getByRole("button", { name: new RegExp(`^${ROOM}`) })
    .click();

  // Both hubs go: the first by a drain, the second at once.
  const node = (await phone.hub()) === "hub-0" ? 0 : 1;
  await hubs[node]?.signal("SIGTERM");
  await phone.banner.getByText("Changing hubs").waitFor();
  await picture(phone, "drain-phone");
  await phone.log.getByText(/Back on hub/).waitFor();
  await phone.banner.getByText("Back again").waitFor();
  await picture(phone, "back-phone");
  await hubs[1 - node]?.signal("SIGKILL");
  await mira.banner.getByText(/Connection lost/).waitFor();
  await mira.says("I write this without a connection. It waits.");
  await mira.banner.getByText(/Trying again in/).waitFor();
  await picture(mira, "lost-desktop-dark");
  await phone.says("Me too. It goes when there is a hub again.");
  await phone.banner.getByText(/Trying again in/).waitFor();
  await picture(phone, "lost-phone");
});
