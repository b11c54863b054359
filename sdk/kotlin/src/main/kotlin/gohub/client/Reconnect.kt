/* How long to wait before the next connection: the back-off, and what a hub asked for instead of it. Pure. */
package gohub.client

import kotlin.time.Duration
import kotlin.time.Duration.Companion.seconds

/** A hub without room is left alone at least so long. */
private val NO_ROOM = 5.seconds
private const val TRY_AGAIN_LATER = 1013

/** `token_expired` and `rebalance`: attempt 0. */
private val AT_ONCE = setOf(4004, 4006)

/** The waits of one client. */
internal class Reconnect(private val random: () -> Double) {
    /** Until when the hub asked to send nothing. */
    var pausedUntil: Duration = Duration.ZERO
        private set

    /** The slot of a drain, counted from the close. */
    var slot: Duration? = null
    private var pause = Duration.ZERO
    private var attempt = 0
    private var wasAtOnce = false

    /** The hub asked to wait so long. */
    fun retry(after: Duration, now: Duration) {
        pause = after
        pausedUntil = now + after
    }

    /** The application said so: the next attempt is the first. */
    fun anew() {
        attempt = 0
        pausedUntil = Duration.ZERO
        slot = null
    }

    /** A connection ended with this code, so long after its welcome: how long to wait. */
    fun wait(code: Int, lived: Duration, retryAfter: Duration?, now: Duration): Duration {
        val atOnce = code in AT_ONCE
        // Twice in a row without a good connection between them is a circle, which the back-off slows down.
        if (lived >= GOOD || (atOnce && !wasAtOnce)) attempt = 0
        wasAtOnce = atOnce
        // The least time counts from the close: whichever way it is read, nobody comes too early.
        // A `Retry-After` is this client's own slot in whole seconds: those of one second are spread over it.
        val after = retryAfter?.let { it + 1.seconds * random() }
        val asked = listOfNotNull(slot, after, pause.takeIf { pausedUntil > now })
        slot = null
        pausedUntil = Duration.ZERO
        val least = if (code == TRY_AGAIN_LATER) NO_ROOM else Duration.ZERO
        return if (asked.isEmpty()) least + jitter(attempt++, random()) else maxOf(least, asked.max())
    }
}
