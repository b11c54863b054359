/** The settings of the hub that serves the page: which are in force, its limits, a change tried on it, all of them, and its log level. */
import { Alert, Badge, Card, Code, Group, Select, SimpleGrid, Stack, Switch, Table, Text, TextInput, Title } from "@mantine/core";
import { IconSearch } from "@tabler/icons-react";
import { useMemo, useState } from "react";
import schema from "../../../../config/settings.schema.json";
import { type Config, hub, Refused } from "../api/hub";
import { usePolled } from "../api/polled";
import { date } from "../figures/units";
import { Page } from "../parts/page";
import { Prose } from "../parts/prose";
import { type Schema, type Setting, settings, shown } from "../settings/tree";
import { Limits } from "./limits";

const EVERY_MS = 3_000;
const LEVELS = ["off", "error", "warn", "info", "debug", "trace"];

export function SettingsView() {
  const { value, problem } = usePolled((signal) => hub.config(signal), "config", EVERY_MS);
  const yaml = value?.settings;
  const all = useMemo(() => (yaml ? settings(yaml, schema as Schema) : []), [yaml]);
  return (
    <Page
      title="Settings"
      about="Of the hub that serves this page. All hubs of a cluster run on one configuration: compare the hashes."
      problem={problem}
    >
      {value && (
        <>
          <SimpleGrid cols={{ base: 1, md: 2 }} spacing="sm">
            <InForce config={value} />
            <LogLevel />
          </SimpleGrid>
          <Limits yaml={value.settings} all={all} />
          <All all={all} />
        </>
      )}
    </Page>
  );
}

function InForce({ config }: { config: Config }) {
  const { loaded_hash: hash, loaded_at: at, last_error: error, restart_required: restart } = config.status;
  return (
    <Card withBorder>
      <Title order={3} size="h4" mb="sm">
        In force
      </Title>
      <dl className="facts">
        <dt>Hash</dt>
        <dd>
          <Code>{hash}</Code>
        </dd>
        <dt>Loaded</dt>
        <dd>{date(at)}</dd>
        <dt>After a restart</dt>
        <dd>{restart.length === 0 ? "nothing waits for one" : restart.join(", ")}</dd>
      </dl>
      {error && (
        <Alert color="red" variant="light" mt="sm" title={`The newest settings are refused since ${date(error.since)}`}>
          {error.message}
        </Alert>
      )}
    </Card>
  );
}

function LogLevel() {
  const { value, again } = usePolled((signal) => hub.logLevel(signal), "level", EVERY_MS);
  const [complaint, setComplaint] = useState<string | null>(null);
  const level = value?.level ?? null;
  async function put(wanted: string | null) {
    if (wanted === null) return;
    setComplaint(null);
    try {
      await hub.setLogLevel(wanted);
      again();
    } catch (failure) {
      setComplaint(failure instanceof Refused ? failure.message : String(failure));
    }
  }
  // What was set by hand may be finer than the list.
  const levels = level === null || LEVELS.includes(level) ? LEVELS : [level, ...LEVELS];
  return (
    <Card withBorder>
      <Title order={3} size="h4" mb="sm">
        Log level
      </Title>
      <Select
        label="Level of this hub's log"
        description="Counts at once, until it is set again or log.level changes in the settings."
        data={levels}
        value={level}
        onChange={put}
        allowDeselect={false}
        error={complaint}
        disabled={level === null}
      />
    </Card>
  );
}

function All({ all }: { all: readonly Setting[] }) {
  const [wanted, setWanted] = useState("");
  const [onlyChanged, setOnlyChanged] = useState(true);
  const words = wanted.toLowerCase().trim();
  const found = all.filter(({ path, text, isChanged }) => (!onlyChanged || isChanged) && `${path} ${text}`.toLowerCase().includes(words));
  return (
    <Card withBorder>
      <Group justify="space-between" align="flex-end" mb="sm">
        <div>
          <Title order={3} size="h4">
            All settings
          </Title>
          <Text size="sm" c="dimmed">
            {found.length} of {all.length}; secrets are struck out
          </Text>
        </div>
        <Group align="center">
          <Switch
            label="Only what differs from the defaults"
            checked={onlyChanged}
            onChange={(event) => setOnlyChanged(event.currentTarget.checked)}
          />
          <TextInput
            aria-label="Find a setting"
            placeholder="Find a setting"
            leftSection={<IconSearch size={16} aria-hidden />}
            value={wanted}
            onChange={(event) => setWanted(event.currentTarget.value)}
          />
        </Group>
      </Group>
      {found.length === 0 ? (
        <Text c="dimmed">None fits.</Text>
      ) : (
        <Table verticalSpacing="xs" layout="fixed">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Setting</Table.Th>
              <Table.Th>Value</Table.Th>
              <Table.Th visibleFrom="md" w="45%">
                What it does
              </Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {found.map((setting) => (
              <Table.Tr key={setting.path}>
                <Table.Td className="clip" fw={500}>
                  {setting.path}
                </Table.Td>
                <Table.Td className="clip">
                  <Stack gap={2} align="flex-start">
                    <Code>{shown(setting.value)}</Code>
                    {setting.isChanged && (
                      <Badge size="sm" variant="light" color="blue" tt="none">
                        default {shown(setting.initial)}
                      </Badge>
                    )}
                  </Stack>
                </Table.Td>
                <Table.Td visibleFrom="md">
                  <Text size="sm" c="dimmed">
                    <Prose text={setting.text} />
                  </Text>
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
    </Card>
  );
}
