/** The built console as the hub will serve it: under `/console/` of the admin listener's origin; every other path is the hub's own. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import type { Hub } from "./cluster";

const HERE = fileURLToPath(new URL("../", import.meta.url));
const DIST = join(HERE, "build/site");
const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
};
const PREFIX = "/console/";

/** The page of one hub. */
export interface Site {
  url: string;
  /** Every request that came: method, path, and query. */
  requests: string[];
  close: () => void;
}

/** Builds the sources as they are, as `npm run build` does. */
export function make() {
  const vite = join(HERE, "../node_modules/vite/bin/vite.js");
  const env = { ...process.env, NODE_ENV: "production" };
  execFileSync(process.execPath, [vite, "build", "--logLevel", "warn", "--outDir", DIST, "--emptyOutDir"], {
    cwd: HERE,
    env,
    stdio: "inherit",
  });
}

export async function serve(hub: Hub): Promise<Site> {
  const requests: string[] = [];
  const server = createServer((asked, answer) => {
    const path = asked.url ?? "/";
    requests.push(`${asked.method} ${path}`);
    if (path.startsWith(PREFIX)) file(path, answer);
    else pass(asked, answer, hub);
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { port: number };
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  return { url: `http://127.0.0.1:${port}${PREFIX}`, requests, close };
}

function file(path: string, answer: ServerResponse) {
  const name = normalize(path.slice(PREFIX.length)) === "." ? "index.html" : normalize(path.slice(PREFIX.length));
  try {
    const content = readFileSync(join(DIST, name));
    answer.setHeader("content-type", TYPES[extname(name)] ?? "application/octet-stream").end(content);
  } catch {
    answer.writeHead(404).end();
  }
}

function pass(asked: IncomingMessage, answer: ServerResponse, hub: Hub) {
  const onward = request(`${hub.admin}${asked.url}`, { method: asked.method, headers: asked.headers }, (came) => {
    answer.writeHead(came.statusCode ?? 502, came.headers);
    came.pipe(answer);
  });
  // As when the hub is gone, and its listener with it.
  onward.on("error", () => answer.destroy());
  asked.pipe(onward);
}

export function browse(): Promise<Browser> {
  const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
  return chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
}

export const DESKTOP: BrowserContextOptions = { viewport: { width: 1280, height: 900 } };
export const PHONE: BrowserContextOptions = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 };

/** What a browser notes by itself of an answer that says no: that is the hub's word, and the page shows it. */
const REFUSAL = /^Failed to load resource: the server responded with a status of (401|403|404|422|503) /;

/** A page in a profile of its own, everything it said, what it complained of, and the statuses by which the hub said no. */
export async function open(browser: Browser, options: BrowserContextOptions = DESKTOP): Promise<Opened> {
  const context = await browser.newContext({ reducedMotion: "reduce", ...options });
  const page = await context.newPage();
  const opened: Opened = { page, said: [], problems: [], refusals: [] };
  page.on("console", (message) => {
    const text = message.text();
    opened.said.push(text);
    const [, status] = REFUSAL.exec(text) ?? [];
    if (status) opened.refusals.push(Number(status));
    else if (message.type() === "error" || message.type() === "warning") opened.problems.push(text);
  });
  page.on("pageerror", (error) => opened.problems.push(String(error)));
  page.setDefaultTimeout(20_000);
  return opened;
}

export interface Opened {
  page: Page;
  said: string[];
  problems: string[];
  refusals: number[];
}

/** Enters the key. */
export async function enter(page: Page, site: Site, key: string, view = "") {
  await page.goto(site.url + view);
  await page.getByLabel("API key", { exact: true }).fill(key);
  await page.getByRole("button", { name: "Open the console" }).click();
}
