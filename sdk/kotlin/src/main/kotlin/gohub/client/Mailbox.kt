/* The events that wait for one collector: bounded, and what is too many is counted and told. */
package gohub.client

import kotlinx.coroutines.channels.Channel

/** A queue of at most [capacity] events and, behind them, one gap for all that came when it was full. */
internal class Mailbox(private val capacity: Int) {
    private val events = ArrayDeque<ClientEvent>()
    private val signal = Channel<Unit>(Channel.CONFLATED)
    private var missed: GapEvent? = null

    /** Takes an event in; never waits. */
    fun put(event: ClientEvent) {
        synchronized(events) { if (events.size < capacity && missed == null) events += event else miss(event) }
        signal.trySend(Unit)
    }

    /** The next event; waits for one. */
    suspend fun take(): ClientEvent {
        while (true) {
            poll()?.let { return it }
            signal.receive()
        }
    }

    private fun poll(): ClientEvent? = synchronized(events) { events.removeFirstOrNull() ?: missed.also { missed = null } }

    private fun miss(event: ClientEvent) {
        val (from, to) =
            when (event) {
                is Message -> event.offset to event.offset
                is PresenceEvent -> event.offset to event.offset
                is GapEvent -> event.from to event.to
                else -> null to null
            }
        val before = missed
        val count = (before?.count ?: 0) + 1
        missed = GapEvent(before?.from ?: from, later(before?.to, to), count, null, GapReason.SLOW_COLLECTOR)
    }
}
