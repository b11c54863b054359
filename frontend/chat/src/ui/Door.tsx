/** The door: who comes in, where to, and through which hub. */
import { Button, PasswordInput, TextInput } from "@mantine/core";
import { IconArrowRight, IconChevronDown, IconHash, IconPlugConnected, IconUser } from "@tabler/icons-react";
import { type FormEvent, useState } from "react";
import { nameProblem } from "../names.js";
import { hubs, type Place } from "../place.js";
import { Logo } from "./Logo.js";
import { Scheme } from "./Scheme.js";

/** What somebody who comes in says. */
export interface Entrance {
  readonly name: string;
  readonly room: string;
  readonly hub: string;
  readonly token: string;
}

/** The room that is proposed. */
const ROOM = "lobby";

/** The door. */
export function Door({ here, onEnter }: { here: Place; onEnter: (entrance: Entrance) => void }) {
  const [entrance, setEntrance] = useState<Entrance>({ name: here.name, room: here.room || ROOM, hub: here.hub, token: "" });
  const [tried, setTried] = useState(false);
  const [more, setMore] = useState(false);
  const set = (field: keyof Entrance) => (event: { currentTarget: { value: string } }) =>
    setEntrance({ ...entrance, [field]: event.currentTarget.value });

  const found = hubs(entrance.hub, window.location.protocol);
  const problems = {
    name: entrance.name.trim() === "" ? "What shall the others call you?" : nameProblem(entrance.name.trim()),
    room: nameProblem(entrance.room.trim()),
    hub: "problem" in found ? found.problem : undefined,
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (problems.hub !== undefined) setMore(true);
    if (problems.name ?? problems.room ?? problems.hub) return;
    onEnter({ ...entrance, name: entrance.name.trim(), room: entrance.room.trim(), token: entrance.token.trim() });
  };

  return (
    <main className="door">
      <div className="door-scheme">
        <Scheme />
      </div>
      <form className="door-card" onSubmit={submit} noValidate>
        <Logo size={52} />
        <h1>Come in and talk</h1>
        <p className="muted">Rooms and private messages that stay whole, even when a server goes away in the middle of a sentence.</p>
        <TextInput
          label="Your name"
          size="md"
          autoComplete="nickname"
          autoCapitalize="off"
          spellCheck={false}
          leftSection={<IconUser size={18} aria-hidden />}
          value={entrance.name}
          onChange={set("name")}
          error={tried && problems.name}
          data-autofocus
        />
        <TextInput
          label="Room"
          size="md"
          autoComplete="off"
          autoCapitalize="off"
          spellCheck={false}
          leftSection={<IconHash size={18} aria-hidden />}
          value={entrance.room}
          onChange={set("room")}
          error={tried && problems.room}
        />
        <button type="button" className="door-more" aria-expanded={more} aria-controls="door-connection" onClick={() => setMore(!more)}>
          <IconChevronDown size={16} aria-hidden data-open={more || undefined} />
          Connection
        </button>
        <div id="door-connection" hidden={!more} className="door-connection">
          <TextInput
            label="Address of the hub"
            description="Several may stand here, with commas between them."
            inputMode="url"
            spellCheck={false}
            leftSection={<IconPlugConnected size={18} aria-hidden />}
            value={entrance.hub}
            onChange={set("hub")}
            error={(tried || more) && problems.hub}
          />
          <PasswordInput
            label="Token"
            description="Only where the hub wants one. It is forgotten when this page closes."
            autoComplete="off"
            visibilityToggleButtonProps={{ "aria-label": "Show the token" }}
            value={entrance.token}
            onChange={set("token")}
          />
        </div>
        <Button type="submit" size="md" fullWidth rightSection={<IconArrowRight size={18} aria-hidden />}>
          Come in
        </Button>
      </form>
    </main>
  );
}
