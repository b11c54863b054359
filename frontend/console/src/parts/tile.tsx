/** One figure, large. */
import { Paper, Text } from "@mantine/core";
import type { ReactNode } from "react";

interface Tile {
  label: string;
  value: string;
  /** What belongs to it, small. */
  note?: ReactNode;
}

export function Tile({ label, value, note }: Tile) {
  return (
    <Paper withBorder p="md" data-tile={label}>
      <Text size="xs" c="dimmed" fw={600} tt="uppercase" lts={0.4}>
        {label}
      </Text>
      <Text fz={28} fw={700} lh={1.25} className="figures" data-value>
        {value}
      </Text>
      <Text component="div" size="xs" c="dimmed" mih={18}>
        {note}
      </Text>
    </Paper>
  );
}
