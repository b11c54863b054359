/**
 * What the console knows of the hub that serves it and of the others, read every two seconds for as long as somebody is signed in, whichever view is open:
 * charts have a past.
 */
import { useSyncExternalStore } from "react";
import { type Config, hub, type Nodes, type Probe, Refused } from "./api/hub";
import { session } from "./api/key";
import { parse } from "./figures/exposition";
import { History } from "./figures/history";

/** Milliseconds from one reading to the next. */
const EVERY_MS = 2_000;

/** All of it. What this key does not open stays absent. */
export interface Live {
  history: History;
  nodes?: Nodes | undefined;
  ready?: Probe | undefined;
  accepting?: Probe | undefined;
  config?: Config | undefined;
  /** What the settings say of the cluster. */
  cluster?: { enabled: boolean; node: string } | undefined;
  /** Why the newest reading failed, and since when readings fail. */
  trouble: { problem: Refused; since: number } | null;
}

const NOTHING: Live = { history: History.empty, trouble: null };

let live = NOTHING;
const listeners = new Set<() => void>();
let timer: number | undefined;

function set(next: Live) {
  live = next;
  for (const listener of listeners) listener();
}

/** The answer, or `undefined` where this key may not ask. */
async function ifAllowed<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (failure) {
    if (failure instanceof Refused && failure.status === 403) return undefined;
    throw failure;
  }
}

/** The cluster's part of the settings; they are parsed again only when they have changed. */
async function clusterOf(config: Config | undefined): Promise<Live["cluster"]> {
  if (config === undefined) return undefined;
  if (config.settings === live.config?.settings) return live.cluster;
  const { parse: parseYaml } = await import("yaml");
  const { cluster } = parseYaml(config.settings) as { cluster?: { enabled?: boolean; node?: string } };
  return { enabled: cluster?.enabled ?? false, node: cluster?.node ?? "" };
}

async function take() {
  try {
    const [text, nodes, config, ready, accepting] = await Promise.all([
      hub.metrics(),
      ifAllowed(hub.nodes()),
      ifAllowed(hub.config()),
      hub.probe("readyz"),
      hub.probe("accepting"),
    ]);
    const connections = new Map((nodes?.items ?? []).map(({ node, connections }) => [node, connections]));
    const history = live.history.with({ at: Date.now(), figures: parse(text), connections });
    set({ history, nodes, config, cluster: await clusterOf(config), ready, accepting, trouble: null });
  } catch (failure) {
    const problem = failure instanceof Refused ? failure : new Refused(0, "console", String(failure));
    set({ ...live, trouble: { problem, since: live.trouble?.since ?? Date.now() } });
  }
}

/** One row of readings at a time: another key begins another row. */
let row = 0;

function turn() {
  clearTimeout(timer);
  row += 1;
  const mine = row;
  // Who signs in next may not see what this one saw.
  set(NOTHING);
  const next = async () => {
    if (mine !== row || session.key() === null) return;
    await take();
    if (mine !== row) set(NOTHING);
    else timer = window.setTimeout(next, EVERY_MS);
  };
  void next();
}

/** Begins; once. */
export function startReading() {
  session.subscribe(turn);
  turn();
}

function subscribe(listener: () => void) {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

export function useLive(): Live {
  return useSyncExternalStore(subscribe, () => live);
}
