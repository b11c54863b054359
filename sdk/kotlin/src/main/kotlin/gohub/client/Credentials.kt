/* What opens the door: the token, and the ticket that spares its judging after a reconnect. In memory only. Pure. */
package gohub.client

import kotlin.time.Duration

/** Where tokens come from. */
internal enum class TokenSource {
    /** There is none. */
    NONE,

    /** One that cannot be replaced. */
    FIXED,

    /** Somebody gives new ones. */
    PROVIDER,
}

/** Token and ticket of one client. */
internal class Credentials(
    /** Where tokens come from. */
    val source: TokenSource,
) {
    /** The token in use; `null` asks for one. */
    var token: String? = null
        private set
    private var ticketLife = Duration.INFINITE
    private var isNew = false
    private var ticket: String? = null
    private var ticketUntil = Duration.ZERO

    /** Whether somebody must be asked before the next handshake. */
    val missing: Boolean get() = source == TokenSource.PROVIDER && token == null

    /** A new token. */
    fun renew(token: String) {
        this.token = token
        isNew = true
    }

    /** The token ended or was refused: whether there can be another. */
    fun spoil(): Boolean {
        ticket = null
        if (source == TokenSource.PROVIDER) token = null
        return source == TokenSource.PROVIDER
    }

    /** The handshake was refused with 401: whether that may be because the token is an old one. */
    fun stale(): Boolean = !isNew && spoil()

    /** What came with a message of the hub. */
    fun heard(envelope: Envelope, now: Duration) {
        envelope.duration(Field.TICKET_LIFE_MS)?.let { ticketLife = it }
        envelope.ticket?.let {
            ticket = it
            ticketUntil = now + ticketLife
        }
    }

    /** The ticket for a handshake. None is shown twice. */
    fun takeTicket(now: Duration): String? = ticket.takeIf { now < ticketUntil }.also { ticket = null }

    /** A hub let us in: the token is not new any more. */
    fun used() {
        isNew = false
    }
}
