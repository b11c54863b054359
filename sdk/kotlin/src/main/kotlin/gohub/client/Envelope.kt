/* One message of the protocol, either way: fields by name. Both forms read and write it by the table of [Field]. */
package gohub.client

import kotlin.time.Duration
import kotlin.time.Duration.Companion.milliseconds

/** One message. Which fields it has depends on its id; each holds what the [Kind] of its field says. */
internal data class Envelope(val fields: Map<Field, Any>) {
    constructor(id: Long, vararg fields: Pair<Field, Any?>) : this(
        buildMap {
            put(Field.MESSAGE_ID, id)
            for ((field, value) in fields) if (value != null) put(field, value)
        },
    )

    val id: Long get() = fields.getValue(Field.MESSAGE_ID) as Long
    val ref: String? get() = text(Field.REF)
    val room: String? get() = text(Field.ROOM)
    val reason: String? get() = text(Field.REASON)
    val data: Data? get() = fields[Field.DATA] as Data?
    val offset: Offset? get() = offset(Field.OFFSET)
    val mode: Mode? get() = Mode.of(text(Field.MODE))
    val ticket: String? get() = text(Field.TICKET)
    val clients: List<String>? get() = texts(Field.CLIENTS)

    /** Whether this is a publication: something that was said, with a place in the order. */
    val isPublication: Boolean
        get() = id in Id.BROADCAST..Id.ROOM_MESSAGE || id >= Id.FIRST_APPLICATION || (id == Id.PRESENCE && clients == null)

    /** Whether this is the answer to a request. */
    val isAnswer: Boolean
        get() =
            ref != null &&
                (id == Id.ACK || id == Id.ERROR || id == Id.PONG || id == Id.HISTORY || (id == Id.PRESENCE && clients != null))

    fun text(field: Field): String? = fields[field] as String?

    fun integer(field: Field): Long? = fields[field] as Long?

    fun boolean(field: Field): Boolean = fields[field] == true

    fun offset(field: Field): Offset? = text(field)?.let(Offset::parse)

    fun duration(field: Field): Duration? = integer(field)?.milliseconds

    @Suppress("UNCHECKED_CAST") // the forms put nothing else there
    fun texts(field: Field): List<String>? = fields[field] as List<String>?

    @Suppress("UNCHECKED_CAST") // the forms put nothing else there
    fun messages(): List<Envelope> = fields[Field.MESSAGES] as List<Envelope>? ?: emptyList()

    operator fun plus(more: Pair<Field, Any>): Envelope = Envelope(fields + more)
}
