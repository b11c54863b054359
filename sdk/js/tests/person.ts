/** Somebody who uses the client as an application does, and remembers everything it was told. */
import { after } from "node:test";
import WebSocket from "ws";
import { Client, type ClientEvents, type ClientOptions, isLater, type SocketClass } from "../src/index.js";
import { until } from "./hub.js";

/** What the tests give the client: Node before 22 has no WebSocket of its own. */
export const ws = WebSocket as unknown as SocketClass;

const people = new Set<Person>();
// One that is still there would keep the test's process alive, after a failure above all.
after(() => {
  for (const { client } of people) client.close();
});

type Told = { [Name in keyof ClientEvents]: ClientEvents[Name][] };

/** A client and its record. */
export class Person {
  readonly client: Client;
  readonly told: Told = {
    state: [],
    welcome: [],
    message: [],
    presence: [],
    gap: [],
    mode: [],
    drain: [],
    retry: [],
    joined: [],
    left: [],
    trouble: [],
    error: [],
    closed: [],
  };
  /** When each state began. */
  readonly times: { state: string; at: number }[] = [];

  constructor(options: ClientOptions) {
    people.add(this);
    this.client = new Client({ WebSocket: ws, ...options });
    for (const name of Object.keys(this.told) as (keyof ClientEvents)[]) {
      this.client.on(name, (detail) => (this.told[name] as unknown[]).push(detail));
    }
    this.client.on("state", (state) => this.times.push({ state, at: Date.now() }));
  }

  /** One who is connected and in these rooms. */
  static async in(rooms: string[], options: ClientOptions): Promise<Person> {
    const person = new Person(options);
    await person.client.connect();
    for (const room of rooms) await person.client.join(room);
    return person;
  }

  /** What was heard, in order. */
  get heard(): unknown[] {
    return this.told.message.map(({ data }) => data);
  }

  /** Waits until it heard this. */
  hears(data: unknown): Promise<unknown> {
    return until(`${this.client.clientId} hears ${data}`, () => this.heard.includes(data));
  }

  /** Waits for the n-th event of this name. */
  async tells<Name extends keyof ClientEvents>(name: Name, n = 1): Promise<ClientEvents[Name]> {
    await until(`event ${n} ${name} of ${this.client.clientId}`, () => this.told[name].length >= n);
    return this.told[name][n - 1] as ClientEvents[Name];
  }

  /** Waits until the connection stands so. */
  is(state: string): Promise<unknown> {
    return until(`${this.client.clientId} is ${state}`, () => this.client.state === state);
  }

  /** Whether every offset stands behind the one before: order, and nothing twice. */
  get inOrder(): boolean {
    const offsets = this.told.message.map(({ offset }) => offset);
    return offsets.every((offset, index) => index === 0 || isLater(offset, offsets[index - 1] ?? ""));
  }
}
