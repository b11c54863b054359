/** The one error of this library: what failed, whether to try again, and whether it may have happened all the same. */
import type { Envelope } from "./protocol.js";

/**
 * Why a request failed. The hub's own codes stand in section 4 of the protocol; an unknown one counts by `retryable`. The
 * others are this library's:
 * - `queue_full`: more waits than `maxPending` or `maxPendingBytes` allow; nothing was sent.
 * - `no_answer`: no answer within the request's time.
 * - `connection_lost`: the connection went and the request must not be repeated by itself.
 * - `closed`: the client was closed, or the hub told it to stop.
 * - `token`: the token provider failed.
 * - `bad_message`: something of the hub could not be read.
 * - `bad_url`: the WebSocket constructor refused the address.
 */
export class GohubError extends Error {
  override readonly name = "GohubError";

  constructor(
    /** The code, for programs. */
    readonly code: string,
    message: string,
    /** Whether the same request may succeed later. */
    readonly retryable: boolean = false,
    /** Whether the request may have been carried out although it failed: a publish may have been delivered. */
    readonly uncertain: boolean = false,
  ) {
    super(message);
  }
}

/** Errors of the hub after which the publication may be delivered all the same; section 5, rule 5. */
const UNCERTAIN = ["timeout", "internal", "client_unknown"];

/** The hub's `error`. */
export function refusal(envelope: Envelope): GohubError {
  const code = envelope.code ?? "internal";
  return new GohubError(code, envelope.message ?? code, envelope.retryable === true, UNCERTAIN.includes(code));
}
