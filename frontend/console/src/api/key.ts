/**
 * The API key. It lives in this tab: in memory, and in `sessionStorage` so that a reload does not ask again. It is in no address, no cookie and no log, and
 * ends with the tab.
 */

const PLACE = "gohub.console.key";

let key = sessionStorage.getItem(PLACE);
/** Why there is none any more, for whoever has to enter it again. */
let reason: string | null = null;
const listeners = new Set<() => void>();

function tell() {
  for (const listener of listeners) listener();
}

export const session = {
  /** The key, `null` before somebody entered one. */
  key: () => key,
  reason: () => reason,
  /** Takes a key that a hub has accepted. */
  enter(entered: string) {
    [key, reason] = [entered, null];
    sessionStorage.setItem(PLACE, entered);
    tell();
  },
  /** Forgets it. */
  leave(why: string | null = null) {
    if (key === null) return;
    [key, reason] = [null, why];
    sessionStorage.removeItem(PLACE);
    tell();
  },
  subscribe(listener: () => void) {
    listeners.add(listener);
    return () => void listeners.delete(listener);
  },
};
