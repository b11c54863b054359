/** What went wrong, and why something is missing, in plain words. Pure; who reads it never wrote a program. */
import type { GohubError } from "@gohub/client";

const FAILURES: Record<string, string> = {
  bad_client: "That is no name a person can have.",
  bad_room: "That is no name a room can have.",
  forbidden: "You may not do that here.",
  unauthorized: "The hub does not know you any more.",
  too_large: "That is too long for this hub.",
  too_many_rooms: "You are in as many rooms as this hub allows.",
  not_joined: "You are not in this room any more.",
  queue_full: "Too much is waiting already.",
  overloaded: "The hub is too busy at the moment.",
  rate_limited: "That was too fast for this hub.",
  degraded: "The hub cannot reach the others at the moment.",
  bus_unavailable: "The hub cannot reach the others at the moment.",
  closed: "You are disconnected.",
};

/** Why a line did not get through. `to` is the person it was for. */
export function failure(error: GohubError, to?: string): string {
  if (error.code === "client_unknown") return `${to ?? "That person"} is not here at the moment.`;
  const known = FAILURES[error.code];
  if (known !== undefined) return known;
  return error.uncertain
    ? "No answer: it may have arrived or not. Trying again does not send it twice."
    : `The hub said no: ${error.message}.`;
}

const GAPS: Record<string, string> = {
  slow_client: "the connection was too slow to keep up",
  conflated: "the connection was too slow to keep up",
  expired: "you were away for longer than the hub remembers",
  compacted: "the hub was cut off for longer than the others remember",
  epoch_changed: "the hub started anew",
  bus_lost: "the hub was cut off from the others",
};

/** Why messages did not come. */
export function gapReason(reason: string): string {
  return GAPS[reason] ?? "the connection was interrupted";
}

/** Names as people list them: "anna, bert and 3 others". */
export function listed(names: readonly string[]): string {
  if (names.length > 4) return `${names.slice(0, 3).join(", ")} and ${names.length - 3} others`;
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}
