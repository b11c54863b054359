/** The calls of the admin API that the console makes, typed by docs/openapi.json. Paths are those of the page's own origin: the hub serves the page. */
import createClient from "openapi-fetch";
import { session } from "./key";
import type { components, paths } from "./schema";

type Schemas = components["schemas"];
export type Node = Schemas["NodeInfo"];
export type Nodes = Schemas["Listing_NodeInfo"];
export type Client = Schemas["ClientInfo"];
export type Clients = Schemas["Listing_ClientInfo"];
export type Rooms = Schemas["Listing_RoomInfo"];
export type Room = Schemas["RoomInfo"];
export type Members = Schemas["Members"];
export type RoomHistory = Schemas["History"];
export type Lives = Schemas["Lives"];
export type Life = Schemas["Life"];
export type Entry = Schemas["Entry"];
export type Missing = Schemas["Missing"];
export type Config = Schemas["Config"];
export type Checked = Schemas["Checked"];
export type Kicked = Schemas["Kicked"];
export type Probe = Schemas["Probe"];
type Problem = Schemas["Problem"];

/** Time for a call, in milliseconds: longer than the hub's own, so that its answer comes first. */
const TIME_MS = 35_000;

/** A call that was refused, or that nobody answered. */
export class Refused extends Error {
  constructor(
    /** The HTTP status; 0 when there was no answer. */
    readonly status: number,
    /** The code of the API's `Problem`, or `unreachable`. */
    readonly code: string,
    message: string,
    /** What it is about. */
    readonly field?: string,
  ) {
    super(message);
  }
}

const api = createClient<paths>({ baseUrl: location.origin });
api.use({
  onRequest({ request }) {
    const key = session.key();
    if (key !== null && !request.headers.has("authorization")) request.headers.set("authorization", `Bearer ${key}`);
  },
  onResponse({ response }) {
    if (response.status === 401) session.leave("The hub does not know this key any more. Enter another one.");
  },
});

/** The answer, or [`Refused`]. */
async function answer<T>(call: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  const { data, error, response } = await call.catch((failure: unknown) => {
    if (failure instanceof DOMException && failure.name === "AbortError") throw failure;
    throw new Refused(0, "unreachable", "The hub does not answer.");
  });
  if (response.ok) return data as T;
  const problem = error as Partial<Problem> | undefined;
  const message = problem?.message ?? `The hub answered ${response.status}.`;
  throw new Refused(response.status, problem?.code ?? "", message, problem?.field ?? undefined);
}

const soon = (signal?: AbortSignal) => {
  const late = AbortSignal.timeout(TIME_MS);
  return signal ? AbortSignal.any([signal, late]) : late;
};

/** Ids of connections are texts, because JavaScript cannot count that far; the query takes the same digits. */
const digits = (connection: string | undefined) => connection as unknown as number | undefined;

/** Which part of a list is wanted. */
export interface Part {
  /** The last key of the page before. */
  after?: string | undefined;
  limit: number;
}

export const hub = {
  /** Whether this key opens anything. */
  async accepts(key: string): Promise<boolean> {
    const headers = { authorization: `Bearer ${key}` };
    const response = await fetch("/api/v1/nodes?limit=1", { headers, signal: soon() }).catch(() => {
      throw new Refused(0, "unreachable", "The hub does not answer.");
    });
    // 403: a key for another part of the API.
    if (response.ok || response.status === 403) return true;
    if (response.status === 401) return false;
    throw new Refused(response.status, "", `The hub answered ${response.status}.`);
  },
  nodes: (signal?: AbortSignal): Promise<Nodes> =>
    answer(api.GET("/api/v1/nodes", { params: { query: { limit: 1000 } }, signal: soon(signal) })),
  clients: (wanted: Part & { client?: string; room?: string; node?: string }, signal?: AbortSignal): Promise<Clients> =>
    answer(api.GET("/api/v1/clients", { params: { query: wanted }, signal: soon(signal) })),
  rooms: (wanted: Part, signal?: AbortSignal): Promise<Rooms> =>
    answer(api.GET("/api/v1/rooms", { params: { query: wanted }, signal: soon(signal) })),
  members: (room: string, wanted: Part, signal?: AbortSignal): Promise<Members> =>
    answer(api.GET("/api/v1/rooms/{room}/members", { params: { path: { room }, query: wanted }, signal: soon(signal) })),
  history: (room: string, limit: number, signal?: AbortSignal): Promise<RoomHistory> =>
    answer(api.GET("/api/v1/rooms/{room}/history", { params: { path: { room }, query: { limit } }, signal: soon(signal) })),
  why: (id: string, signal?: AbortSignal): Promise<Lives> =>
    answer(api.GET("/api/v1/clients/{id}/why", { params: { path: { id }, query: { limit: 20 } }, signal: soon(signal) })),
  /** Throws the client out: all its connections, or one of them. */
  kick: (id: string, only?: { node: string; connection: string }): Promise<Kicked> => {
    const query = { node: only?.node, connection: digits(only?.connection) };
    return answer(api.DELETE("/api/v1/clients/{id}", { params: { path: { id }, query }, signal: soon() }));
  },
  config: (signal?: AbortSignal): Promise<Config> => answer(api.GET("/api/v1/config", { signal: soon(signal) })),
  /** What a settings file would do; nothing changes. */
  check: (yaml: string): Promise<Checked> =>
    answer(
      api.POST("/api/v1/config/check", {
        body: yaml,
        bodySerializer: (text: string) => text,
        headers: { "content-type": "application/yaml" },
        signal: soon(),
      }),
    ),
  logLevel: (signal?: AbortSignal): Promise<{ level: string }> => answer(api.GET("/api/v1/log-level", { signal: soon(signal) })),
  setLogLevel: (level: string): Promise<{ level: string }> => answer(api.PUT("/api/v1/log-level", { body: { level }, signal: soon() })),
  /** Drains the hub that serves this page. */
  drain: (): Promise<{ began: boolean }> => answer(api.POST("/api/v1/drain", { signal: soon() })),
  /** A probe answers 503 for "no": that is an answer, too. */
  async probe(name: "livez" | "readyz" | "accepting", signal?: AbortSignal): Promise<Probe> {
    const { data, error } = await api.GET(`/${name}`, { signal: soon(signal) });
    return (data ?? error) as Probe;
  },
  metrics: (signal?: AbortSignal): Promise<string> => answer(api.GET("/metrics", { parseAs: "text", signal: soon(signal) })),
};
