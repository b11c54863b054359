/** The texts of the settings reference, where names and values stand between backticks. */
import { Fragment } from "react";

export function Prose({ text }: { text: string }) {
  return text.split("`").map((part, index) => {
    // Every second part stood between two of them.
    const key = `${index} ${part}`;
    return index % 2 === 1 ? <code key={key}>{part}</code> : <Fragment key={key}>{part}</Fragment>;
  });
}
