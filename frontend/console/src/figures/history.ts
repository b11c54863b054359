/** What the charts show: readings of `/metrics` and of the list of hubs, one after another, made into rates and quantiles. Pure. */
import { type Figures, sum } from "./exposition";
import { quantile } from "./histogram";

/** How long readings are kept, in milliseconds. */
export const KEPT_MS = 15 * 60_000;
/** Over how long a latency is looked at, in milliseconds: one reading alone may hold a handful of deliveries. */
const LATENCY_MS = 10_000;

/** What the hub said at one time. */
export interface Reading {
  /** Unix milliseconds. */
  at: number;
  figures: Figures;
  /** Open connections of each hub that answered. */
  connections: ReadonlyMap<string, number>;
}

/** One moment of every chart; `null` is a hole: nothing is known, or nothing happened that could be measured. */
export interface Moment {
  /** Unix milliseconds. */
  at: number;
  /** Of the whole cluster, by hub. */
  connections: ReadonlyMap<string, number>;
  values: Readonly<Record<Line, number | null>>;
}

/** Lines that add up counters: per second. */
const RATES = {
  received: ["gohub_messages_received_total"],
  delivered: ["gohub_messages_delivered_total"],
  published: ["gohub_bus_published_total", "gohub_bus_local_only_total"],
  bytesIn: ["gohub_bytes_received_total"],
  bytesOut: ["gohub_bytes_sent_total"],
  errors: ["gohub_errors_total", "gohub_publish_failures_total"],
  gaps: ["gohub_gaps_total"],
  slow: ["gohub_slow_clients_total"],
  refused: ["gohub_accept_refused_total"],
  opened: ["gohub_connections_total"],
  closed: ["gohub_closes_total"],
  cpu: ["process_cpu_seconds_total"],
} as const;

/** Lines that show a gauge as it is. */
const GAUGES = {
  open: "gohub_connections",
  memory: "process_resident_memory_bytes",
  logBytes: "gohub_log_bytes",
} as const;

/** Lines that show a quantile of a histogram, in seconds. */
const LATENCIES = {
  fanoutHalf: ["gohub_fanout_latency_seconds", 0.5],
  fanoutMost: ["gohub_fanout_latency_seconds", 0.99],
  putMost: ["gohub_bus_put_latency_seconds", 0.99],
  lagMost: ["gohub_bus_watch_lag_seconds", 0.99],
  canaryMost: ["gohub_canary_latency_seconds", 0.99],
} as const;

/** The name of a line. */
export type Line = keyof typeof RATES | keyof typeof GAUGES | keyof typeof LATENCIES;

/** Readings of a while, and what follows from them. Every reading makes a new one, so that a view can tell by looking. */
export class History {
  private constructor(
    readonly moments: readonly Moment[],
    /** The newest readings, for the latencies. */
    private readonly recent: readonly Reading[],
  ) {}

  /** One without a reading. */
  static readonly empty = new History([], []);

  /** The newest reading. */
  get last(): Reading | undefined {
    return this.recent.at(-1);
  }

  /** This and one reading more. */
  with(reading: Reading): History {
    const before = this.last;
    const moment: Moment = { at: reading.at, connections: reading.connections, values: this.values(before, reading) };
    const moments = [...this.moments.filter(({ at }) => at > reading.at - KEPT_MS), moment];
    // One reading from before the time looked at is what the rest is compared with.
    const old = this.recent.findLastIndex(({ at }) => at <= reading.at - LATENCY_MS);
    return new History(moments, [...this.recent.slice(Math.max(0, old)), reading]);
  }

  private values(before: Reading | undefined, now: Reading): Record<Line, number | null> {
    const values = {} as Record<Line, number | null>;
    for (const [line, names] of Object.entries(RATES)) values[line as Line] = rate(before, now, names);
    for (const [line, name] of Object.entries(GAUGES)) values[line as Line] = sum(now.figures, name) ?? null;
    const from = this.recent[0];
    for (const [line, [name, q]] of Object.entries(LATENCIES)) {
      values[line as Line] = from === undefined ? null : quantile(q, from.figures, now.figures, name);
    }
    return values;
  }
}

/**
 * How fast counters grew, per second. A counter with labels has no line before its first event. One that went back began anew with its process: then nothing
 * is known.
 */
function rate(before: Reading | undefined, now: Reading, names: readonly string[]): number | null {
  if (before === undefined || now.at <= before.at) return null;
  const deltas = names.map((name) => (sum(now.figures, name) ?? 0) - (sum(before.figures, name) ?? 0));
  if (deltas.some((delta) => delta < 0)) return null;
  return (deltas.reduce((total, delta) => total + delta, 0) * 1000) / (now.at - before.at);
}
