/** Two real hubs over a real etcd, on one settings file as pods of a cluster are, and real clients of theirs. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import WebSocket from "ws";
import { Client, type ClosedEvent, type SocketClass } from "../../../sdk/js/src/index";
import { Etcd, until } from "../../../sdk/js/tests/hub";

export { until };

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
/** Opens everything. */
export const KEY = "a-key-for-the-console-tests";
/** Opens what one may look at. */
export const READER = "a-key-that-only-looks-on";

/** One of them. */
export interface Hub {
  node: string;
  /** Where clients connect. */
  url: string;
  /** Origin of its admin listener. */
  admin: string;
  process: ChildProcess;
}

/** Settings by section, as in config/config.yaml. */
export type Settings = Readonly<Record<string, object>>;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Two hubs, `hub-0` and `hub-1`, until `stop`. */
export class Cluster {
  readonly hubs: Hub[] = [];
  private readonly people: Client[] = [];

  private constructor(
    private readonly folder: string,
    private readonly etcd: Etcd,
  ) {}

  static async start(settings: Settings = {}): Promise<Cluster> {
    const cluster = new Cluster(mkdtempSync(join(tmpdir(), "gohub-console-")), await Etcd.start());
    cluster.configure(settings);
    await Promise.all(["hub-0", "hub-1"].map((node) => cluster.add(node)));
    cluster.hubs.sort((a, b) => a.node.localeCompare(b.node));
    for (const hub of cluster.hubs) await until("the hubs know each other", async () => (await nodes(hub)).length === 2);
    return cluster;
  }

  /** Other settings for all hubs, which load them by themselves. */
  configure(settings: Settings) {
    const own: Settings = {
      admin: { api_keys: [KEY], scoped_keys: [{ key: READER, scopes: ["read"] }] },
      server: { shards: 1 },
      cluster: { enabled: true, etcd: { endpoints: [this.etcd.url], lease_ttl: "2s" } },
      drain: { settle: "0s", deadline: "10s", reconnect_spread: "500ms" },
      reload: { interval: "100ms" },
      rooms: { defaults: { presence_changes: true } },
    };
    const merged: Record<string, unknown> = { ...own };
    for (const [section, values] of Object.entries(settings)) merged[section] = { ...own[section], ...values };
    // JSON is YAML.
    writeFileSync(join(this.folder, "settings.yaml"), JSON.stringify(merged));
  }

  private async add(node: string) {
    const [port, admin, peer] = await Promise.all([freePort(), freePort(), freePort()]);
    const log = join(this.folder, `${node}.log`);
    const out = openSync(log, "w");
    // What differs from hub to hub comes from its environment, so they have one file and one hash.
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("GOHUB_")));
    Object.assign(env, {
      GOHUB_SERVER__ADDR: `127.0.0.1:${port}`,
      GOHUB_ADMIN__ADDR: `127.0.0.1:${admin}`,
      GOHUB_CLUSTER__NODE: node,
      GOHUB_CLUSTER__GRPC_ADDR: `127.0.0.1:${peer}`,
      GOHUB_CLUSTER__ADVERTISE: `127.0.0.1:${peer}`,
    });
    const program = process.env.HUB_PROGRAM ?? join(ROOT, "target/debug/gohub");
    const child = spawn(program, ["--config", join(this.folder, "settings.yaml")], { env, stdio: ["ignore", out, out] });
    const hub: Hub = { node, url: `ws://127.0.0.1:${port}/ws`, admin: `http://127.0.0.1:${admin}`, process: child };
    this.hubs.push(hub);
    await until(`${node} is ready`, () => {
      if (child.exitCode !== null) throw new Error(`${node} ended:\n${readFileSync(log, "utf8").slice(-2_000)}`);
      return fetch(`${hub.admin}/readyz`).then(
        ({ ok }) => ok,
        () => false,
      );
    });
  }

  /** Everything a hub has logged. */
  log(node: string): string {
    return readFileSync(join(this.folder, `${node}.log`), "utf8");
  }

  /** Somebody who is connected to this hub and in these rooms. Who roams goes to another hub when this one goes. */
  async person(clientId: string, hub: number, rooms: readonly string[], { roams = false } = {}): Promise<Person> {
    const { url = "", node } = this.hubs[hub] ?? {};
    for (;;) {
      const client = new Client({
        url: roams ? this.hubs.map((other) => other.url) : url,
        clientId,
        WebSocket: WebSocket as unknown as SocketClass,
      });
      this.people.push(client);
      const person: Person = { client, closed: [], welcomes: [] };
      client.on("closed", (event) => person.closed.push(event));
      client.on("welcome", (welcome) => person.welcomes.push(welcome.node));
      await client.connect();
      // Who roams begins anywhere.
      if (person.welcomes[0] === node) {
        for (const room of rooms) await client.join(room);
        return person;
      }
      client.close();
    }
  }

  async stop() {
    for (const client of this.people) client.close();
    for (const { process: child } of this.hubs) child.kill("SIGKILL");
    this.etcd.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A client and what it was told. */
export interface Person {
  client: Client;
  closed: ClosedEvent[];
  /** Hubs that took it. */
  welcomes: string[];
}

async function nodes(hub: Hub): Promise<unknown[]> {
  const response = await fetch(`${hub.admin}/api/v1/nodes`, { headers: { authorization: `Bearer ${KEY}` } });
  return ((await response.json()) as { items: unknown[] }).items;
}

/** Says something in a room every few milliseconds until it is told to stop. */
export function talk({ client }: Person, room: string, everyMs: number, say = (n: number): unknown => ({ n })): () => Promise<void> {
  let isTalking = true;
  const done = (async () => {
    for (let n = 0; isTalking; n++) {
      await client.publish(room, say(n)).catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, everyMs));
    }
  })();
  return () => {
    isTalking = false;
    return done;
  };
}
