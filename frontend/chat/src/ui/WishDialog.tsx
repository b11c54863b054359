/** A room to enter, or a person to write to, by name. */
import { Button, Modal, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { nameProblem } from "../names.js";

/** What is wished for. */
export type Wish = "room" | "person";

const WORDS = {
  room: {
    title: "Enter or create a room",
    label: "Name of the room",
    hint: "A room that nobody is in yet begins with you.",
    button: "Enter",
  },
  person: {
    title: "Write to somebody",
    label: "Name of the person",
    hint: "Only this person and you will see it.",
    button: "Write",
  },
} as const;

/** The dialog, while there is a wish. */
export function WishDialog({
  wish,
  onClose,
  onGrant,
}: {
  wish: Wish | undefined;
  onClose: () => void;
  onGrant: (wish: Wish, name: string) => void;
}) {
  const words = WORDS[wish ?? "room"];
  return (
    <Modal opened={wish !== undefined} onClose={onClose} title={words.title} centered closeButtonProps={{ "aria-label": "Close" }}>
      {wish && <WishForm wish={wish} onGrant={onGrant} />}
    </Modal>
  );
}

function WishForm({ wish, onGrant }: { wish: Wish; onGrant: (wish: Wish, name: string) => void }) {
  const [name, setName] = useState("");
  const [tried, setTried] = useState(false);
  const words = WORDS[wish];
  const problem = nameProblem(name.trim());
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (problem === undefined) onGrant(wish, name.trim());
  };
  return (
    <form className="stack" onSubmit={submit} noValidate>
      <TextInput
        label={words.label}
        description={words.hint}
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
        error={tried && problem}
        autoComplete="off"
        autoCapitalize="off"
        spellCheck={false}
        data-autofocus
      />
      <Button type="submit">{words.button}</Button>
    </form>
  );
}
