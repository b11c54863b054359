/** Asks before the hub that serves the page is drained: it ends, and this page with it. */
import { Alert, Button, Text } from "@mantine/core";
import { useState } from "react";
import { hub, Refused } from "../api/hub";
import { Dialog } from "./dialog";

export function DrainDialog({ node, opened, onClose }: { node: string | undefined; opened: boolean; onClose: () => void }) {
  const [said, setSaid] = useState<{ ok: boolean; text: string } | null>(null);
  const [isBusy, setBusy] = useState(false);
  async function drain() {
    setBusy(true);
    try {
      const { began } = await hub.drain();
      setSaid({
        ok: true,
        text: began ? "It drains. Its clients go to other hubs, each in a slot of its own." : "It was draining already.",
      });
    } catch (failure) {
      setSaid({ ok: false, text: failure instanceof Refused ? failure.message : String(failure) });
    } finally {
      setBusy(false);
    }
  }
  const close = () => {
    setSaid(null);
    onClose();
  };
  return (
    <Dialog
      title={`Drain ${node ?? "this hub"}?`}
      opened={opened}
      onClose={close}
      actions={
        <>
          <Button variant="default" onClick={close}>
            {said?.ok ? "Done" : "Cancel"}
          </Button>
          {!said?.ok && (
            <Button color="red" loading={isBusy} onClick={drain}>
              Drain it
            </Button>
          )}
        </>
      }
    >
      <Text size="sm">
        It takes no more connections, sends its clients to other hubs at a pace, and ends. What starts it again is Kubernetes, or you. This
        page ends with it: open the console of another hub.
      </Text>
      {said && (
        <Alert role="status" color={said.ok ? "green" : "red"} variant="light">
          {said.text}
        </Alert>
      )}
    </Dialog>
  );
}
