/**
 * The limits in force, and a change of them tried on the hub: it judges the change as a reload would, and nothing counts yet. The admin API has no call that
 * puts settings in force: they come from the settings file or the `GoHub` resource, so that is where the change goes.
 */
import { Alert, Button, Card, Code, CopyButton, Group, SimpleGrid, Stack, Text, TextInput, Title } from "@mantine/core";
import { IconCheck, IconCopy } from "@tabler/icons-react";
import { useState } from "react";
import { type Checked, hub, Refused } from "../api/hub";
import { Prose } from "../parts/prose";
import { type Edits, fragment, read, type Setting, shown, whole } from "../settings/tree";

/** What the hub said of a change, and of which. */
type Verdict = { of: string; checked: Checked; veiled: readonly string[] } | { of: string; complaint: string; field?: string | undefined };

export function Limits({ yaml, all }: { yaml: string; all: readonly Setting[] }) {
  const limits = all.filter(({ path }) => path.startsWith("limits."));
  const [typed, setTyped] = useState<ReadonlyMap<string, string>>(new Map());
  const [verdict, setVerdict] = useState<Verdict | null>(null);
  const [isAsking, setAsking] = useState(false);

  const edits = new Map<string, number | string>();
  const complaints = new Map<string, string>();
  for (const setting of limits) {
    const text = typed.get(setting.path);
    if (text === undefined || text.trim() === String(setting.value)) continue;
    const said = read(text, setting);
    if ("complaint" in said) complaints.set(setting.path, said.complaint);
    else edits.set(setting.path, said.value);
  }
  const change = fragment(edits);
  const judged = verdict?.of === change ? verdict : null;

  async function ask() {
    setAsking(true);
    const file = whole(yaml, edits);
    try {
      setVerdict({ of: change, checked: await hub.check(file.yaml), veiled: file.veiled });
    } catch (failure) {
      const { message, field } = failure instanceof Refused ? failure : { message: String(failure), field: undefined };
      setVerdict({ of: change, complaint: message, field });
    } finally {
      setAsking(false);
    }
  }

  return (
    <Card withBorder data-limits>
      <Title order={3} size="h4">
        Limits
      </Title>
      <Text size="sm" c="dimmed" mb="md">
        These count now. Write other values to have the hub judge them; they count when they stand in the settings file, or in{" "}
        <Code>spec.config</Code> of the <Code>GoHub</Code>, which hubs follow while they run. The admin API has no call that changes them.
      </Text>
      <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }} spacing="md">
        {limits.map((setting) => (
          <TextInput
            key={setting.path}
            label={setting.path.replace(/^limits\./, "")}
            description={<Prose text={setting.text} />}
            inputWrapperOrder={["label", "input", "error", "description"]}
            value={typed.get(setting.path) ?? String(setting.value)}
            error={
              complaints.get(setting.path) ?? (judged && "field" in judged && judged.field === setting.path ? judged.complaint : undefined)
            }
            onChange={(event) => setTyped(new Map(typed).set(setting.path, event.currentTarget.value))}
            classNames={{ description: "brief" }}
            data-edited={edits.has(setting.path) || undefined}
          />
        ))}
      </SimpleGrid>
      {edits.size > 0 && (
        <Stack mt="lg" gap="sm">
          <Code block>{change}</Code>
          {judged && <Judgement verdict={judged} edits={edits} all={all} />}
          <Group>
            <Button onClick={ask} loading={isAsking} disabled={complaints.size > 0}>
              Have it judged
            </Button>
            <CopyButton value={change}>
              {({ copied, copy }) => (
                <Button variant="default" onClick={copy} leftSection={copied ? <IconCheck size={16} /> : <IconCopy size={16} />}>
                  {copied ? "Copied" : "Copy as YAML"}
                </Button>
              )}
            </CopyButton>
            <Button variant="subtle" color="gray" onClick={() => setTyped(new Map())}>
              Forget it
            </Button>
          </Group>
        </Stack>
      )}
    </Card>
  );
}

function Judgement({ verdict, edits, all }: { verdict: Verdict; edits: Edits; all: readonly Setting[] }) {
  if ("complaint" in verdict) {
    return (
      <Alert role="alert" color="red" variant="light" title="The hub would refuse this">
        {verdict.complaint}
      </Alert>
    );
  }
  const { checked } = verdict;
  const kept = new Set(checked.changed);
  const unchanged = [...edits.keys()].filter((path) => !kept.has(path));
  return (
    <Alert role="status" color="green" variant="light" title="The hub would take this">
      {[...edits].map(([path, value]) => (
        <div key={path}>
          <strong>{path}</strong>: {shown(all.find((setting) => setting.path === path)?.value)} → {shown(value)}
          {checked.restart_required.includes(path) && ", after a restart"}
          {unchanged.includes(path) && " (the hub sees no difference)"}
        </div>
      ))}
    </Alert>
  );
}
