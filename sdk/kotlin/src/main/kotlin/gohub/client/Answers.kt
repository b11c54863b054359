/* What requests come to. */
package gohub.client

import kotlin.time.Duration

/** What came of a request. */
public data class Ack(
    /** Of a publish its place in the order, of a join where delivery starts. */
    val offset: Offset?,
    /** Of a message that an application handled, its answer. */
    val data: Data?,
    /** [Mode.DEGRADED] beside an offset that is one hub's alone. */
    val mode: Mode?,
)

/** A page of those who are in a room. */
public data class PresencePage(
    /** Who. */
    val clients: List<String>,
    /** How many there are in all. */
    val total: Long,
    /** `after` of the next page; `null` on the last. */
    val next: String?,
)

/** What was said in a room. */
public data class HistoryPage(
    /** Oldest first. */
    val messages: List<Message>,
    /** Whether nothing that was asked for is missing. */
    val complete: Boolean,
)

/** What a new token changed. */
public data class Refreshed(
    /** When the connection ends with the token; `null` when it does not. */
    val expiresIn: Duration?,
    /** The rooms it does not let the client be in any more. */
    val left: List<String>,
)

internal fun ackOf(envelope: Envelope): Ack = Ack(envelope.offset, envelope.data, envelope.mode)

internal fun presencePageOf(envelope: Envelope): PresencePage =
    PresencePage(envelope.clients.orEmpty(), envelope.integer(Field.TOTAL) ?: 0, envelope.text(Field.NEXT))

internal fun historyPageOf(envelope: Envelope): HistoryPage {
    val messages = envelope.messages().map(::messageOf)
    // One that cannot be shown is not kept silent.
    return HistoryPage(messages.filterNotNull(), envelope.boolean(Field.COMPLETE) && null !in messages)
}

internal fun refreshedOf(envelope: Envelope): Refreshed = Refreshed(expiresIn(envelope.data), leftOf(envelope.data))
