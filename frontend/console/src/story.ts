/** The black box of a connection in words: what `gohub why` says, for the page. */
import type { Entry, Life } from "./api/hub";
import { bytes, count, span } from "./figures/units";

/** How grave it is. */
export type Gravity = "calm" | "good" | "worry" | "bad";

/** One line of the story. */
export interface Line {
  at: number;
  /** When the last time, for what happened several times in a row. */
  until: number | null;
  times: number;
  text: string;
  detail: string | null;
  gravity: Gravity;
}

/** All that happened on a connection, oldest first. */
export function tell(life: Life): Line[] {
  const began: Line = {
    ...{ at: life.opened_at, until: null, times: 1, detail: null },
    text:
      { true: "Connected, went on where it was", false: "Connected, wanted to go on where it was and could not" }[String(life.recovered)] ??
      "Connected",
    gravity: life.recovered === false ? "worry" : "good",
  };
  const lines = [began, ...life.events.map(line)];
  if (life.end) {
    const { at, by, code, reason, unsent_bytes: unsent, behind_bytes: behind } = life.end;
    const who = by === "client" ? "by the client" : by === "network" ? "because the stream was gone" : "by the hub";
    const lost = unsent + behind > 0 ? `not sent: ${bytes(unsent)} of its own; the log was ${bytes(behind)} ahead of it` : null;
    // 1000 and 1001 are how clients and hubs say goodbye.
    const gravity = code === 1000 || code === 1001 ? "calm" : "bad";
    lines.push({ at, until: null, times: 1, text: `Closed ${who}, ${code}: ${reason}`, detail: lost, gravity });
  }
  return lines;
}

function line(entry: Entry): Line {
  const [text, gravity] = words(entry);
  const by = { back_end: " by the back end", rights: ": it may not be there any more" }[entry.by ?? ""] ?? "";
  return {
    at: entry.at,
    until: entry.times > 1 ? (entry.until ?? null) : null,
    times: entry.times,
    text: text + by,
    detail: entry.detail ?? null,
    gravity,
  };
}

function words({ what, room, code }: Entry): [string, Gravity] {
  switch (what) {
    case "joined":
      return [`Entered ${room}`, "good"];
    case "left":
      return [`Left ${room}`, "calm"];
    case "published":
      return ["Published", "calm"];
    case "refused":
      return [`Was refused: ${code}`, "worry"];
    case "limited":
      return [`Reached ${code}, was not read from for a while`, "worry"];
    case "blocked":
      return ["Took no more bytes", "worry"];
    case "gap":
      return [`Missed messages: ${code}`, "bad"];
    case "new_epoch":
      return ["The epoch changed", "worry"];
    case "token_ends":
      return ["Was told that its token ends", "calm"];
    case "refreshed":
      return ["Brought a new token", "good"];
    case "rights_changed":
      return ["The back end changed what it may do", "calm"];
    case "drain":
      return ["Was told that the hub goes", "calm"];
    default:
      // A newer hub's word.
      return [what.replaceAll("_", " "), "calm"];
  }
}

/** How an open connection stands, in a few words each. */
export function standing(life: Life): string[] {
  const { now } = life;
  if (!now) return [];
  const said = [`last sign of life ${span(now.silent_ms)} ago`];
  if (now.blocked) said.push("takes no bytes");
  if (now.paused) said.push("is not read from: over a limit");
  if (now.expires_in_ms != null) said.push(`its token ends in ${span(now.expires_in_ms)}`);
  const waiting = now.unsent_bytes + now.pending_bytes;
  if (waiting > 0) said.push(`${bytes(waiting)} wait for it`);
  if (now.inflight > 0) said.push(`${count(now.inflight)} requests under way`);
  return said;
}
