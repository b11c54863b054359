/*
 * Requests: those that wait to be sent, those that wait for their answer, and what becomes of them when the connection goes.
 * Bounded in number and bytes. Pure: it is told the time, and gives back what to send and what to settle.
 */
package gohub.client

import kotlin.time.Duration

/** Requests without an answer on one connection; the hub stops reading at 256 publishes. */
private const val MOST_IN_FLIGHT = 128

/** A request on its way. */
internal class Request(
    /** Its tag, unique in the life of the client. */
    val ref: String,
    /** The `message_id`. */
    val id: Long,
    /** The room, where there is one. */
    val room: String?,
    /** As it goes over the wire, the same every time. */
    val frame: Frame,
    /** When nobody waits for an answer any more; infinite for the client's own. */
    val deadline: Duration,
    /** Whether it may be sent again: it has a key, or changes nothing by a second time. */
    val repeatable: Boolean,
    /** Whether the client asks by itself: not counted, and nobody waits for it. */
    val own: Boolean,
    /** Of a `refresh`: the new token, for the next handshakes. */
    val token: String? = null,
    /** Of the client's own join: the offset after which it wants what was said. */
    val since: Offset? = null,
    /** Of the client's own join: the offset after which it must do without what was said. */
    val missed: Offset? = null,
)

/** What a request came to: the answer, or why there is none. */
internal data class Outcome(val request: Request, val answer: Envelope?, val error: GohubError?)

/** The limits of what waits. */
internal class Limits(
    /** Most requests. */
    val maxPending: Int,
    /** Most bytes of them. */
    val maxPendingBytes: Int,
)

/** The requests of one client. */
internal class Desk(private val limits: Limits, private val random: () -> Double) {
    private class Entry(val request: Request) {
        var sent = false
        var notBefore = Duration.ZERO
        var tries = 0

        /** Whether it was sent once, and nobody knows what came of it. */
        var uncertain = false
        var last: GohubError? = null
    }

    private val entries = LinkedHashMap<String, Entry>()
    private var bytes = 0L
    private var inFlight = 0

    /** Takes a request in; an error when there is no room for it. */
    fun add(request: Request): GohubError? {
        val full = entries.size >= limits.maxPending || bytes + request.frame.size > limits.maxPendingBytes
        if (!request.own && full) return GohubError("queue_full", "too many requests wait", retryable = true)
        entries[request.ref] = Entry(request)
        bytes += size(request)
        return null
    }

    /** Whether a request of this kind is on its way. */
    fun has(id: Long, room: String): Boolean = entries.values.any { it.request.id == id && it.request.room == room }

    /** What to send now, oldest first; what is too large for this hub goes to [refused]. */
    fun next(now: Duration, maxMessage: Long, refused: MutableList<Outcome>): List<Request> {
        val send = mutableListOf<Request>()
        val large = mutableListOf<Entry>()
        for (entry in entries.values) {
            if (inFlight >= MOST_IN_FLIGHT) break
            if (entry.sent || entry.notBefore > now) continue
            if (entry.request.frame.size > maxMessage) {
                large += entry
            } else {
                entry.sent = true
                inFlight++
                send += entry.request
            }
        }
        large.mapTo(refused) { settle(it, GohubError("too_large", "the hub takes $maxMessage bytes")) }
        return send
    }

    /** The hub answered: what that settles. An error that may pass is tried again while there is time. */
    fun answer(envelope: Envelope, now: Duration): Outcome? {
        val entry = entries[envelope.ref]?.takeIf { it.sent } ?: return null
        if (envelope.id != Id.ERROR) {
            remove(entry)
            return Outcome(entry.request, envelope, null)
        }
        val error = refusal(envelope)
        if (!error.retryable || !entry.request.repeatable) return settle(entry, error)
        entry.last = error
        entry.uncertain = entry.uncertain || error.uncertain
        unsend(entry)
        entry.notBefore = now + jitter(entry.tries++, random())
        return null
    }

    /**
     * The connection went. What may be repeated waits for the next one, in its old order; of the rest nobody knows.
     * [tooBig]: the hub closed because of one message, which must have been the largest.
     */
    fun lost(tooBig: Boolean): List<Outcome> {
        val flying = which { it.sent }
        val largest = if (tooBig && flying.isNotEmpty()) flying.maxOf { it.request.frame.size } else Int.MAX_VALUE
        return flying.mapNotNull { entry ->
            val size = entry.request.frame.size
            unsend(entry)
            entry.notBefore = Duration.ZERO
            entry.uncertain = size < largest
            when {
                size >= largest -> settle(entry, GohubError("too_large", "more than the hub takes"))
                !entry.request.repeatable -> settle(entry, GohubError("connection_lost", "lost before the answer", retryable = true))
                else -> null
            }
        }
    }

    /** Those whose time is over. */
    fun expired(now: Duration): List<Outcome> = which { it.request.deadline <= now }.map { entry ->
        entry.uncertain = entry.uncertain || entry.sent
        settle(entry, entry.last ?: GohubError("no_answer", "no answer in time", retryable = true))
    }

    /** All of them, because there will be no connection any more. */
    fun clear(error: GohubError): List<Outcome> = which { true }.map { entry ->
        entry.uncertain = entry.uncertain || entry.sent
        settle(entry, error)
    }

    /** The client's own, which nobody waits for. */
    fun clearOwn() {
        which { it.request.own }.forEach(::remove)
    }

    /** When to look again; [connected] says whether what waits could be sent then. */
    fun due(now: Duration, connected: Boolean): Duration {
        var due = Duration.INFINITE
        for (entry in entries.values) {
            due = minOf(due, entry.request.deadline)
            if (connected && !entry.sent && entry.notBefore > now) due = minOf(due, entry.notBefore)
        }
        return due
    }

    private fun size(request: Request): Int = if (request.own) 0 else request.frame.size

    private fun unsend(entry: Entry) {
        entry.sent = false
        inFlight--
    }
    private fun which(test: (Entry) -> Boolean): List<Entry> = entries.values.filter(test)

    private fun remove(entry: Entry) {
        if (entry.sent) inFlight--
        entries.remove(entry.request.ref)
        bytes -= size(entry.request)
    }

    private fun settle(entry: Entry, error: GohubError): Outcome {
        remove(entry)
        // Of a request that was sent before nobody can say that it failed.
        val uncertain = entry.uncertain || error.uncertain
        return Outcome(entry.request, null, GohubError(error.code, error.message.orEmpty(), error.retryable, uncertain))
    }
}
