/** A client's black box: what became of each of its connections, open or ended a while ago, on all hubs. */
import { Badge, Button, Card, Group, SimpleGrid, Stack, Text, Timeline, Title } from "@mantine/core";
import { IconDoorExit } from "@tabler/icons-react";
import { useState } from "react";
import { hub, type Life } from "../api/hub";
import { usePolled } from "../api/polled";
import { bytes, count, date, moment } from "../figures/units";
import { KickDialog, type Target } from "../parts/kick";
import { Page } from "../parts/page";
import { href } from "../route";
import { type Gravity, standing, tell } from "../story";

const EVERY_MS = 2_000;
const COLOURS: Readonly<Record<Gravity, string>> = { calm: "gray", good: "green", worry: "orange", bad: "red" };

export function ClientView({ id }: { id: string }) {
  const [target, setTarget] = useState<Target | null>(null);
  const { value, problem, isLoading, again } = usePolled((signal) => hub.why(id, signal), id, EVERY_MS);
  const lives = value?.lives ?? [];
  const open = lives.filter(({ end }) => !end).length;
  return (
    <Page
      title={id}
      back={{ href: href("clients"), label: "Clients" }}
      about={value && `${open === 1 ? "1 open connection" : `${open} open connections`}, ${lives.length - open} that ended not long ago`}
      actions={
        <Button
          color="red"
          leftSection={<IconDoorExit size={18} aria-hidden />}
          disabled={open === 0}
          onClick={() => setTarget({ client: id })}
        >
          Kick
        </Button>
      }
      problem={problem}
      missing={value?.missing}
    >
      {lives.length === 0 && !isLoading && !problem && (
        <Card withBorder>
          <Text c="dimmed">
            No hub knows a connection of it, open or ended a while ago. A hub that was killed takes what it knew with it.
          </Text>
        </Card>
      )}
      {lives.map((life) => (
        <LifeCard
          key={`${life.node}/${life.connection}`}
          life={life}
          isAlone={open <= 1}
          onKick={() => setTarget({ client: id, only: { node: life.node, connection: life.connection } })}
        />
      ))}
      <KickDialog target={target} onClose={() => setTarget(null)} onDone={again} />
    </Page>
  );
}

function LifeCard({ life, isAlone, onKick }: { life: Life; isAlone: boolean; onKick: () => void }) {
  const { end, counts, now } = life;
  const stands = standing(life);
  return (
    <Card withBorder data-life={end ? "ended" : "open"}>
      <Group justify="space-between" align="flex-start" mb="sm">
        <div className="clip">
          <Group gap="xs">
            <Title order={3} size="h4">
              On {life.node}
            </Title>
            {end ? (
              <Badge color={end.code === 1000 || end.code === 1001 ? "gray" : "red"} variant="light">
                closed, {end.code}
              </Badge>
            ) : (
              <Badge color="green" variant="light">
                open
              </Badge>
            )}
            {(now?.blocked || now?.paused) && (
              <Badge color="orange" variant="light">
                {now.blocked ? "does not read" : "over a limit"}
              </Badge>
            )}
          </Group>
          <Text size="sm" c="dimmed" className="clip">
            {date(life.opened_at)} from {life.address}, {life.format}, connection {life.connection}
          </Text>
        </div>
        {!end && !isAlone && (
          <Button size="xs" color="red" variant="light" onClick={onKick}>
            Kick this one
          </Button>
        )}
      </Group>
      <SimpleGrid cols={{ base: 2, sm: 4 }} spacing="xs" mb="md">
        <Fact label="Published" value={count(counts.published)} />
        <Fact label="Received" value={count(counts.delivered)} />
        <Fact label="Sent to it" value={bytes(counts.bytes_sent)} />
        <Fact label="Refused" value={count(counts.refused)} />
      </SimpleGrid>
      {stands.length > 0 && (
        <Text size="sm" mb="sm">
          Now: {stands.join("; ")}.
        </Text>
      )}
      {now && now.rooms.length > 0 && (
        <Group gap={4} mb="md">
          <Text size="sm">In</Text>
          {now.rooms.map((room) => (
            <Badge key={room} variant="light" color="gray" tt="none" fw={500} component="a" href={href("rooms", room)} className="link">
              {room}
            </Badge>
          ))}
        </Group>
      )}
      <Story life={life} />
    </Card>
  );
}

function Story({ life }: { life: Life }) {
  const lines = tell(life);
  return (
    <Stack gap="xs">
      {life.events_dropped > 0 && (
        <Text size="sm" c="dimmed">
          {count(life.events_dropped)} older events were not kept (<code>why.events</code>).
        </Text>
      )}
      <Timeline bulletSize={14} lineWidth={2} active={lines.length} className="story">
        {lines.map((line, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: lines are only ever added at the end
          <Timeline.Item key={index} color={COLOURS[line.gravity]} lineVariant="solid">
            <Text size="sm" fw={line.gravity === "bad" ? 600 : undefined} className="clip">
              {line.text}
              {line.until !== null && `, ${count(line.times)} times`}
            </Text>
            <Text size="xs" c="dimmed" className="figures clip">
              {moment(line.at)}
              {line.until !== null && ` to ${moment(line.until)}`}
              {line.detail && ` · ${line.detail}`}
            </Text>
          </Timeline.Item>
        ))}
      </Timeline>
    </Stack>
  );
}

function Fact({ label, value }: { label: string; value: string }) {
  return (
    <div>
      <Text size="xs" c="dimmed">
        {label}
      </Text>
      <Text fw={600} className="figures">
        {value}
      </Text>
    </div>
  );
}
