/** What is known of the connection, and how to say it in plain words. Pure. */
import type { Mode, State } from "@gohub/client";

/** The connection. */
export interface Link {
  readonly state: State;
  /** Whether the browser has a network. */
  readonly online: boolean;
  /** The hub, from the first welcome on. */
  readonly node: string | undefined;
  readonly mode: Mode;
  /** How long the hub took for its last answers, in milliseconds, newest last. */
  readonly latencies: readonly number[];
  /** When the hub was last heard, when this connection began, when the last one was lost, when the next attempt begins: in milliseconds. */
  readonly heardAt: number | undefined;
  readonly since: number | undefined;
  readonly lostAt: number | undefined;
  readonly nextAt: number | undefined;
  /** Whether the hub itself said that it goes. */
  readonly drained: boolean;
  /** Attempts in vain, once they are many. */
  readonly attempts: number;
  /** Comebacks, and how many of them missed something. */
  readonly returns: number;
  readonly losses: number;
  /** The last comeback. */
  readonly back: { readonly at: number; readonly away: number; readonly complete: boolean } | undefined;
  /** Until when the hub asked to send nothing. */
  readonly pausedUntil: number;
  /** The end. */
  readonly closed: { readonly code: number; readonly reason: string } | undefined;
}

/** A connection that was not tried yet. */
export const UNTRIED: Link = {
  state: "idle",
  online: true,
  node: undefined,
  mode: "normal",
  latencies: [],
  heardAt: undefined,
  since: undefined,
  lostAt: undefined,
  nextAt: undefined,
  drained: false,
  attempts: 0,
  returns: 0,
  losses: 0,
  back: undefined,
  pausedUntil: 0,
  closed: undefined,
};

/** Answers that are kept for the picture of them. */
export const LATENCIES = 30;
/** For how long a comeback is talked about, in milliseconds. */
export const BACK_MS = 8_000;

/** How the connection is, for people. */
export interface Said {
  readonly tone: "good" | "busy" | "bad";
  /** A word or two. */
  readonly title: string;
  /** A sentence, where there is something to say. */
  readonly detail: string | undefined;
}

/** A time as people say it. */
export function lasted(ms: number): string {
  if (ms < 950) return `${Math.max(1, Math.round(ms / 10) * 10)} ms`;
  const seconds = ms / 1_000;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5_400) return `${Math.round(seconds / 60)} min`;
  return `${Math.round(seconds / 3_600)} h`;
}

/** The whole seconds until then. */
function until(at: number, now: number): string {
  const seconds = Math.ceil((at - now) / 1_000);
  return seconds <= 0 ? "now" : seconds === 1 ? "in 1 second" : `in ${seconds} seconds`;
}

const KEPT = "What you write is kept and sent then.";

/** The ends that the hub or the network give, by code; others by what the hub wrote. */
const ENDS: Record<number, string> = {
  0: "The browser does not take this address.",
  400: "The hub did not understand the request.",
  401: "The hub does not accept the token.",
  403: "You may not come in here.",
  409: "Somebody with this name is here already.",
  1000: "You left.",
  4004: "The token ran out.",
  4500: "You were asked to leave by whoever runs this hub.",
  4501: "You opened the chat somewhere else, which took over.",
  4502: "Somebody with this name is here already.",
  4503: "The hub does not accept the token.",
  4504: "You may not come in here, or not from this page.",
};

/** The words for this moment. */
export function said(link: Link, now: number): Said {
  const again = link.node !== undefined;
  switch (link.state) {
    case "idle":
    case "connecting":
      if (again) return { tone: "busy", title: "Reconnecting", detail: `Trying a hub now. ${KEPT}` };
      return link.attempts > 0
        ? { tone: "bad", title: "Connecting", detail: `No hub answered ${link.attempts} times. Trying again now.` }
        : { tone: "busy", title: "Connecting", detail: undefined };
    case "waiting": {
      const next = until(link.nextAt ?? now, now);
      if (!link.online) return { tone: "bad", title: "Offline", detail: `This device has no network. Trying again ${next}. ${KEPT}` };
      if (link.drained) return { tone: "busy", title: "Changing hubs", detail: `Your place on the next hub is ready ${next}. ${KEPT}` };
      if (again) return { tone: "bad", title: "Connection lost", detail: `Trying again ${next}. ${KEPT}` };
      const vain = link.attempts > 0 ? ` No hub answered ${link.attempts} times: is the address right?` : "";
      return { tone: "bad", title: "No connection", detail: `Trying again ${next}.${vain}` };
    }
    case "draining":
      return {
        tone: "busy",
        title: "Changing hubs",
        detail: "This hub is being restarted, and another one takes over. Nothing gets lost.",
      };
    case "closed": {
      const { code, reason } = link.closed ?? { code: 1000, reason: "" };
      return { tone: "bad", title: "Disconnected", detail: ENDS[code] ?? `The hub ended it: ${reason} (${code}).` };
    }
    case "open":
      if (link.mode === "degraded") {
        const detail = "This hub cannot reach the others at the moment. What you write is kept and sent as soon as it can.";
        return { tone: "bad", title: "Cut off from other hubs", detail };
      }
      if (link.pausedUntil > now) {
        return { tone: "busy", title: "Slowed down", detail: `The hub asks for a pause. Going on ${until(link.pausedUntil, now)}.` };
      }
      if (link.back !== undefined && now - link.back.at < BACK_MS) {
        const how = link.back.complete ? "Nothing was missed." : "Looking up what was missed.";
        return { tone: "good", title: "Back again", detail: `Away for ${lasted(link.back.away)}. ${how}` };
      }
      return { tone: "good", title: "Connected", detail: undefined };
  }
}

/** The last answer's time. */
export function latency({ latencies }: Link): number | undefined {
  return latencies.at(-1);
}
