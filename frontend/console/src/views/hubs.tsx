/** The hubs: how each is, which configuration it runs on, and what can be done to the one that serves the page. */
import {
  Alert,
  Badge,
  Button,
  Card,
  Code,
  CopyButton,
  Group,
  SimpleGrid,
  Stack,
  Text,
  Title,
  Tooltip,
  UnstyledButton,
} from "@mantine/core";
import { IconCheck, IconCopy, IconX } from "@tabler/icons-react";
import { useState } from "react";
import type { Node } from "../api/hub";
import { type Figures, sum } from "../figures/exposition";
import { count, date, latency, span } from "../figures/units";
import { type Live, useLive } from "../live";
import { DrainDialog } from "../parts/drain";
import { Page } from "../parts/page";
import { commonHash, self } from "../self";

const PHASES: Readonly<Record<string, string>> = { ready: "green", starting: "blue", draining: "orange", stopped: "gray" };

export function HubsView() {
  const live = useLive();
  const { nodes, cluster, history } = live;
  const items = nodes?.items ?? [];
  const me = self(items, cluster?.node, history.last?.figures);
  const common = commonHash(items);
  const differ = items.filter(({ config_hash: hash }) => hash !== common);
  const mode =
    cluster === undefined ? null : cluster.enabled ? "Cluster mode: messages go through etcd." : "Single mode: this hub is on its own.";
  const one = items.length > 1 && differ.length === 0 ? `All ${items.length} hubs run on one configuration.` : null;
  return (
    <Page title="Hubs" about={[mode, one].filter(Boolean).join(" ")} missing={nodes?.missing}>
      {differ.length > 0 && (
        <Alert color="orange" variant="light" title="The hubs do not run on one configuration">
          {differ.map(({ node }) => node).join(", ")}: another hash than the others. Right after a change that is normal; a hub that refuses
          the new settings says why below.
        </Alert>
      )}
      {nodes === undefined && history.last && <Text c="dimmed">This key does not open the list of hubs; this one is below.</Text>}
      <SimpleGrid cols={{ base: 1, md: 2, xl: 3 }} spacing="sm">
        {items.map((node) => (
          <HubCard key={node.node} node={node} isMe={node.node === me} isCommon={node.config_hash === common} />
        ))}
      </SimpleGrid>
      {history.last && <Readiness live={live} me={me} figures={history.last.figures} />}
    </Page>
  );
}

function HubCard({ node, isMe, isCommon }: { node: Node; isMe: boolean; isCommon: boolean }) {
  return (
    <Card withBorder data-hub={node.node}>
      <Group justify="space-between" wrap="nowrap" mb="xs">
        <Title order={3} size="h4" className="clip">
          {node.node}
        </Title>
        <Group gap={6} wrap="nowrap">
          {isMe && (
            <Badge variant="outline" color="gray">
              serves this page
            </Badge>
          )}
          <Badge variant="light" color={PHASES[node.phase] ?? "gray"}>
            {node.phase}
          </Badge>
        </Group>
      </Group>
      <dl className="facts">
        <dt>Connections</dt>
        <dd className="figures">{count(node.connections)}</dd>
        <dt>Configuration</dt>
        <dd>
          <Hash hash={node.config_hash} isCommon={isCommon} />
        </dd>
        <dt>Version</dt>
        <dd>{node.version}</dd>
        <dt>Up</dt>
        <dd title={date(node.started_at)}>{span(Date.now() - node.started_at)}</dd>
        {node.address && (
          <>
            <dt>Address</dt>
            <dd>{node.address}</dd>
          </>
        )}
      </dl>
      {node.config_error && (
        <Alert color="red" variant="light" mt="sm" title="Refuses the newest settings">
          {node.config_error}
        </Alert>
      )}
    </Card>
  );
}

/** A configuration's hash, to be compared and copied. */
function Hash({ hash, isCommon }: { hash: string; isCommon: boolean }) {
  return (
    <CopyButton value={hash}>
      {({ copied, copy }) => (
        <Tooltip label={copied ? "Copied" : "Copy"}>
          <UnstyledButton onClick={copy} className="hash" aria-label={`Copy the hash ${hash}`}>
            <Code c={isCommon ? undefined : "orange"}>{hash}</Code>
            {copied ? <IconCheck size={14} aria-hidden /> : <IconCopy size={14} aria-hidden />}
          </UnstyledButton>
        </Tooltip>
      )}
    </CopyButton>
  );
}

/** Hops of the delivery canary that are broken. */
function broken(figures: Figures): string[] {
  return (figures.get("gohub_canary_broken") ?? []).filter(({ value }) => value > 0).map(({ labels }) => labels.hop ?? "?");
}

/** What the hub that serves the page says of itself: the others' probes and figures are on their own listeners. */
function Readiness({ live, me, figures }: { live: Live; me: string | undefined; figures: Figures }) {
  const [isAsking, setAsking] = useState(false);
  const { ready, accepting, config, history } = live;
  const hops = broken(figures);
  const passed = sum(figures, "gohub_canary_latency_seconds_count") ?? 0;
  const took = history.moments.findLast(({ values }) => values.canaryMost !== null)?.values.canaryMost;
  const error = config?.status.last_error;
  const isDegraded = (sum(figures, "gohub_bus_degraded") ?? 0) > 0;
  return (
    <Card withBorder data-readiness>
      <Group justify="space-between" mb="sm">
        <div>
          <Title order={3} size="h4">
            Readiness of {me ?? "this hub"}
          </Title>
          <Text size="sm" c="dimmed">
            The hub that serves this page. Others answer for themselves, on their own admin listeners.
          </Text>
        </div>
        {config && (
          <Button color="red" variant="light" onClick={() => setAsking(true)} disabled={ready?.phase === "draining"}>
            Drain this hub
          </Button>
        )}
      </Group>
      <Stack gap={8}>
        {ready && (
          <Check ok={ready.ok} text={ready.ok ? "Serves: its listener is up and the bus delivers" : `Does not serve: ${ready.reason}`} />
        )}
        {accepting && (
          <Check ok={accepting.ok} text={accepting.ok ? "Takes more connections" : `Takes no more connections: ${accepting.reason}`} />
        )}
        <Check
          ok={hops.length === 0}
          text={
            hops.length > 0
              ? `The delivery canary does not pass ${hops.join(", ")}`
              : passed > 0
                ? `The delivery canary goes the whole way${took == null ? "" : ` in ${latency(took)}`}, ${count(passed)} times so far`
                : "The delivery canary has not gone its way yet"
          }
        />
        <Check ok={!isDegraded} text={isDegraded ? "The bus takes no publications" : "The bus takes publications"} />
        {config && (
          <Check ok={!error} text={error ? `Refuses the newest settings: ${error.message}` : "The newest settings are in force"} />
        )}
      </Stack>
      <DrainDialog node={me} opened={isAsking} onClose={() => setAsking(false)} />
    </Card>
  );
}

function Check({ ok, text }: { ok: boolean; text: string }) {
  const Icon = ok ? IconCheck : IconX;
  return (
    <Group gap="xs" wrap="nowrap" align="flex-start">
      <Icon size={18} aria-label={ok ? "good" : "bad"} role="img" className={ok ? "good" : "bad"} />
      <Text size="sm">{text}</Text>
    </Group>
  );
}
