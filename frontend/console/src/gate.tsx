/** Asks for the API key, once for this tab. */
import { Alert, Button, Center, Code, Group, Paper, PasswordInput, Stack, Text, Title } from "@mantine/core";
import { IconKey } from "@tabler/icons-react";
import { type FormEvent, useState } from "react";
import { hub, Refused } from "./api/hub";
import { session } from "./api/key";
import { Logo } from "./parts/logo";

export function Gate() {
  const [key, setKey] = useState("");
  const [complaint, setComplaint] = useState<string | null>(null);
  const [isAsking, setAsking] = useState(false);

  async function submit(event: FormEvent) {
    event.preventDefault();
    const entered = key.trim();
    // What a header cannot carry is no key.
    if (!/^[\x21-\x7e]+$/.test(entered)) return setComplaint(entered ? "A key has no spaces and no accents." : "Enter a key.");
    setAsking(true);
    try {
      if (await hub.accepts(entered)) session.enter(entered);
      else setComplaint("The hub does not know this key.");
    } catch (failure) {
      setComplaint(failure instanceof Refused ? failure.message : String(failure));
    } finally {
      setAsking(false);
    }
  }

  return (
    <Center component="main" mih="100dvh" p="md">
      <Paper withBorder shadow="sm" p="xl" w="100%" maw={420} radius="lg">
        <form onSubmit={submit} noValidate>
          <Stack>
            <Group gap="sm">
              <Logo size={40} />
              <div>
                <Title order={1} size="h3">
                  gohub console
                </Title>
                <Text size="sm" c="dimmed">
                  {location.host}
                </Text>
              </div>
            </Group>
            {session.reason() && !complaint && (
              <Alert color="orange" variant="light">
                {session.reason()}
              </Alert>
            )}
            <PasswordInput
              label="API key"
              description={
                <>
                  One of <Code>admin.api_keys</Code>, or a key with the scopes you need. It stays in this tab and ends with it.
                </>
              }
              leftSection={<IconKey size={18} aria-hidden />}
              autoComplete="off"
              autoFocus
              value={key}
              error={complaint}
              onChange={(event) => {
                setKey(event.currentTarget.value);
                setComplaint(null);
              }}
            />
            <Button type="submit" loading={isAsking} fullWidth>
              Open the console
            </Button>
          </Stack>
        </form>
      </Paper>
    </Center>
  );
}
