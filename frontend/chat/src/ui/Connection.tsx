/** How the connection is, in plain words: a line beside one's name with the details behind it, and a banner when there is something to say. */
import { Button, Popover } from "@mantine/core";
import { IconArrowsExchange, IconCircleCheck, IconCloudOff, IconRefresh } from "@tabler/icons-react";
import { type Conversation, waiting } from "../model/conversation.js";
import { BACK_MS, type Link, lasted, latency, said } from "../model/link.js";
import type { Session } from "../session/session.js";
import { useNow } from "./clock.js";

/** Whether the words change with the time. */
function isMoving(link: Link): boolean {
  return link.state !== "open" || link.pausedUntil > Date.now() || (link.back !== undefined && Date.now() - link.back.at < BACK_MS + 1_000);
}

/** The line beside one's name. */
export function Connection({
  link,
  session,
  waiting,
  offset,
}: {
  link: Link;
  session: Session;
  waiting: readonly Conversation[];
  /** How far away the details open, in pixels. */
  offset: number;
}) {
  const now = useNow(500, isMoving(link));
  const { tone, title } = said(link, now);
  const took = latency(link);
  return (
    <Popover position="top-start" offset={offset} shadow="md" width={300} trapFocus returnFocus>
      <Popover.Target>
        <button type="button" className="connection" data-tone={tone}>
          <span className="connection-dot" aria-hidden="true" />
          {title}
          {took !== undefined && tone === "good" && <span className="connection-took"> · {lasted(took)}</span>}
          <span className="hidden">, details of the connection</span>
        </button>
      </Popover.Target>
      <Popover.Dropdown aria-label="Details of the connection">
        <Details link={link} session={session} waiting={waiting} />
      </Popover.Dropdown>
    </Popover>
  );
}

function Details({ link, session, waiting: conversations }: { link: Link; session: Session; waiting: readonly Conversation[] }) {
  const now = useNow(1_000, true);
  const { title, detail, tone } = said(link, now);
  const { returns, losses, since, heardAt, node, latencies } = link;
  const lines = conversations.reduce((sum, one) => sum + waiting(one).length, 0);
  const rows = [
    ["Hub", node ?? "none yet"],
    ["Connected for", since === undefined ? "not now" : lasted(now - since)],
    ["Last heartbeat", heardAt === undefined ? "none yet" : `${lasted(Math.max(now - heardAt, 0))} ago`],
    ["Answers in", latencies.length === 0 ? "not known" : lasted(latencies.reduce((sum, ms) => sum + ms, 0) / latencies.length)],
    ["Came back", returns === 0 ? "was never away" : `${returns} ${returns === 1 ? "time" : "times"}`],
    ["Missed", losses === 0 ? "nothing" : `${losses} ${losses === 1 ? "stretch" : "stretches"}, looked up`],
    ["Waiting to be sent", lines === 0 ? "nothing" : `${lines} ${lines === 1 ? "message" : "messages"}`],
  ];
  return (
    <div className="details">
      <p className="details-title" data-tone={tone}>
        <span className="connection-dot" aria-hidden="true" />
        {title}
      </p>
      {detail && <p className="muted">{detail}</p>}
      <Pulse latencies={latencies} />
      <dl>
        {rows.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {mayHurry(link) && <Hurry session={session} />}
    </div>
  );
}

/** The last answers' times, as a line. */
function Pulse({ latencies }: { latencies: readonly number[] }) {
  if (latencies.length < 2) return null;
  const most = Math.max(...latencies, 20);
  const points = latencies.map((ms, index) => `${(index / (latencies.length - 1)) * 260},${42 - (ms / most) * 36}`).join(" ");
  return (
    <svg
      className="pulse"
      viewBox="0 0 260 44"
      role="img"
      aria-label={`The last ${latencies.length} answers took at most ${lasted(Math.max(...latencies))}`}
    >
      <polyline points={points} fill="none" stroke="currentColor" strokeWidth="2" strokeLinejoin="round" />
    </svg>
  );
}

/** A hub that goes has given everybody a time: nobody comes earlier. */
function mayHurry({ state, drained }: Link): boolean {
  return state === "closed" || (state === "waiting" && !drained);
}

function Hurry({ session }: { session: Session }) {
  return (
    <Button size="xs" variant="light" leftSection={<IconRefresh size={16} aria-hidden />} onClick={() => session.reconnect()}>
      Connect now
    </Button>
  );
}

/** The banner above a conversation. */
export function Banner({ link, session }: { link: Link; session: Session }) {
  const now = useNow(250, isMoving(link));
  const { tone, title, detail } = said(link, now);
  const Sign = { good: IconCircleCheck, busy: IconArrowsExchange, bad: IconCloudOff }[tone];
  const shown = detail !== undefined || title !== "Connected";
  return (
    <div className="banner" data-tone={tone} hidden={!shown}>
      {shown && (
        <>
          <Sign size={20} aria-hidden />
          <p>
            <strong>{title}</strong>
            {detail && <span> {detail}</span>}
          </p>
          {mayHurry(link) && <Hurry session={session} />}
        </>
      )}
    </div>
  );
}

/** What a screen reader is told: once for each change, and no countdown. */
export function Spoken({ link }: { link: Link }) {
  const now = useNow(500, isMoving(link));
  const { title } = said(link, now);
  const back =
    title === "Back again" && link.back ? (link.back.complete ? " Nothing was missed." : " Something was missed and is looked up.") : "";
  return (
    <p className="hidden" role="status">
      {title}.{back}
    </p>
  );
}
