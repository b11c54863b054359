/** Which view is shown: what stands behind the `#` of the address, so that the page works under any path and a view can be linked. Never a key. */
import { useSyncExternalStore } from "react";

export const VIEWS = ["overview", "hubs", "clients", "rooms", "settings"] as const;
export type View = (typeof VIEWS)[number];

/** A view, and the client or the room it is about. */
export interface Route {
  view: View;
  id: string | null;
}

export function read(hash: string): Route {
  const [name = "", id] = hash.replace(/^#\/?/, "").split("/", 2);
  const view = VIEWS.find((known) => known === name) ?? "overview";
  return { view, id: id ? decode(id) : null };
}

/** An address that somebody has cut short is no reason to fail. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export function href(view: View, id?: string): string {
  return id === undefined ? `#/${view}` : `#/${view}/${encodeURIComponent(id)}`;
}

export function go(view: View, id?: string) {
  location.hash = href(view, id);
}

function subscribe(listener: () => void) {
  addEventListener("hashchange", listener);
  return () => removeEventListener("hashchange", listener);
}

export function useRoute(): Route {
  return read(useSyncExternalStore(subscribe, () => location.hash));
}
