/** Sleep and waking: a clock that runs while the device sleeps, and the signs that a page or a device is back. */

/**
 * `clock`, in milliseconds, without its steps back. The wall clock runs while the device sleeps, which the monotonic clocks of
 * some browsers do not.
 */
export function monotonic(clock: () => number): () => number {
  let last = clock();
  let ahead = 0;
  return () => {
    const now = clock();
    if (now < last) ahead += last - now;
    last = now;
    return now + ahead;
  };
}

/** Where the signs are: in a browser the page and its window, elsewhere nothing. */
interface Page {
  addEventListener?: (name: string, listener: () => void) => void;
  removeEventListener?: (name: string, listener: () => void) => void;
  document?: Page;
}

/** Those of the window and those of the document; one that is heard at both asks once. */
const SIGNS = ["online", "pageshow", "visibilitychange", "resume"];

/** Calls `listener` when the page was shown again or thawed, or the network is back, until the function it gives back is called. */
export function onWake(listener: () => void, page: Page = globalThis as Page): () => void {
  const each = (what: "addEventListener" | "removeEventListener") => {
    for (const place of [page, page.document]) for (const name of SIGNS) place?.[what]?.(name, listener);
  };
  each("addEventListener");
  return () => each("removeEventListener");
}
