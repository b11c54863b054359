/** A chart of lines over time. uPlot, because it draws hundreds of points on a canvas in a millisecond, every two seconds, in 50 kB. */
import { Box, Group, Paper, Text, Title, useComputedColorScheme } from "@mantine/core";
import { useElementSize } from "@mantine/hooks";
import { useEffect, useRef, useState } from "react";
import uPlot from "uplot";

/** One line. */
export interface Series {
  label: string;
  /** One of each time; `null` is a hole. */
  values: readonly (number | null)[];
}

interface Chart {
  title: string;
  /** Of whom, or of what. */
  about?: string;
  /** Unix milliseconds. */
  times: readonly number[];
  series: readonly Series[];
  /** A value with its unit. */
  unit: (value: number | null) => string;
  /** Whether the area below a line is tinted. */
  filled?: boolean;
  /** Whether values are bytes: steps of the axis are powers of two. */
  binary?: boolean;
  /** Whether it takes a whole row. */
  isWide?: boolean;
}

const HEIGHT = 160;
/** Shortest time the axis shows, in seconds, and the longest. */
const SHORTEST_S = 60;
const BINARY = Array.from({ length: 40 }, (_, power) => 2 ** power);
const COLOURS = {
  light: ["#4f46e5", "#087f5b", "#d9480f", "#9c36b5", "#0b7285", "#a61e4d", "#5c940d", "#495057"],
  dark: ["#a4a8fb", "#38d9a9", "#ffa94d", "#da77f2", "#3bc9db", "#f783ac", "#a9e34b", "#ced4da"],
} as const;
const INK = { light: { text: "#495057", grid: "#e9ecef" }, dark: { text: "#a6a7ab", grid: "#2c2e33" } } as const;

function colour(scheme: keyof typeof COLOURS, index: number): string {
  return COLOURS[scheme][index % COLOURS[scheme].length] ?? "";
}

export function Chart({ title, about, times, series, unit, filled = false, binary = false, isWide = false }: Chart) {
  const scheme = useComputedColorScheme("light");
  const { ref: frame, width } = useElementSize();
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(null);
  // The time that the pointer is at; the newest without one.
  const [pointed, setPointed] = useState<number | null>(null);
  const at = pointed !== null && pointed < times.length ? pointed : times.length - 1;
  const labels = series.map(({ label }) => label).join("\n");
  const units = useRef(unit);
  units.current = unit;

  useEffect(() => {
    if (!place.current) return;
    const { text, grid } = INK[scheme];
    const axis: uPlot.Axis = { stroke: text, font: "11px system-ui", grid: { stroke: grid, width: 1 }, ticks: { show: false } };
    const drawn = new uPlot(
      {
        width: 300,
        height: HEIGHT,
        legend: { show: false },
        padding: [8, 22, 0, 0],
        cursor: { y: false, drag: { setScale: false, x: false, y: false }, points: { size: 6 }, sync: { key: "console" } },
        hooks: { setCursor: [({ cursor }) => setPointed(cursor.idx ?? null)] },
        scales: {
          x: { range: (_, least, most) => [Math.min(least ?? most, (most ?? 0) - SHORTEST_S), most] },
          y: { range: (_, __, most) => [0, most ? most * 1.15 : 1] },
        },
        axes: [
          { ...axis, values: "{HH}:{mm}:{ss}", size: 26, space: 72, grid: { show: false } },
          {
            ...axis,
            size: 64,
            space: 32,
            ...(binary ? { incrs: BINARY } : {}),
            values: (_, values) => values.map((value) => units.current(value)),
          },
        ],
        series: [
          {},
          ...labels.split("\n").map((label, index): uPlot.Series => {
            const line = colour(scheme, index);
            return { label, stroke: line, width: 2, points: { show: false }, ...(filled ? { fill: `${line}1f` } : {}) };
          }),
        ],
      },
      [[], ...labels.split("\n").map(() => [])],
      place.current,
    );
    plot.current = drawn;
    return () => {
      drawn.destroy();
      plot.current = null;
    };
  }, [scheme, labels, filled, binary]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: a chart that was made anew is empty
  useEffect(() => {
    if (width > 0) plot.current?.setSize({ width, height: HEIGHT });
  }, [width, scheme, labels, filled]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: a chart that was made anew is empty
  useEffect(() => {
    plot.current?.setData([times.map((time) => time / 1000), ...series.map(({ values }) => [...values])]);
  }, [times, series, scheme, labels, filled]);

  const said = series.map(({ label, values }) => `${label} ${unit(values.at(-1) ?? null)}`).join(", ");
  return (
    <Paper withBorder p="md" className={isWide ? "chart across" : "chart"} data-chart={title}>
      <Group justify="space-between" gap="xs" mb={4} align="baseline">
        <Title order={3} size="h5">
          {title}
        </Title>
        {about && (
          <Text size="xs" c="dimmed">
            {about}
          </Text>
        )}
      </Group>
      <Group gap={4} mb="xs" mih={22} style={{ columnGap: 16 }} aria-hidden>
        {series.map(({ label, values }, index) => (
          <Text key={label} size="sm" className="legend">
            <span className="mark" style={{ background: colour(scheme, index) }} />
            {label} <strong>{unit(values[at] ?? null)}</strong>
          </Text>
        ))}
      </Group>
      <Box ref={frame} role="img" aria-label={`${title}: ${said}`} h={HEIGHT}>
        <div ref={place} />
      </Box>
    </Paper>
  );
}
