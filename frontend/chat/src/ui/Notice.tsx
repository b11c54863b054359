/** What happened between the lines: somebody came, the hub changed, something is missing. */
import { Button } from "@mantine/core";
import { IconAlertTriangle, IconArrowsExchange, IconCircleCheck, IconHistory, IconUserMinus, IconUserPlus } from "@tabler/icons-react";
import type { Arrival, Gap, Moved } from "../model/entry.js";
import { lasted } from "../model/link.js";
import { gapReason, listed } from "../words.js";

/** The notice. */
export function Notice({ entry, room, onFill }: { entry: Gap | Arrival | Moved; room: boolean; onFill: (key: string) => void }) {
  if (entry.kind === "arrival") return <Arrived entry={entry} />;
  if (entry.kind === "moved") {
    return (
      <p className="notice">
        <IconArrowsExchange size={16} aria-hidden />
        <span>
          Back on {entry.node} after {lasted(entry.away)}
          {entry.complete ? ", nothing missed" : ""}
        </span>
      </p>
    );
  }
  return <Missing entry={entry} room={room} onFill={onFill} />;
}

function Arrived({ entry: { came, went } }: { entry: Arrival }) {
  return (
    <p className="notice">
      {came.length > 0 ? <IconUserPlus size={16} aria-hidden /> : <IconUserMinus size={16} aria-hidden />}
      <span>
        {came.length > 0 && `${listed(came)} came in`}
        {came.length > 0 && went.length > 0 && ", "}
        {went.length > 0 && `${listed(went)} left`}
      </span>
    </p>
  );
}

function Missing({ entry, room, onFill }: { entry: Gap; room: boolean; onFill: (key: string) => void }) {
  const { state, found, reason, key } = entry;
  const why = gapReason(reason);
  const lines = `${found} ${found === 1 ? "message" : "messages"}`;
  const good = state === "filled" || state === "empty";
  const words = {
    looking: `Some messages did not come: ${why}. Looking them up…`,
    filled: `${lines} did not come at first: ${why}. They are here now, nothing is missing.`,
    empty: "The connection had a gap. Nothing was said here meanwhile.",
    partly: `${found > 0 ? `${lines} could be looked up, but others` : "Messages"} may be missing here: ${why}.`,
    unknown: room
      ? `Messages are missing here: ${why}. They could not be looked up.`
      : `If somebody wrote to you alone just now, it is missing here: ${why}.`,
  }[state];
  return (
    <div className="notice notice-gap" data-good={good || undefined}>
      {good ? <IconCircleCheck size={18} aria-hidden /> : <IconAlertTriangle size={18} aria-hidden />}
      <span>{words}</span>
      {room && (state === "unknown" || state === "partly") && (
        <Button size="compact-xs" variant="light" leftSection={<IconHistory size={14} aria-hidden />} onClick={() => onFill(key)}>
          Look again
        </Button>
      )}
    </div>
  );
}
