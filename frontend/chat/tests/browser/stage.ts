/** A real Chromium with the built page in it, people who use it as people do, and a wire that can be stopped. */
import { createServer, type Server, type Socket } from "node:net";
import { fileURLToPath } from "node:url";
import axe from "axe-core";
import { type Browser, type BrowserContextOptions, chromium, type Locator, type Page } from "playwright-core";
import { type PreviewServer, preview } from "vite";
import { expect } from "vitest";
import { PATIENCE_MS, until } from "../../../../sdk/js/tests/hub.js";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
/** A desktop and a phone. */
export const DESKTOP = { viewport: { width: 1440, height: 900 } } as const;
export const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 } as const;

/** The built page, served, and a browser to look at it. */
export class Stage {
  readonly #people: Guest[] = [];

  private constructor(
    readonly address: string,
    private readonly server: PreviewServer,
    private readonly browser: Browser,
  ) {}

  /** Serves the page, `/ws` beside it passed on to `hub`. */
  static async start(hub?: string): Promise<Stage> {
    const proxy: Record<string, { target: string; ws: true }> = hub === undefined ? {} : { "/ws": { target: hub, ws: true } };
    const server = await preview({ root: ROOT, logLevel: "error", preview: { host: "127.0.0.1", port: 0, strictPort: false, proxy } });
    const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
    const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
    const { port } = server.httpServer.address() as { port: number };
    return new Stage(`http://127.0.0.1:${port}/`, server, browser);
  }

  /** Somebody in front of the door. */
  async guest(name: string, hub: string | readonly string[] | undefined, options: BrowserContextOptions = DESKTOP): Promise<Guest> {
    const context = await this.browser.newContext({ locale: "en-GB", timezoneId: "UTC", colorScheme: "light", ...options });
    context.setDefaultTimeout(PATIENCE_MS);
    const query = new URLSearchParams({ name, ...(hub === undefined ? {} : { hub: [hub].flat().join(",") }) });
    const page = await context.newPage();
    const guest = new Guest(name, page);
    this.#people.push(guest);
    await page.goto(`${this.address}?${query}`);
    return guest;
  }

  /** Everybody goes; whatever a page complained about fails the test. */
  async clear(): Promise<void> {
    const people = this.#people.splice(0);
    for (const { page } of people) await page.context().close();
    expect(people.flatMap(({ name, problems }) => problems.map((problem) => `${name}: ${problem}`))).toEqual([]);
  }

  /** The end. */
  async stop(): Promise<void> {
    await this.browser.close();
    await this.server.close();
  }
}

/** A line as it is seen. */
export interface Seen {
  readonly from: string;
  readonly text: string;
  readonly delivery: string;
}

/** Somebody with a page. */
export class Guest {
  /** What the page complained about. A socket that does not connect is reported by the browser itself. */
  readonly problems: string[] = [];

  constructor(
    readonly name: string,
    readonly page: Page,
  ) {
    page.on("pageerror", (error) => this.problems.push(String(error)));
    page.on("console", (message) => {
      const bad = message.type() === "error" || message.type() === "warning";
      if (bad && !/WebSocket connection to .* failed/.test(message.text())) this.problems.push(message.text());
    });
  }

  /** Goes through the door. */
  async comesIn(room: string): Promise<this> {
    await this.page.getByLabel("Room").fill(room);
    await this.page.getByRole("button", { name: "Come in" }).click();
    await this.page.getByRole("main", { name: `Room ${room}` }).waitFor();
    return this;
  }

  /** The box, the log of lines, and the banner. */
  get box(): Locator {
    return this.page.locator("#composer");
  }

  get log(): Locator {
    return this.page.getByRole("log");
  }

  get banner(): Locator {
    return this.page.locator(".banner");
  }

  /** Says something as one does: types it, and presses Enter. */
  async says(text: string): Promise<void> {
    await this.box.fill(text);
    await this.box.press("Enter");
  }

  /** What stands there. */
  async lines(): Promise<Seen[]> {
    return this.page.locator(".group .line").evaluateAll((lines) =>
      lines.map((line) => ({
        from: line.closest(".group")?.getAttribute("aria-label") ?? "",
        text: line.querySelector(".bubble-text")?.textContent ?? "",
        delivery: line.getAttribute("data-delivery") ?? "",
      })),
    );
  }

  /** Waits until this was said. */
  async sees(text: string): Promise<void> {
    await this.log.getByText(text, { exact: true }).first().waitFor();
  }

  /** Waits until nothing waits to be sent. */
  async isDone(): Promise<void> {
    await until(`all of ${this.name} is sent`, async () => (await this.lines()).every(({ delivery }) => delivery !== "waiting"));
  }

  /** The hub this page is connected to. */
  async hub(): Promise<string> {
    const connection = this.page
      .getByRole("button", { name: /details of the connection/ })
      .locator("visible=true")
      .first();
    await connection.click();
    const hub = await this.page.locator(".details dd").first().textContent();
    await this.page.keyboard.press("Escape");
    return hub ?? "";
  }

  /** What axe finds wrong with the page as it is. */
  async violations(): Promise<string[]> {
    // A tooltip is over once the pointer has moved on.
    await this.page.mouse.move(0, 0);
    await this.page.getByRole("tooltip").waitFor({ state: "detached" });
    await this.page.evaluate(axe.source);
    const { violations } = await this.page.evaluate(() => (window as unknown as { axe: typeof axe }).axe.run());
    return violations.flatMap(({ id, help, nodes }) =>
      nodes.map(({ html, failureSummary }) => `${id}: ${help}\n${html}\n${failureSummary}`),
    );
  }
}

/** A wire to a hub that can be stopped, so that the hub finds a client that reads too slowly. */
export class Wire {
  readonly #pairs = new Set<[Socket, Socket]>();
  #server: Server | undefined;
  #stopped = false;

  /** A wire to this port. */
  static async to(port: number): Promise<{ wire: Wire; url: string }> {
    const wire = new Wire();
    const server = createServer((near) => {
      const far = new (near.constructor as typeof Socket)({ highWaterMark: 1_024 } as never).connect(port, "127.0.0.1");
      const pair: [Socket, Socket] = [near, far];
      wire.#pairs.add(pair);
      near.on("data", (data) => far.write(data));
      far.on("data", (data) => near.write(data));
      const end = () => {
        wire.#pairs.delete(pair);
        near.destroy();
        far.destroy();
      };
      for (const socket of pair) socket.on("close", end).on("error", end);
      if (wire.#stopped) far.pause();
    }).listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    wire.#server = server;
    return { wire, url: `ws://127.0.0.1:${(server.address() as { port: number }).port}/ws` };
  }

  /** What the hub says does not get through any more. */
  stop(): void {
    this.#stopped = true;
    for (const [, far] of this.#pairs) far.pause();
  }

  /** It does again. */
  go(): void {
    this.#stopped = false;
    for (const [, far] of this.#pairs) far.resume();
  }

  /** It is gone. */
  end(): void {
    for (const pair of this.#pairs) for (const socket of pair) socket.destroy();
    this.#server?.close();
  }
}
