/** One conversation: what it is, what was said, and the box to say something. */
import { ActionIcon, Tooltip } from "@mantine/core";
import { IconArrowLeft, IconCheck, IconDoorExit, IconHash, IconLink, IconUsers, IconX } from "@tabler/icons-react";
import { useState } from "react";
import type { Conversation } from "../model/conversation.js";
import { invitation } from "../place.js";
import type { Session } from "../session/session.js";
import type { Chat } from "../session/store.js";
import { Composer } from "./Composer.js";
import { Banner, Connection, Spoken } from "./Connection.js";
import { Face } from "./Face.js";
import { Timeline } from "./Timeline.js";

interface TalkProps {
  session: Session;
  chat: Chat;
  conversation: Conversation;
  drafts: Map<string, string>;
  onBack: () => void;
  onPeople: () => void;
}

/** The conversation. */
export function Talk({ session, chat, conversation, drafts, onBack, onPeople }: TalkProps) {
  const { id, kind, name, people, total, refused } = conversation;
  const room = kind === "room";
  const here = chat.conversations.some((one) => one.people?.includes(name));
  const count = Math.max(total, people?.length ?? 0);
  const subtitle = room ? (people ? `${count} ${count === 1 ? "person" : "people"} here` : "…") : here ? "here now" : "private";
  return (
    <main className="talk" aria-label={room ? `Room ${name}` : `Private conversation with ${name}`}>
      <header className="talk-head">
        <ActionIcon className="talk-back" variant="subtle" color="gray" size="xl" aria-label="Back to the list" onClick={onBack}>
          <IconArrowLeft size={22} aria-hidden />
        </ActionIcon>
        {room ? (
          <span className="talk-sign" aria-hidden="true">
            <IconHash size={20} />
          </span>
        ) : (
          <Face name={name} size={40} here={here} />
        )}
        <div className="talk-title">
          <h1>{name}</h1>
          <p className="talk-subtitle muted">
            <span className="talk-count">{subtitle}</span>
            <span className="talk-connection">
              <Connection link={chat.link} session={session} waiting={chat.conversations} offset={8} />
            </span>
          </p>
        </div>
        {room && <Share room={name} />}
        {room && (
          <Tooltip label="Who is here">
            <ActionIcon className="talk-people" variant="subtle" color="gray" size="lg" aria-label="Who is here" onClick={onPeople}>
              <IconUsers size={20} aria-hidden />
            </ActionIcon>
          </Tooltip>
        )}
        <Tooltip label={room ? "Leave this room" : "Close this conversation"}>
          <ActionIcon
            variant="subtle"
            color="gray"
            size="lg"
            aria-label={room ? "Leave this room" : "Close this conversation"}
            onClick={() => session.leave(id)}
          >
            {room ? <IconDoorExit size={20} aria-hidden /> : <IconX size={20} aria-hidden />}
          </ActionIcon>
        </Tooltip>
      </header>
      <Banner link={chat.link} session={session} />
      <Spoken link={chat.link} />
      {refused && (
        <p className="refused" role="alert">
          {refused}
        </p>
      )}
      <Timeline session={session} conversation={conversation} me={chat.me} />
      <Composer
        label={room ? `Message in ${name}` : `Message for ${name} alone`}
        draft={drafts.get(id) ?? ""}
        onDraft={(draft) => drafts.set(id, draft)}
        disabled={refused !== undefined}
        onSay={(text) => session.say(id, text)}
      />
    </main>
  );
}

function Share({ room }: { room: string }) {
  const [copied, setCopied] = useState(false);
  const address = invitation(window.location.href, room);
  const copy = () => {
    // Not there on pages without TLS; then the address can be taken from the prompt.
    const written = navigator.clipboard?.writeText(address) ?? Promise.reject(new Error("no clipboard"));
    written.then(
      () => {
        setCopied(true);
        setTimeout(() => setCopied(false), 2_000);
      },
      () => window.prompt("The link of this room", address),
    );
  };
  const label = copied ? "Copied" : "Copy the link of this room";
  return (
    <Tooltip label={label}>
      <ActionIcon variant="subtle" color="gray" size="lg" aria-label={label} onClick={copy}>
        {copied ? <IconCheck size={20} aria-hidden /> : <IconLink size={20} aria-hidden />}
      </ActionIcon>
    </Tooltip>
  );
}
