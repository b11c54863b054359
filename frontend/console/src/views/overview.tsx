/** How the cluster is, at one look, and how the hub that serves the page has been for the last quarter of an hour. */
import { Anchor, SimpleGrid, Text } from "@mantine/core";
import { useMemo } from "react";
import type { Line, Moment } from "../figures/history";
import { amount, bytes, count, latency } from "../figures/units";
import { useLive } from "../live";
import { Chart } from "../parts/chart";
import { Page } from "../parts/page";
import { Tile } from "../parts/tile";
import { href } from "../route";
import { commonHash, self } from "../self";

const perSecond = (value: number | null) => (value === null ? "–" : `${amount(value)}/s`);
const bytesPerSecond = (value: number | null) => (value === null ? "–" : `${bytes(value)}/s`);
const whole = (value: number | null) => count(value);
const cores = (value: number | null) => (value === null ? "–" : `${Math.round(value * 100)} %`);

/** The charts of one hub. */
const CHARTS: readonly {
  title: string;
  unit: (value: number | null) => string;
  filled?: boolean;
  binary?: boolean;
  lines: readonly (readonly [Line, string])[];
}[] = [
  {
    title: "Messages",
    unit: perSecond,
    filled: true,
    lines: [
      ["delivered", "delivered"],
      ["received", "received"],
    ],
  },
  {
    title: "Delivery latency",
    unit: latency,
    lines: [
      ["fanoutMost", "99 %"],
      ["fanoutHalf", "50 %"],
    ],
  },
  {
    title: "Way through the bus",
    unit: latency,
    lines: [
      ["putMost", "write, 99 %"],
      ["lagMost", "watch, 99 %"],
      ["canaryMost", "canary, 99 %"],
    ],
  },
  {
    title: "Traffic",
    unit: bytesPerSecond,
    binary: true,
    filled: true,
    lines: [
      ["bytesOut", "out"],
      ["bytesIn", "in"],
    ],
  },
  {
    title: "Coming and going",
    unit: perSecond,
    lines: [
      ["opened", "connected"],
      ["closed", "ended"],
      ["refused", "turned away"],
    ],
  },
  {
    title: "Trouble",
    unit: perSecond,
    lines: [
      ["errors", "errors"],
      ["gaps", "gaps"],
      ["slow", "slow clients"],
    ],
  },
  {
    title: "Memory",
    unit: bytes,
    binary: true,
    filled: true,
    lines: [
      ["memory", "process"],
      ["logBytes", "message log"],
    ],
  },
  { title: "Processor", unit: cores, filled: true, lines: [["cpu", "of one core"]] },
];

const valuesOf = (moments: readonly Moment[], line: Line) => moments.map(({ values }) => values[line]);

export function OverviewView() {
  const { history, nodes, config, cluster, ready } = useLive();
  const { moments } = history;
  const times = useMemo(() => moments.map(({ at }) => at), [moments]);
  const charts = useMemo(
    () => CHARTS.map((chart) => ({ ...chart, series: chart.lines.map(([line, label]) => ({ label, values: valuesOf(moments, line) })) })),
    [moments],
  );
  const byHub = useMemo(() => {
    const names = [...new Set(moments.flatMap(({ connections }) => [...connections.keys()]))].sort();
    // A key that may not list hubs still sees this one.
    if (names.length === 0) return [{ label: "this hub", values: valuesOf(moments, "open") }];
    return names.map((label) => ({ label, values: moments.map(({ connections }) => connections.get(label) ?? null) }));
  }, [moments]);

  const items = nodes?.items ?? [];
  const me = self(items, cluster?.node, history.last?.figures);
  const mine = me ?? "this hub";
  const now = moments.at(-1)?.values;
  const open = nodes ? items.reduce((total, { connections }) => total + connections, 0) : now?.open;
  const well = items.filter(({ phase }) => phase === "ready").length;
  const common = commonHash(items);
  const others = items.filter(({ config_hash: hash }) => hash !== common).length;
  const mode = cluster === undefined ? null : cluster.enabled ? "Cluster over etcd. " : "Single hub. ";

  return (
    <Page
      title="Overview"
      about={
        <>
          {mode}Figures are of <strong>{mine}</strong>, which serves this page; connections of all hubs.
        </>
      }
      missing={nodes?.missing}
    >
      <SimpleGrid cols={{ base: 2, md: 4 }} spacing="sm">
        <Tile
          label="Connections"
          value={count(open)}
          note={
            <Anchor href={href("clients")} size="xs">
              see the clients
            </Anchor>
          }
        />
        <Tile label="Delivered" value={now ? perSecond(now.delivered) : "–"} note={now && `${perSecond(now.received)} received`} />
        <Tile label="Latency, 99 %" value={latency(now?.fanoutMost)} note="publish to socket" />
        <Tile
          label="Hubs ready"
          value={nodes ? `${well} of ${items.length}` : ready ? (ready.ok ? "yes" : "no") : "–"}
          note={
            <Text span inherit c={others > 0 || config?.status.last_error ? "orange" : undefined}>
              {others > 0
                ? `${others} on another configuration`
                : config?.status.last_error
                  ? "newest settings refused"
                  : items.length > 1
                    ? "one configuration"
                    : ""}
            </Text>
          }
        />
      </SimpleGrid>
      <SimpleGrid cols={{ base: 1, md: 2 }} spacing="sm">
        <Chart title="Connections" about="all hubs" times={times} series={byHub} unit={whole} isWide />
        {charts.map(({ title, unit, filled, binary, series }) => (
          <Chart
            key={title}
            title={title}
            about={mine}
            times={times}
            series={series}
            unit={unit}
            filled={filled ?? false}
            binary={binary ?? false}
          />
        ))}
      </SimpleGrid>
    </Page>
  );
}
