/** The list of conversations, and oneself with one's connection. */
import { ActionIcon, Tooltip } from "@mantine/core";
import { IconHash, IconLogout2, IconPlus } from "@tabler/icons-react";
import type { Conversation } from "../model/conversation.js";
import type { Session } from "../session/session.js";
import type { Chat } from "../session/store.js";
import { Connection } from "./Connection.js";
import { Face } from "./Face.js";
import { Logo } from "./Logo.js";
import { Scheme } from "./Scheme.js";
import type { Wish } from "./WishDialog.js";

interface MenuProps {
  session: Session;
  chat: Chat;
  onShow: (id: string) => void;
  onWish: (wish: Wish) => void;
  onLeave: () => void;
}

/** The list. */
export function Menu({ session, chat, onShow, onWish, onLeave }: MenuProps) {
  const { me, conversations, active, link } = chat;
  const present = new Set(conversations.flatMap(({ people = [] }) => people));
  const [rooms, persons] = [conversations.filter(({ kind }) => kind === "room"), conversations.filter(({ kind }) => kind === "person")];
  const list = (conversations: Conversation[]) => (
    <ul>
      {conversations.map((one) => (
        <li key={one.id}>
          <Item one={one} active={one.id === active} here={present.has(one.name)} onShow={onShow} />
        </li>
      ))}
    </ul>
  );
  return (
    <nav className="menu" aria-label="Conversations">
      <header className="menu-head">
        <Logo size={30} />
        <h1>gohub chat</h1>
        <Scheme />
      </header>
      <div className="menu-lists">
        <section aria-labelledby="rooms">
          <Heading id="rooms" text="Rooms" label="Enter or create a room" onAdd={() => onWish("room")} />
          {rooms.length > 0 ? list(rooms) : <p className="menu-empty">You are in no room.</p>}
        </section>
        <section aria-labelledby="persons">
          <Heading id="persons" text="Private" label="Write to somebody" onAdd={() => onWish("person")} />
          {persons.length > 0 ? list(persons) : <p className="menu-empty">Choose somebody in a room to write to them alone.</p>}
        </section>
      </div>
      <footer className="menu-foot">
        <Face name={me} size={38} />
        <div className="menu-me">
          <strong>{me}</strong>
          <Connection link={link} session={session} waiting={conversations} offset={40} />
        </div>
        <Tooltip label="Go out">
          <ActionIcon variant="subtle" color="gray" size="lg" aria-label="Go out" onClick={onLeave}>
            <IconLogout2 size={20} aria-hidden />
          </ActionIcon>
        </Tooltip>
      </footer>
    </nav>
  );
}

function Heading({ id, text, label, onAdd }: { id: string; text: string; label: string; onAdd: () => void }) {
  return (
    <div className="menu-heading">
      <h2 id={id}>{text}</h2>
      <Tooltip label={label}>
        <ActionIcon variant="subtle" color="gray" aria-label={label} onClick={onAdd}>
          <IconPlus size={18} aria-hidden />
        </ActionIcon>
      </Tooltip>
    </div>
  );
}

function Item({ one, active, here, onShow }: { one: Conversation; active: boolean; here: boolean; onShow: (id: string) => void }) {
  const last = one.entries.findLast((entry) => entry.kind === "line");
  const failed = one.entries.some((entry) => entry.kind === "line" && entry.delivery === "failed");
  return (
    <button
      type="button"
      className="item"
      aria-current={active || undefined}
      data-unread={one.unread > 0 || undefined}
      onClick={() => onShow(one.id)}
    >
      {one.kind === "room" ? (
        <span className="item-sign" aria-hidden="true">
          <IconHash size={18} />
        </span>
      ) : (
        <Face name={one.name} here={here} />
      )}
      <span className="item-words">
        <span className="item-name">{one.name}</span>
        {last?.kind === "line" && (
          <span className="item-last">{one.kind === "room" && last.from ? `${last.from}: ${last.text}` : last.text}</span>
        )}
      </span>
      {failed && <span className="item-failed">Not sent</span>}
      {one.unread > 0 && (
        <span className="item-count">
          {one.unread > 99 ? "99+" : one.unread}
          <span className="hidden"> unread</span>
        </span>
      )}
    </button>
  );
}
