/** Outside or inside: the door, or the chat of somebody who went in. */
import { useEffect, useState } from "react";
import { hubs, place } from "../place.js";
import { Keep, type Who } from "../session/keep.js";
import { Session } from "../session/session.js";
import { Chat } from "./Chat.js";
import { Door, type Entrance } from "./Door.js";

function drawer(): Storage | undefined {
  try {
    return window.sessionStorage;
  } catch {
    return undefined;
  }
}

const keep = new Keep(drawer());

/** A session of this person, if the address of the hub is one. */
function enter({ name, hub }: Who, token: string | undefined, room: string | undefined): Session | undefined {
  const found = hubs(hub, window.location.protocol);
  if ("problem" in found) return undefined;
  const session = new Session({ url: found.urls, clientId: name, ...(token ? { token } : {}) }, keep);
  session.start(room);
  return session;
}

/** The page. */
export function App() {
  const [here] = useState(() => place(window.location.href));
  // Who was here before a reload goes straight back in.
  const [who, setWho] = useState(() => keep.who());
  const [session, setSession] = useState<Session>();

  useEffect(() => {
    if (who === undefined) return;
    const session = enter(who, undefined, here.room || undefined);
    setSession(session);
    if (session === undefined) setWho(undefined);
    return () => session?.stop();
  }, [who, here]);

  const comeIn = ({ name, hub, token, room }: Entrance) => {
    // A token is kept nowhere, so with one a reload asks again.
    keep.remember(token === "" ? { name, hub } : undefined);
    setSession(enter({ name, hub }, token, room));
  };
  const goOut = () => {
    keep.remember(undefined);
    session?.stop();
    setSession(undefined);
    setWho(undefined);
  };

  if (session !== undefined) return <Chat session={session} onLeave={goOut} />;
  return who === undefined ? <Door here={here} onEnter={comeIn} /> : null;
}
