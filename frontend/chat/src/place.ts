/** Where the hub is and what the address of the page asks for. Pure. */

/** What a page's address may say: `?hub=wss://...&name=anna#lobby`. */
export interface Place {
  /** The hubs' WebSocket addresses; several are divided by commas. */
  readonly hub: string;
  /** A name for the box. */
  readonly name: string;
  /** The room to open; from a link that somebody sent. */
  readonly room: string;
}

/** The hub of a page that a hub serves: `/chat/` and `/ws` stand side by side, under any prefix. */
function besides(page: URL): string {
  const scheme = page.protocol === "https:" ? "wss:" : "ws:";
  const prefix = page.pathname.replace(/\/(?:chat(?:\/.*)?|[^/]*)$/, "");
  return `${scheme}//${page.host}${prefix}/ws`;
}

/** What this address says. */
export function place(address: string): Place {
  const page = new URL(address);
  const { searchParams: query, hash } = page;
  return { hub: query.get("hub") || besides(page), name: query.get("name") ?? "", room: decoded(hash.slice(1)) };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}

/** The address of a room for others: they choose their own name, and keep the hub when it was chosen by hand. */
export function invitation(address: string, room: string): string {
  const page = new URL(address);
  page.searchParams.delete("name");
  page.hash = encodeURIComponent(room);
  return page.href;
}

/** The addresses in the box, or what is wrong with them. `page` is the scheme of this page: one with TLS reaches none without. */
export function hubs(text: string, page: string): { urls: string[] } | { problem: string } {
  const urls = text
    .split(",")
    .map((url) => url.trim())
    .filter((url) => url !== "");
  if (urls.length === 0) return { problem: "Where is the hub? For example wss://hub.example.com/ws" };
  for (const text of urls) {
    let url: URL;
    try {
      url = new URL(text);
    } catch {
      return { problem: `${text} is no address. One begins with wss:// or ws://` };
    }
    if (url.protocol !== "ws:" && url.protocol !== "wss:") return { problem: "The address begins with wss:// or ws://" };
    if (url.hash !== "") return { problem: "The address must not have a # in it" };
    if (page === "https:" && url.protocol === "ws:" && !/^(localhost|127\.|\[::1\])/.test(url.hostname)) {
      return { problem: "This page is encrypted, so the hub must be too: wss://" };
    }
  }
  return { urls };
}
