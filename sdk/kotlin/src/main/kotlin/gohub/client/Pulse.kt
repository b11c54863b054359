/*
 * The heartbeat: when to send a ping, and when a silent hub counts as gone. Pure: it is told the time, and asked.
 *
 * Nobody is given up by silence alone, only by an unanswered ping; so a device that slept finds out whether its connection lives
 * instead of throwing it away.
 */
package gohub.client

import kotlin.time.Duration
import kotlin.time.Duration.Companion.seconds

/** A client that got no offset for so long asks for its position; section 6. */
private val QUIET = 60.seconds

/** Silence after which a wake-up looks. */
private val RECENT = 5.seconds

/** The hub's own answer takes a moment: a shorter timeout would cut everybody off. */
private val LEAST = 1.seconds

/** What the heartbeat wants done. */
internal enum class Beat { PING, DEAD }

/** The heartbeat of one connection. */
internal class Pulse(welcome: Envelope, now: Duration) {
    private val timeout = maxOf(welcome.duration(Field.HEARTBEAT_TIMEOUT_MS) ?: 10.seconds, LEAST)
    private val silence = (welcome.duration(Field.HEARTBEAT_INTERVAL_MS) ?: 25.seconds) + timeout
    private val ticketHalf = (welcome.duration(Field.TICKET_LIFE_MS) ?: Duration.INFINITE) / 2
    private var heardAt = now
    private var offsetAt = now
    private var ticketAt = now + ticketHalf
    private var deadAt = Duration.INFINITE

    /** Something came: the hub is there. */
    fun heard(envelope: Envelope?, now: Duration) {
        heardAt = now
        deadAt = Duration.INFINITE
        if (envelope?.offset != null) offsetAt = now
        // A pong carries the next ticket once half of this one's life is over.
        if (envelope?.ticket != null) ticketAt = now + ticketHalf
    }

    /** When to ask again with [beat]. Pings wait for [paused], the end of a pause that the hub asked for. */
    fun due(paused: Duration): Duration =
        if (deadAt.isFinite()) deadAt else maxOf(minOf(heardAt + silence, offsetAt + QUIET, ticketAt), paused)

    /** What is to be done now. */
    fun beat(now: Duration, paused: Duration): Beat? = when {
        now < due(paused) -> null
        deadAt.isFinite() -> Beat.DEAD
        else -> ping(now)
    }

    /** The device woke up, or the network changed: a look before the next beat. */
    fun wake(now: Duration, paused: Duration): Beat? = if (deadAt.isFinite() || now < paused || now - heardAt < RECENT) null else ping(now)

    private fun ping(now: Duration): Beat {
        deadAt = now + timeout
        // Asked for. The hub counts from when it gave the last one, so it may say not yet.
        if (ticketAt <= now) ticketAt = now + ticketHalf / 4
        offsetAt = now
        return Beat.PING
    }
}
