/** Pages of a list that is asked for key by key: one can go on, and back the way one came. */
import { Button, Group, Text } from "@mantine/core";
import { IconChevronLeft, IconChevronRight } from "@tabler/icons-react";
import { useState } from "react";

/** Items of one page. */
export const PAGE = 50;

/** Where one is in a list: the keys that the pages up to here came after. */
export interface Place {
  after: string | undefined;
  number: number;
  forward: (next: string) => void;
  back: () => void;
}

/** Begins anew when `question` changes. A search by prefix is a list that begins just before it. */
export function usePlace(question: string, prefix: string): Place {
  const [{ asked, trail }, set] = useState<{ asked: string; trail: readonly string[] }>({ asked: question, trail: [] });
  const mine = asked === question ? trail : [];
  return {
    after: mine.at(-1) ?? justBefore(prefix),
    number: mine.length + 1,
    forward: (next) => set({ asked: question, trail: [...mine, next] }),
    back: () => set({ asked: question, trail: mine.slice(0, -1) }),
  };
}

/** A key that comes before all that begin with `prefix`, and after all others that do: lists are in the order of code points, and answer with what comes after. */
export function justBefore(prefix: string): string | undefined {
  const points = [...prefix];
  const last = points.pop()?.codePointAt(0);
  if (!last) return undefined;
  // There is no character at the surrogates.
  return points.join("") + String.fromCodePoint(last === 0xe000 ? 0xd7ff : last - 1, 0x10ffff);
}

/** The part of a page whose keys begin with `prefix`, and what comes after it. Keys stand in order, so nothing that fits comes after one that does not. */
export function within<T>(items: readonly T[], next: string | null | undefined, prefix: string, key: (item: T) => string) {
  const fitting = items.filter((item) => key(item).startsWith(prefix));
  return { items: fitting, next: next && fitting.length === items.length ? next : undefined };
}

interface Part {
  place: Place;
  next: string | undefined;
  shown: number;
  /** Whether this page is still asked for: what is shown is the one before, and so is its `next`. */
  isLoading: boolean;
}

export function Paging({ place, next, shown, isLoading }: Part) {
  if (place.number === 1 && !next) return null;
  return (
    <Group justify="space-between">
      <Text size="sm" c="dimmed" role="status">
        Page {place.number}, {isLoading ? "asking" : `${shown} shown`}
      </Text>
      <Group gap="xs">
        <Button
          variant="default"
          size="xs"
          leftSection={<IconChevronLeft size={16} />}
          disabled={isLoading || place.number === 1}
          onClick={place.back}
        >
          Back
        </Button>
        <Button
          variant="default"
          size="xs"
          rightSection={<IconChevronRight size={16} />}
          disabled={isLoading || !next}
          onClick={() => next && place.forward(next)}
        >
          Next
        </Button>
      </Group>
    </Group>
  );
}
