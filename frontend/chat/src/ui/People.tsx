/** Who is in a room. */
import { IconMessage2 } from "@tabler/icons-react";
import type { Conversation } from "../model/conversation.js";
import { Face } from "./Face.js";

/** The list; choosing somebody opens a private conversation. */
export function People({ me, room, onMeet }: { me: string; room: Conversation; onMeet: (name: string) => void }) {
  const { people, total } = room;
  if (people === undefined) return <p className="muted people-note">Looking who is here…</p>;
  const others = people.filter((name) => name !== me);
  return (
    <>
      <h2 className="people-head">
        People <span className="muted">{Math.max(total, people.length)}</span>
      </h2>
      <ul className="people-list">
        {people.includes(me) && (
          <li className="person">
            <Face name={me} size={32} here />
            <span className="person-name">{me}</span>
            <span className="muted">you</span>
          </li>
        )}
        {others.map((name) => (
          <li key={name}>
            <button type="button" className="person" onClick={() => onMeet(name)}>
              <Face name={name} size={32} here />
              <span className="hidden">Write to </span>
              <span className="person-name">{name}</span>
              <span className="hidden"> alone</span>
              <IconMessage2 className="person-write" size={18} aria-hidden />
            </button>
          </li>
        ))}
      </ul>
      {total > people.length && <p className="muted people-note">and {total - people.length} more</p>}
      {others.length === 0 && <p className="muted people-note">Nobody else is here yet. Send somebody the link of this room.</p>}
    </>
  );
}
