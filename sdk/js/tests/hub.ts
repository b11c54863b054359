/** Real hubs and a real etcd for the tests, each a process of its own on free ports, and what waits for them. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
/** Nothing here takes longer on a machine that has other work, too, in milliseconds. */
export const PATIENCE_MS = 30_000;
/** A key of the admin API. */
const KEY = "a-key-for-the-sdk-tests";

/** Waits until `condition` gives something, and gives that; fails with `what` when it does not in time. */
export async function until<T>(what: string, condition: () => T | Promise<T>, ms = PATIENCE_MS): Promise<NonNullable<T>> {
  const end = Date.now() + ms;
  for (;;) {
    const found = await condition();
    if (found) return found;
    if (Date.now() > end) throw new Error(`in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Ports nobody listens on, all different. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve) => {
          server.once("listening", () => resolve((server.address() as { port: number }).port));
        }),
    ),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** No file of tests takes longer, in milliseconds: one that hangs fails. */
const LONGEST_MS = 300_000;
setTimeout(() => {
  console.error(`the tests hang: not done in ${LONGEST_MS} ms`);
  process.exit(1);
}, LONGEST_MS).unref();

const folder = mkdtempSync(join(tmpdir(), "gohub-sdk-"));
const LOG = process.env.SDK_TEST_LOG ?? join(folder, "log");
const LOGS = openSync(LOG, "a");
const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

function start(program: string, args: string[]): ChildProcess {
  // A hub takes every GOHUB_ variable for a setting.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("GOHUB_")));
  const child = spawn(program, args, { env, stdio: ["ignore", LOGS, LOGS] });
  child.unref();
  running.add(child);
  child.once("exit", () => running.delete(child));
  return child;
}

async function answers(url: string): Promise<boolean> {
  return fetch(url).then(
    ({ ok }) => ok,
    () => false,
  );
}

/** Settings by section, as in config/config.yaml. */
export type Settings = Record<string, unknown>;

/** A hub. */
export class Hub {
  private child: ChildProcess | undefined;
  private static count = 0;

  private constructor(
    readonly port: number,
    private readonly admin: number,
    private readonly file: string,
    private settings: Settings,
  ) {}

  /** Where clients connect. */
  get url(): string {
    return `ws://127.0.0.1:${this.port}/ws`;
  }

  /** A hub that is ready. */
  static async start(settings: Settings = {}): Promise<Hub> {
    const [port = 0, admin = 0] = await freePorts(2);
    const hub = new Hub(port, admin, join(folder, `hub-${Hub.count++}.yaml`), settings);
    await hub.restart();
    return hub;
  }

  /** Starts the process, again after a kill. */
  async restart(): Promise<void> {
    this.configure(this.settings);
    const program = process.env.HUB_PROGRAM ?? join(ROOT, "target/debug/gohub");
    this.child = start(program, ["--config", this.file]);
    const { child } = this;
    await until("the hub is ready", () => {
      if (child.exitCode !== null) throw new Error(`the hub ended:\n${readFileSync(LOG, "utf8").slice(-2_000)}`);
      return answers(`http://127.0.0.1:${this.admin}/readyz`);
    });
  }

  /** Other settings; a running hub loads them by itself. */
  configure(settings: Settings): void {
    this.settings = settings;
    const own = {
      server: { addr: `127.0.0.1:${this.port}`, shards: 1 },
      admin: { addr: `127.0.0.1:${this.admin}`, api_keys: [KEY] },
      drain: { settle: "0s", deadline: "10s", reconnect_spread: "500ms" },
      reload: { interval: "100ms" },
    };
    const merged: Record<string, unknown> = { ...own, ...settings };
    for (const [section, values] of Object.entries(own)) merged[section] = { ...values, ...(settings[section] as object | undefined) };
    // JSON is YAML.
    writeFileSync(this.file, JSON.stringify(merged));
  }

  /** A call of the admin API. */
  async call(method: string, path: string, body?: unknown): Promise<unknown> {
    const response = await fetch(`http://127.0.0.1:${this.admin}/api/v1/${path}`, {
      method,
      headers: { authorization: `Bearer ${KEY}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text ? JSON.parse(text) : undefined;
  }

  /** Sends the process a signal; `SIGKILL` waits for its end. */
  async signal(signal: NodeJS.Signals): Promise<void> {
    const child = this.child;
    child?.kill(signal);
    if (signal === "SIGKILL") await until("the hub is gone", () => child === undefined || !running.has(child));
  }

  /** Ends it at once. */
  stop(): Promise<void> {
    return this.signal("SIGKILL");
  }
}

/** An etcd of one member. */
export class Etcd {
  private constructor(
    readonly url: string,
    private readonly child: ChildProcess,
  ) {}

  /** An etcd that answers. */
  static async start(): Promise<Etcd> {
    const [client, peer] = await freePorts(2);
    const program = execFileSync(join(ROOT, "scripts/etcd.sh"), { encoding: "utf8" }).trim();
    const url = `http://127.0.0.1:${client}`;
    const peers = `http://127.0.0.1:${peer}`;
    const data = mkdtempSync(join(folder, "etcd-"));
    const child = start(program, [
      ...["--name", "one", "--data-dir", data, "--log-level", "error", "--unsafe-no-fsync"],
      ...["--listen-client-urls", url, "--advertise-client-urls", url],
      ...["--listen-peer-urls", peers, "--initial-advertise-peer-urls", peers, "--initial-cluster", `one=${peers}`],
    ]);
    await until("etcd is healthy", () => answers(`${url}/health`));
    return new Etcd(url, child);
  }

  /** Hubs over this etcd that know each other. */
  async hubs(count: number, settings: Settings = {}): Promise<Hub[]> {
    const ports = await freePorts(count);
    const hubs = await Promise.all(
      ports.map((port, index) => {
        const cluster = {
          enabled: true,
          node: `hub-${index}`,
          grpc_addr: `127.0.0.1:${port}`,
          advertise: `127.0.0.1:${port}`,
          etcd: { endpoints: [this.url], lease_ttl: "2s" },
        };
        return Hub.start({ ...settings, cluster });
      }),
    );
    await Promise.all(
      hubs.map((hub) =>
        until("the hubs know each other", async () => {
          const { items } = (await hub.call("GET", "nodes")) as { items: unknown[] };
          return items.length === count;
        }),
      ),
    );
    return hubs;
  }

  /** Sends the process a signal. */
  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Ends it at once. */
  stop(): void {
    this.child.kill("SIGKILL");
  }
}
