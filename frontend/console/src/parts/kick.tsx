/** Asks before a client is thrown out, and says what came of it. */
import { Alert, Button, Text } from "@mantine/core";
import { useState } from "react";
import { hub, type Kicked, Refused } from "../api/hub";
import { Dialog } from "./dialog";

/** Whom. */
export interface Target {
  client: string;
  /** One of its connections; without it all. */
  only?: { node: string; connection: string } | undefined;
}

export function KickDialog({ target, onClose, onDone }: { target: Target | null; onClose: () => void; onDone?: () => void }) {
  const [kicked, setKicked] = useState<Kicked | null>(null);
  const [complaint, setComplaint] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);
  const close = () => {
    setKicked(null);
    setComplaint(null);
    onClose();
  };
  async function kick({ client, only }: Target) {
    setBusy(true);
    setComplaint(null);
    try {
      setKicked(await hub.kick(client, only));
      onDone?.();
    } catch (failure) {
      setComplaint(failure instanceof Refused ? failure.message : String(failure));
    } finally {
      setBusy(false);
    }
  }
  return (
    <Dialog
      title={`Kick ${target?.client ?? ""}?`}
      opened={target !== null}
      onClose={close}
      actions={
        <>
          <Button variant="default" onClick={close}>
            {kicked ? "Done" : "Cancel"}
          </Button>
          {!kicked && target && (
            <Button color="red" loading={isBusy} onClick={() => kick(target)}>
              Kick
            </Button>
          )}
        </>
      }
    >
      <Text size="sm">
        {target?.only
          ? `Its connection ${target.only.connection} on ${target.only.node} is closed with 4500.`
          : "All its connections, on every hub, are closed with 4500."}{" "}
        Its SDK does not come back by itself. It may connect anew: who must stay out needs a revoked token.
      </Text>
      {complaint && (
        <Alert role="alert" color="red" variant="light">
          {complaint}
        </Alert>
      )}
      {kicked && (
        <Alert role="status" color={kicked.missing.length > 0 ? "orange" : "green"} variant="light">
          {kicked.connections === 1 ? "1 connection was closed." : `${kicked.connections} connections were closed.`}
          {kicked.missing.map(({ node, error }) => (
            <div key={node}>
              {node} did not answer ({error}): the client may live on there.
            </div>
          ))}
        </Alert>
      )}
    </Dialog>
  );
}
