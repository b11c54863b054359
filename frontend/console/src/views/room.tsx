/** A room: who is in it, on all hubs, and what was said last, as far as the hub still has it. */
import { Anchor, Badge, Card, Code, Group, SimpleGrid, Stack, Text, Title } from "@mantine/core";
import { hub } from "../api/hub";
import { usePolled } from "../api/polled";
import { bytes, count, date } from "../figures/units";
import { Page, Trouble } from "../parts/page";
import { PAGE, Paging, usePlace } from "../parts/paging";
import { href } from "../route";

const EVERY_MS = 3_000;
/** Messages that are shown. */
const LAST = 30;
/** Characters that JSON may have on one line. */
const LINE = 80;
/** Characters of a message that are shown. */
const LONGEST = 600;

/** What the console reads of a message; it is the JSON form that clients get. */
interface Said {
  from?: string;
  data?: unknown;
  encoding?: string;
  message_type?: string;
  offset?: string;
  ts?: number;
}

export function RoomView({ name }: { name: string }) {
  const place = usePlace(name, "");
  const wanted = { limit: PAGE, after: place.after };
  const members = usePolled((signal) => hub.members(name, wanted, signal), JSON.stringify([name, wanted]), EVERY_MS);
  const history = usePolled((signal) => hub.history(name, LAST, signal), name, EVERY_MS);
  const said = (history.value?.messages ?? []) as Said[];
  const people = members.value?.clients ?? [];
  return (
    <Page
      title={name}
      back={{ href: href("rooms"), label: "Rooms" }}
      about={members.value && (members.value.total === 1 ? "1 client in it" : `${count(members.value.total)} clients in it`)}
      problem={members.problem}
      missing={members.value?.missing}
    >
      <SimpleGrid cols={{ base: 1, md: 2 }} spacing="sm" style={{ alignItems: "start" }}>
        <Card withBorder>
          <Title order={3} size="h4" mb="sm">
            Members
          </Title>
          <Stack gap="sm">
            <Group gap={6}>
              {people.map((client) => (
                <Badge
                  key={client}
                  size="lg"
                  variant="light"
                  tt="none"
                  fw={500}
                  component="a"
                  href={href("clients", client)}
                  className="link"
                >
                  {client}
                </Badge>
              ))}
              {people.length === 0 && !members.isLoading && <Text c="dimmed">Nobody is in it.</Text>}
            </Group>
            <Paging place={place} next={members.value?.next ?? undefined} shown={people.length} isLoading={members.isLoading} />
          </Stack>
        </Card>
        <Card withBorder>
          <Group justify="space-between" mb="sm">
            <Title order={3} size="h4">
              Last messages
            </Title>
            {history.value?.complete === false && (
              <Text size="xs" c="dimmed">
                older ones are not kept
              </Text>
            )}
          </Group>
          {history.problem && <Trouble problem={history.problem} />}
          <Stack gap="sm">
            {[...said].reverse().map((message, index) => (
              <Message key={message.offset ?? index} message={message} />
            ))}
            {said.length === 0 && !history.isLoading && <Text c="dimmed">Nothing was said, or none of it is kept.</Text>}
          </Stack>
        </Card>
      </SimpleGrid>
    </Page>
  );
}

function Message({ message }: { message: Said }) {
  const line = typeof message.data === "string" ? message.data : (JSON.stringify(message.data) ?? "");
  const text = line.length > LINE && typeof message.data !== "string" ? JSON.stringify(message.data, null, 1) : line;
  const long = text.length;
  return (
    <div>
      <Group gap="xs">
        {message.from ? (
          <Anchor href={href("clients", message.from)} size="sm" fw={600}>
            {message.from}
          </Anchor>
        ) : (
          <Text size="sm" fw={600}>
            the back end
          </Text>
        )}
        <Text size="xs" c="dimmed" className="figures">
          {message.ts !== undefined && date(message.ts)} {message.message_type}
        </Text>
      </Group>
      <Code block className="said">
        {message.encoding ? `(${bytes((long * 3) / 4)}, not text)` : long > LONGEST ? `${text.slice(0, LONGEST)}…` : text}
      </Code>
    </div>
  );
}
