/** The inside: the list of conversations, the one that is open, and the people in it. */
import { Drawer } from "@mantine/core";
import { useEffect, useRef, useState, useSyncExternalStore } from "react";
import { nameProblem } from "../names.js";
import { place } from "../place.js";
import type { Session } from "../session/session.js";
import { Menu } from "./Menu.js";
import { People } from "./People.js";
import { Talk } from "./Talk.js";
import { type Wish, WishDialog } from "./WishDialog.js";

/** The chat of one person. */
export function Chat({ session, onLeave }: { session: Session; onLeave: () => void }) {
  const chat = useSyncExternalStore(session.store.subscribe, session.store.get);
  const [wish, setWish] = useState<Wish>();
  const [peopleOpen, setPeopleOpen] = useState(false);
  const drafts = useRef(new Map<string, string>());
  const { me, conversations, active } = chat;
  const open = conversations.find(({ id }) => id === active);
  const unread = conversations.reduce((sum, one) => sum + one.unread, 0);

  useEffect(() => {
    document.title = unread > 0 ? `(${unread}) gohub chat` : "gohub chat";
  }, [unread]);

  // The back button of a phone goes from a conversation to the list.
  useEffect(() => {
    const back = (event: PopStateEvent) => session.show((event.state as { id?: string } | null)?.id);
    // A link to another room, opened in this page.
    const link = () => {
      const { room } = place(window.location.href);
      if (nameProblem(room) === undefined) session.join(room);
    };
    window.addEventListener("popstate", back);
    window.addEventListener("hashchange", link);
    return () => {
      window.removeEventListener("popstate", back);
      window.removeEventListener("hashchange", link);
    };
  }, [session]);

  const show = (id: string) => {
    if (id !== active) window.history.pushState({ id }, "");
    session.show(id);
  };
  const meet = (name: string) => {
    setPeopleOpen(false);
    session.meet(name);
    window.history.pushState({ id: `@${name}` }, "");
  };
  const grant = (kind: Wish, name: string) => {
    setWish(undefined);
    if (kind === "person") return meet(name);
    session.join(name);
    window.history.pushState({ id: `#${name}` }, "");
  };

  return (
    // Where no conversation is open, the list is what the page is about.
    <div
      className="chat"
      role={open ? undefined : "main"}
      data-open={open !== undefined || undefined}
      data-people={open?.kind === "room" || undefined}
    >
      {open && (
        <a className="skip" href="#composer">
          Go to the message box
        </a>
      )}
      <Menu session={session} chat={chat} onShow={show} onWish={setWish} onLeave={onLeave} />
      {open ? (
        <Talk
          key={open.id}
          session={session}
          chat={chat}
          conversation={open}
          drafts={drafts.current}
          onBack={() => session.show(undefined)}
          onPeople={() => setPeopleOpen(true)}
        />
      ) : (
        <div className="talk talk-none">
          <p className="muted">Choose a conversation, or enter a room.</p>
        </div>
      )}
      {open?.kind === "room" && (
        <aside className="people" aria-label={`People in ${open.name}`}>
          <People me={me} room={open} onMeet={meet} />
        </aside>
      )}
      <Drawer
        opened={peopleOpen && open?.kind === "room"}
        onClose={() => setPeopleOpen(false)}
        position="right"
        size="min(320px, 88vw)"
        title="In this room"
        closeButtonProps={{ "aria-label": "Close the list of people" }}
      >
        {open && <People me={me} room={open} onMeet={meet} />}
      </Drawer>
      <WishDialog wish={wish} onClose={() => setWish(undefined)} onGrant={grant} />
    </div>
  );
}
