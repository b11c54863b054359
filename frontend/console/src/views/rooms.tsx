/** Rooms somebody is in, on all hubs. */
import { Anchor, CloseButton, Group, Paper, Table, Text, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { IconSearch } from "@tabler/icons-react";
import { useState } from "react";
import { hub } from "../api/hub";
import { usePolled } from "../api/polled";
import { count } from "../figures/units";
import { Page } from "../parts/page";
import { PAGE, Paging, usePlace, within } from "../parts/paging";
import { href } from "../route";

const EVERY_MS = 5_000;

export function RoomsView() {
  const [typed, setTyped] = useState("");
  const [prefix] = useDebouncedValue(typed.trim(), 250);
  const place = usePlace(prefix, prefix);
  const wanted = { limit: PAGE, after: place.after };
  const { value, problem, isLoading } = usePolled((signal) => hub.rooms(wanted, signal), JSON.stringify([wanted, prefix]), EVERY_MS);
  const { items, next } = within(value?.items ?? [], value?.next, prefix, ({ room }) => room);
  return (
    <Page title="Rooms" about="Rooms somebody is in, on all hubs." problem={problem} missing={value?.missing}>
      <TextInput
        label="Room begins with"
        placeholder="lobby"
        leftSection={<IconSearch size={16} aria-hidden />}
        rightSection={typed && <CloseButton aria-label="Clear the search" size="sm" onClick={() => setTyped("")} />}
        value={typed}
        onChange={(event) => setTyped(event.currentTarget.value)}
        maw={420}
      />
      <Paper withBorder className="list" aria-busy={isLoading}>
        <Table verticalSpacing="xs" horizontalSpacing="md" highlightOnHover>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Room</Table.Th>
              <Table.Th ta="right">Connections</Table.Th>
              <Table.Th>Hubs</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {items.map(({ room, members, nodes }) => (
              <Table.Tr key={room} data-room={room}>
                <Table.Td className="clip">
                  <Anchor href={href("rooms", room)} fw={600}>
                    {room}
                  </Anchor>
                </Table.Td>
                <Table.Td ta="right" className="figures">
                  {count(members)}
                </Table.Td>
                <Table.Td>
                  <Group gap={4}>{nodes.length > 3 ? `${nodes.length} hubs` : nodes.join(", ")}</Group>
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
        {items.length === 0 && !isLoading && !problem && (
          <Text c="dimmed" p="lg" ta="center">
            {prefix ? "Nobody is in a room called like this." : "Nobody is in a room."}
          </Text>
        )}
      </Paper>
      <Paging place={place} next={next} shown={items.length} isLoading={isLoading} />
    </Page>
  );
}
