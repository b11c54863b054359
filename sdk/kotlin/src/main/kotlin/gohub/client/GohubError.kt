/* The one error of this library: what failed, whether to try again, and whether it may have happened all the same. */
package gohub.client

/**
 * Why a request failed. The hub's own codes stand in section 4 of the protocol; an unknown one counts by [retryable]. The others
 * are this library's:
 * - `queue_full`: more waits than `maxPending` or `maxPendingBytes` allow; nothing was sent.
 * - `no_answer`: no answer within the request's time.
 * - `connection_lost`: the connection went and the request must not be repeated by itself.
 * - `closed`: the client was closed, or the hub told it to stop.
 * - `token`: the token provider failed.
 * - `bad_message`: something of the hub could not be read.
 */
public class GohubError(
    /** The code, for programs. */
    public val code: String,
    message: String,
    /** Whether the same request may succeed later. */
    public val retryable: Boolean = false,
    /** Whether the request may have been carried out although it failed: a publish may have been delivered. */
    public val uncertain: Boolean = false,
) : Exception(message)

/** Errors of the hub after which the publication may be delivered all the same; section 5, rule 5. */
private val UNCERTAIN = setOf("timeout", "internal", "client_unknown")

/** The hub's `error`. */
internal fun refusal(envelope: Envelope): GohubError {
    val code = envelope.text(Field.CODE) ?: "internal"
    return GohubError(code, envelope.text(Field.MESSAGE) ?: code, envelope.boolean(Field.RETRYABLE), code in UNCERTAIN)
}
