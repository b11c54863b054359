/** Lines of one person, one after another, and how far one's own got. */
import { Button } from "@mantine/core";
import { IconAlertCircle, IconCheck, IconClock, IconRefresh, IconTrash } from "@tabler/icons-react";
import { memo } from "react";
import type { Line } from "../model/entry.js";
import { pieces } from "../model/text.js";
import type { Lines } from "./blocks.js";
import { timeOf } from "./clock.js";
import { Face } from "./Face.js";

/** The group. */
export function Group({ block, onRetry, onDiscard }: { block: Lines; onRetry: (key: string) => void; onDiscard: (key: string) => void }) {
  const { from = "the hub", own, lines } = block;
  return (
    <article className="group" data-own={own || undefined} aria-label={own ? "You" : from}>
      {!own && <Face name={from} size={34} />}
      <div className="group-lines">
        {!own && (
          <p className="group-name" aria-hidden="true">
            {from}
          </p>
        )}
        {lines.map((line) => (
          <div className="line" key={line.key} data-delivery={line.delivery}>
            <Bubble line={line} own={own} />
            {line.delivery === "failed" && (
              <p className="line-problem" role="alert">
                <IconAlertCircle size={16} aria-hidden />
                <span>{line.problem}</span>
                <Button
                  size="compact-xs"
                  variant="light"
                  leftSection={<IconRefresh size={14} aria-hidden />}
                  onClick={() => onRetry(line.key)}
                >
                  Try again
                </Button>
                <Button
                  size="compact-xs"
                  variant="subtle"
                  color="gray"
                  leftSection={<IconTrash size={14} aria-hidden />}
                  onClick={() => onDiscard(line.key)}
                >
                  Discard
                </Button>
              </p>
            )}
          </div>
        ))}
      </div>
    </article>
  );
}

const Bubble = memo(function Bubble({ line, own }: { line: Line; own: boolean }) {
  const { text, at, local } = line;
  return (
    <div className="bubble">
      <span className="bubble-text">
        {pieces(text).map((piece) =>
          piece.link ? (
            <a key={piece.at} href={piece.text} target="_blank" rel="noopener noreferrer">
              {piece.text}
            </a>
          ) : (
            piece.text
          ),
        )}
      </span>
      <span className="bubble-foot">
        {local && <span>only on this hub · </span>}
        <time dateTime={new Date(at).toISOString()}>{timeOf(at)}</time>
        {own && <Tick line={line} />}
      </span>
    </div>
  );
});

function Tick({ line: { delivery } }: { line: Line }) {
  if (delivery === "waiting") {
    return (
      <span className="tick">
        <IconClock size={14} aria-hidden />
        <span className="hidden">waiting to be sent</span>
      </span>
    );
  }
  if (delivery === "failed") {
    return (
      <span className="tick">
        <IconAlertCircle size={14} aria-hidden />
        <span className="hidden">not sent</span>
      </span>
    );
  }
  return (
    <span className="tick">
      <IconCheck size={14} stroke={2.5} aria-hidden />
      <span className="hidden">sent</span>
    </span>
  );
}
