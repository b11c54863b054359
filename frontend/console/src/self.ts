/** Which of the hubs serves this page. The list of hubs does not say it, so it is concluded. Pure. */
import type { Node } from "./api/hub";
import { type Figures, sum } from "./figures/exposition";

/** A process starts, then its hub does: at most so many milliseconds later, clocks read twice included. */
const SLACK_MS = 3_000;

/** Its node id; `undefined` when it cannot be told for certain. */
export function self(nodes: readonly Node[], configured: string | undefined, figures: Figures | undefined): string | undefined {
  if (nodes.length === 1) return nodes[0]?.node;
  if (configured) return nodes.find(({ node }) => node === configured)?.node;
  const started = figures && sum(figures, "process_start_time_seconds");
  if (started === undefined) return undefined;
  const near = nodes.filter(({ started_at: at }) => Math.abs(at - started * 1000) < SLACK_MS);
  return near.length === 1 ? near[0]?.node : undefined;
}

/** The hash that most hubs run on: who has another one is behind, or ahead. */
export function commonHash(nodes: readonly Node[]): string | undefined {
  const counts = new Map<string, number>();
  for (const { config_hash: hash } of nodes) counts.set(hash, (counts.get(hash) ?? 0) + 1);
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0];
}
