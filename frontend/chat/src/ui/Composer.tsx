/** The box to say something. */
import { ActionIcon } from "@mantine/core";
import { IconSend2 } from "@tabler/icons-react";
import { type FormEvent, type KeyboardEvent, useEffect, useRef, useState } from "react";
import { MOST_CHARACTERS } from "../model/text.js";

interface ComposerProps {
  label: string;
  draft: string;
  disabled: boolean;
  onDraft: (draft: string) => void;
  onSay: (text: string) => void;
}

/** The box: Enter sends, Shift and Enter begin a new line. */
export function Composer({ label, draft, disabled, onDraft, onSay }: ComposerProps) {
  const [text, setText] = useState(draft);
  const box = useRef<HTMLTextAreaElement>(null);
  const left = MOST_CHARACTERS - text.length;
  const good = text.trim() !== "" && left >= 0 && !disabled;

  // With a keyboard one wants to write; on a phone it would cover what one came to read.
  useEffect(() => {
    if (window.matchMedia("(pointer: fine)").matches) box.current?.focus();
  }, []);

  const write = (text: string) => {
    setText(text);
    onDraft(text);
  };
  const say = () => {
    if (!good) return;
    onSay(text.trim());
    write("");
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    say();
    box.current?.focus();
  };
  const key = (event: KeyboardEvent) => {
    // An input method uses Enter for itself.
    if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    say();
  };

  return (
    <form className="composer" onSubmit={submit}>
      <div className="composer-box">
        <textarea
          id="composer"
          ref={box}
          rows={1}
          aria-label={label}
          placeholder={label}
          enterKeyHint="send"
          value={text}
          disabled={disabled}
          onChange={(event) => write(event.currentTarget.value)}
          onKeyDown={key}
        />
        {left < 200 && (
          <span className="composer-left" data-over={left < 0 || undefined} role="status">
            {left < 0 ? `${-left} too many` : `${left} left`}
          </span>
        )}
        <ActionIcon type="submit" size={40} radius="xl" aria-label="Send" disabled={!good}>
          <IconSend2 size={20} aria-hidden />
        </ActionIcon>
      </div>
    </form>
  );
}
