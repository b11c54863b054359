/** One WebSocket, from its opening to its end, which is told once, however it came. Addresses hold the token: none is ever shown. */
import type { SocketClass, SocketLike } from "./options.js";

/** How a socket ended. */
export interface SocketEnd {
  /** The close code; 1006 without a close frame. */
  code: number;
  /** In words. */
  reason: string;
  /** The HTTP status that refused the handshake, where the class tells it. */
  status?: number;
  /** Its `Retry-After`, in milliseconds. */
  retryAfterMs?: number | undefined;
}

/** The part of the package `ws` that tells how a handshake was refused; browsers have nothing like it. */
interface Telling {
  on?(
    name: "unexpected-response",
    listener: (request: { destroy(): void }, response: { statusCode: number; headers: Record<string, string | undefined> }) => void,
  ): void;
}

/** A socket that is open or opening. */
export class Socket {
  #ended = false;
  readonly #socket: SocketLike;

  /** Opens it; throws when the class does not take the address. */
  readonly #end: (end: SocketEnd) => void;

  constructor(
    WebSocket: SocketClass,
    url: string,
    subprotocol: string,
    heard: (frame: string | ArrayBuffer) => void,
    end: (end: SocketEnd) => void,
  ) {
    this.#end = end;
    const socket = new WebSocket(url, [subprotocol]);
    this.#socket = socket;
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }: { data: string | ArrayBuffer }) => {
      if (!this.#ended) heard(data);
    };
    socket.onclose = ({ code, reason }: { code: number; reason: string }) => this.#over({ code, reason });
    // A close follows. Without a listener the package `ws` would throw.
    socket.onerror = () => {};
    (socket as Telling).on?.("unexpected-response", (request, { statusCode: status, headers }) => {
      request.destroy();
      const after = Number(headers["retry-after"]);
      const retryAfterMs = after > 0 ? after * 1000 : undefined;
      this.#over({ code: 1006, reason: `the hub answered ${status}`, status, retryAfterMs });
    });
  }

  /** Sends a frame; one that cannot leave any more is lost with the connection. */
  send(frame: string | Uint8Array<ArrayBuffer>): void {
    if (!this.#ended) this.#socket.send(frame);
  }

  /** Closes it and hears no more of it. */
  drop(code: number): void {
    this.#ended = true;
    // Others than 1000 and 3000-4999 a program may not send.
    this.#socket.close(code === 1000 || code >= 3000 ? code : undefined);
  }

  #over(end: SocketEnd): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#end(end);
  }
}
