/** What every view has: its title, what it is about, what can be done, and what went wrong. */
import { Alert, Anchor, Group, Stack, Text, Title } from "@mantine/core";
import { IconAlertTriangle, IconArrowLeft, IconLock, IconPlugConnectedX } from "@tabler/icons-react";
import type { ReactNode } from "react";
import type { Missing, Refused } from "../api/hub";

interface Frame {
  title: string;
  /** One line under it. */
  about?: ReactNode;
  /** Where it came from. */
  back?: { href: string; label: string };
  actions?: ReactNode;
  problem?: Refused | undefined;
  missing?: readonly Missing[] | undefined;
  children: ReactNode;
}

export function Page({ title, about, back, actions, problem, missing, children }: Frame) {
  return (
    <Stack gap="md" maw={1280} mx="auto">
      <Group justify="space-between" align="flex-end" gap="sm">
        <div className="clip">
          {back && (
            <Anchor href={back.href} size="sm" mb={4} display="inline-flex" className="with-icon">
              <IconArrowLeft size={16} aria-hidden /> {back.label}
            </Anchor>
          )}
          <Title order={2} size="h2" className="clip">
            {title}
          </Title>
          {about && (
            <Text component="div" c="dimmed" size="sm" mt={2}>
              {about}
            </Text>
          )}
        </div>
        {actions && <Group gap="xs">{actions}</Group>}
      </Group>
      {problem && <Trouble problem={problem} />}
      <Silent missing={missing} />
      {children}
    </Stack>
  );
}

/** Why a call failed. */
export function Trouble({ problem }: { problem: Refused }) {
  const isKey = problem.status === 403;
  const isNet = problem.status === 0;
  const [title, Icon] = isKey
    ? (["This key does not open it", IconLock] as const)
    : isNet
      ? (["No answer", IconPlugConnectedX] as const)
      : (["The hub refused", IconAlertTriangle] as const);
  return (
    <Alert role="alert" color={isKey ? "yellow" : "red"} variant="light" icon={<Icon />} title={title}>
      {problem.message}
    </Alert>
  );
}

/** Hubs that did not answer: what is shown is not all there is. */
function Silent({ missing }: { missing: readonly Missing[] | undefined }) {
  if (!missing?.length) return null;
  return (
    <Alert
      role="status"
      color="orange"
      variant="light"
      icon={<IconAlertTriangle />}
      title="Not all hubs answered: what they have is not here"
    >
      {missing.map(({ node, error }) => (
        <div key={node}>
          <strong>{node}</strong>: {error}
        </div>
      ))}
    </Alert>
  );
}
