/** What was said, oldest first, and always at its end unless somebody reads further up. */
import { Button } from "@mantine/core";
import { IconArrowDown, IconHistory } from "@tabler/icons-react";
import { Fragment, useLayoutEffect, useRef, useState } from "react";
import type { Conversation } from "../model/conversation.js";
import type { Session } from "../session/session.js";
import { blocks } from "./blocks.js";
import { dayOf } from "./clock.js";
import { Group } from "./Group.js";
import { Notice } from "./Notice.js";

/** So near to its end it counts as read, in pixels. */
const NEAR_PX = 80;

/** The timeline. */
export function Timeline({ session, conversation, me }: { session: Session; conversation: Conversation; me: string }) {
  const { id, entries, firstUnread, name, kind } = conversation;
  const box = useRef<HTMLDivElement>(null);
  const was = useRef({ height: 0, first: "", ends: true });
  const [away, setAway] = useState(false);
  const first = entries[0]?.key ?? "";
  const last = entries.at(-1);

  const toEnd = () => box.current?.scrollTo({ top: box.current.scrollHeight });

  // biome-ignore lint/correctness/useExhaustiveDependencies: whatever is new moves the end
  useLayoutEffect(() => {
    const { current } = box;
    if (current === null) return;
    const own = last?.kind === "line" && last.delivery === "waiting";
    if (was.current.ends || own) current.scrollTop = current.scrollHeight;
    // Older lines came in above: what is being read stays where it is.
    else if (first !== was.current.first) current.scrollTop += current.scrollHeight - was.current.height;
    was.current = { ...was.current, height: current.scrollHeight, first };
  }, [entries]);

  const scrolled = () => {
    const { current } = box;
    if (current === null) return;
    const ends = current.scrollHeight - current.scrollTop - current.clientHeight < NEAR_PX;
    was.current.ends = ends;
    setAway(!ends);
  };

  // The keyboard of a phone makes the box smaller: its end stays in sight.
  useLayoutEffect(() => {
    const { current } = box;
    if (current === null) return;
    const sized = new ResizeObserver(() => {
      if (was.current.ends) current.scrollTop = current.scrollHeight;
    });
    sized.observe(current);
    return () => sized.disconnect();
  }, []);

  return (
    <div className="timeline-frame">
      <div
        className="timeline"
        ref={box}
        onScroll={scrolled}
        role="log"
        aria-label={`Messages ${kind === "room" ? "in" : "with"} ${name}`}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by the keyboard
        tabIndex={0}
      >
        <Past session={session} conversation={conversation} />
        {blocks(entries, me, firstUnread).map((block) => (
          <Fragment key={block.key}>
            {block.day !== undefined && (
              <p className="day">
                <span>{dayOf(block.day)}</span>
              </p>
            )}
            {block.isNew && (
              <p className="new">
                <span>New</span>
              </p>
            )}
            {block.kind === "lines" ? (
              <Group block={block} onRetry={(key) => session.retry(id, key)} onDiscard={(key) => session.discard(id, key)} />
            ) : (
              <Notice entry={block.entry} room={kind === "room"} onFill={(key) => session.fill(id, key)} />
            )}
          </Fragment>
        ))}
      </div>
      {away && (
        <Button className="to-end" size="xs" radius="xl" leftSection={<IconArrowDown size={16} aria-hidden />} onClick={toEnd}>
          To the newest
        </Button>
      )}
    </div>
  );
}

/** What is known of what was said before. */
function Past({ session, conversation }: { session: Session; conversation: Conversation }) {
  const { id, past, kind, name, entries } = conversation;
  if (kind === "person") {
    return <p className="past">Only {name} and you see this. No hub keeps it; this tab does until it is closed.</p>;
  }
  if (past === "more" || past === "failed") {
    return (
      <p className="past">
        <Button variant="subtle" size="xs" leftSection={<IconHistory size={16} aria-hidden />} onClick={() => session.earlier(id)}>
          {past === "more" ? "Show earlier messages" : "The earlier messages did not come. Try again"}
        </Button>
      </p>
    );
  }
  if (past === "beginning") {
    const begun = entries.some((entry) => entry.kind === "line");
    return <p className="past">{begun ? `This is where ${name} begins.` : `Nothing was said in ${name} yet. Say hello.`}</p>;
  }
  if (past === "forgotten") return <p className="past">The hub does not keep what was said before.</p>;
  return <p className="past">Looking up what was said…</p>;
}
