/** Who is connected, on all hubs: found by the beginning of a name, by room, by hub; page by page. */
import {
  ActionIcon,
  Anchor,
  Badge,
  CloseButton,
  Group,
  Paper,
  Select,
  Table,
  Text,
  TextInput,
  Tooltip,
  VisuallyHidden,
} from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { IconDoorExit, IconHash, IconSearch } from "@tabler/icons-react";
import { useState } from "react";
import { hub } from "../api/hub";
import { usePolled } from "../api/polled";
import { date, span } from "../figures/units";
import { useLive } from "../live";
import { KickDialog, type Target } from "../parts/kick";
import { Page } from "../parts/page";
import { PAGE, Paging, usePlace, within } from "../parts/paging";
import { href } from "../route";

const EVERY_MS = 5_000;
/** Rooms of a client that fit into a row. */
const ROOMS = 3;

export function ClientsView() {
  const [typed, setTyped] = useState("");
  const [typedRoom, setTypedRoom] = useState("");
  const [node, setNode] = useState<string | null>(null);
  const [target, setTarget] = useState<Target | null>(null);
  const [prefix] = useDebouncedValue(typed.trim(), 250);
  const [room] = useDebouncedValue(typedRoom.trim(), 250);
  const { nodes } = useLive();
  const place = usePlace(JSON.stringify([prefix, room, node]), prefix);
  const wanted = { limit: PAGE, after: place.after, ...(room ? { room } : {}), ...(node ? { node } : {}) };
  const { value, problem, isLoading, again } = usePolled(
    (signal) => hub.clients(wanted, signal),
    JSON.stringify([wanted, prefix]),
    EVERY_MS,
  );
  const { items, next } = within(value?.items ?? [], value?.next, prefix, ({ client_id: id }) => id);

  return (
    <Page title="Clients" about="Connections of all hubs, by client." problem={problem} missing={value?.missing}>
      <div className="filters">
        <TextInput
          label="Client begins with"
          placeholder="alice"
          leftSection={<IconSearch size={16} aria-hidden />}
          rightSection={typed && <CloseButton aria-label="Clear the search" size="sm" onClick={() => setTyped("")} />}
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
          className="wide"
        />
        <TextInput
          label="In room"
          placeholder="any"
          leftSection={<IconHash size={16} aria-hidden />}
          rightSection={typedRoom && <CloseButton aria-label="Clear the room" size="sm" onClick={() => setTypedRoom("")} />}
          value={typedRoom}
          onChange={(event) => setTypedRoom(event.currentTarget.value)}
        />
        <Select
          label="On hub"
          placeholder="all"
          clearable
          clearButtonProps={{ "aria-label": "All hubs" }}
          data={(nodes?.items ?? []).map((known) => known.node)}
          value={node}
          onChange={setNode}
        />
      </div>
      <Paper withBorder className="list" aria-busy={isLoading}>
        <Table verticalSpacing="xs" horizontalSpacing="md" highlightOnHover>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Client</Table.Th>
              <Table.Th>Hub</Table.Th>
              <Table.Th visibleFrom="sm">Rooms</Table.Th>
              <Table.Th visibleFrom="md">Address</Table.Th>
              <Table.Th visibleFrom="sm">Connected</Table.Th>
              <Table.Th w={56}>
                <VisuallyHidden>Kick</VisuallyHidden>
              </Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {items.map((client) => (
              <Table.Tr key={`${client.node}/${client.connection}`} data-client={client.client_id}>
                <Table.Td className="clip">
                  <Anchor href={href("clients", client.client_id)} fw={600}>
                    {client.client_id}
                  </Anchor>
                  <Text size="xs" c="dimmed" hiddenFrom="sm">
                    {client.rooms.length === 1 ? "1 room" : `${client.rooms.length} rooms`}, for {span(Date.now() - client.connected_at)}
                  </Text>
                </Table.Td>
                <Table.Td>{client.node}</Table.Td>
                <Table.Td visibleFrom="sm">
                  <Rooms rooms={client.rooms} />
                </Table.Td>
                <Table.Td visibleFrom="md" className="figures">
                  {client.address}
                </Table.Td>
                <Table.Td visibleFrom="sm" className="figures" title={date(client.connected_at)}>
                  {span(Date.now() - client.connected_at)}
                </Table.Td>
                <Table.Td>
                  <Tooltip label="Kick">
                    <ActionIcon
                      variant="subtle"
                      color="red"
                      aria-label={`Kick ${client.client_id}`}
                      onClick={() => setTarget({ client: client.client_id })}
                    >
                      <IconDoorExit size={18} />
                    </ActionIcon>
                  </Tooltip>
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
        {items.length === 0 && !isLoading && !problem && (
          <Text c="dimmed" p="lg" ta="center">
            {prefix || room || node ? "Nobody who fits is connected." : "Nobody is connected."}
            {prefix && (
              <>
                {" "}
                <Anchor href={href("clients", prefix)}>What became of “{prefix}”?</Anchor>
              </>
            )}
          </Text>
        )}
      </Paper>
      <Paging place={place} next={next} shown={items.length} isLoading={isLoading} />
      <KickDialog target={target} onClose={() => setTarget(null)} onDone={again} />
    </Page>
  );
}

function Rooms({ rooms }: { rooms: readonly string[] }) {
  const rest = rooms.length - ROOMS;
  return (
    <Group gap={4}>
      {rooms.slice(0, ROOMS).map((room) => (
        <Badge key={room} variant="light" color="gray" tt="none" fw={500} component="a" href={href("rooms", room)} className="link">
          {room}
        </Badge>
      ))}
      {rest > 0 && (
        <Text size="xs" c="dimmed">
          and {rest} more
        </Text>
      )}
    </Group>
  );
}
