/** What the page shows, as one value that is replaced and never changed; and who is told when it is. */
import { begin, type Conversation, type Id, type Now } from "../model/conversation.js";
import { type Link, UNTRIED } from "../model/link.js";

/** Everything the page shows. */
export interface Chat {
  /** One's own name. */
  readonly me: string;
  readonly link: Link;
  /** In the order they were opened. */
  readonly conversations: readonly Conversation[];
  /** The one that is open; on a phone none is while the list is. */
  readonly active: Id | undefined;
}

/** The value and its listeners. */
export class Store {
  #chat: Chat;
  #order = 0;
  readonly #listeners = new Set<() => void>();
  /** Lives of the hub's log: offsets of two of them cannot be compared. */
  era = 1;

  constructor(me: string) {
    this.#chat = { me, link: UNTRIED, conversations: [], active: undefined };
  }

  /** The value. */
  readonly get = (): Chat => this.#chat;

  /** Calls `listener` after every change, until the function it gives back is called. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Another value. */
  set(changes: Partial<Chat>): void {
    this.#chat = { ...this.#chat, ...changes };
    for (const listener of this.#listeners) listener();
  }

  /** Changes of the connection. */
  link(changes: Partial<Link>): void {
    this.set({ link: { ...this.#chat.link, ...changes } });
  }

  /** The conversation with this id. */
  conversation(id: Id): Conversation | undefined {
    return this.#chat.conversations.find((one) => one.id === id);
  }

  /** Changes a conversation, if it is there. */
  change(id: Id, how: (conversation: Conversation) => Conversation): void {
    const before = this.conversation(id);
    if (before === undefined) return;
    const after = how(before);
    if (after === before) return;
    this.set({ conversations: this.#chat.conversations.map((one) => (one === before ? after : one)) });
  }

  /** Opens a conversation that is not there yet. */
  open(id: Id): void {
    if (this.conversation(id) === undefined) this.set({ conversations: [...this.#chat.conversations, begin(id)] });
  }

  /** Closes one. */
  close(id: Id): void {
    const { conversations, active } = this.#chat;
    this.set({ conversations: conversations.filter((one) => one.id !== id), active: active === id ? undefined : active });
  }

  /** The rooms. */
  rooms(): Conversation[] {
    return this.#chat.conversations.filter(({ kind }) => kind === "room");
  }

  /** What an entry needs that is made now. */
  now(): Now {
    return { at: Date.now(), era: this.era, order: ++this.#order };
  }
}
