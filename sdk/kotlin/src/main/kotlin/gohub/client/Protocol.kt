/*
 * The vocabulary of protocol v1: ids, fields and codes, as in sdk/protocol/PROTOCOL.md. A test compares every table here with the
 * golden `tables.json`.
 */
package gohub.client

/** The ids of messages: what stands in `message_id`. */
internal object Id {
    const val PING = 1L
    const val PONG = 2L
    const val WELCOME = 3L
    const val ACK = 4L
    const val ERROR = 5L
    const val REFRESH = 6L
    const val JOIN = 10L
    const val LEAVE = 11L
    const val PRESENCE = 12L
    const val HISTORY = 13L
    const val BROADCAST = 20L
    const val UNICAST = 21L
    const val ROOM_MESSAGE = 22L
    const val DRAIN = 30L
    const val GAP = 31L
    const val MODE = 32L
    const val RETRY = 33L

    /** The first id that belongs to the application. */
    const val FIRST_APPLICATION = 1000L
}

/** What a field holds. */
internal enum class Kind { INTEGER, TEXT, BOOLEAN, OFFSET, TEXT_OR_OFFSET, DATA, TEXTS, MESSAGES }

/** The fields of an envelope. A field's place is its key in the CBOR form, its name in lower case that in the JSON form. */
internal enum class Field(val kind: Kind) {
    MESSAGE_ID(Kind.INTEGER),
    MESSAGE_TYPE(Kind.TEXT),
    ROOM(Kind.TEXT),
    TO(Kind.TEXT_OR_OFFSET),
    DATA(Kind.DATA),
    REF(Kind.TEXT),
    KEY(Kind.TEXT),
    TS(Kind.INTEGER),
    FROM(Kind.TEXT_OR_OFFSET),
    OFFSET(Kind.OFFSET),
    FROM_OFFSET(Kind.OFFSET),
    LIMIT(Kind.INTEGER),
    AFTER(Kind.TEXT),

    /** Of the JSON form alone, which makes [Data.Bytes] of it: no envelope holds one. */
    ENCODING(Kind.TEXT),
    CODE(Kind.TEXT),
    MESSAGE(Kind.TEXT),
    RETRYABLE(Kind.BOOLEAN),
    REASON(Kind.TEXT),
    COUNT(Kind.INTEGER),
    CLIENT_ID(Kind.TEXT),
    CONNECTION_ID(Kind.TEXT),
    NODE(Kind.TEXT),
    EPOCH(Kind.TEXT),
    RECOVERED(Kind.BOOLEAN),
    HEARTBEAT_INTERVAL_MS(Kind.INTEGER),
    HEARTBEAT_TIMEOUT_MS(Kind.INTEGER),
    MAX_MESSAGE(Kind.INTEGER),
    MAX_ROOMS(Kind.INTEGER),
    VERSION(Kind.INTEGER),
    MODE(Kind.TEXT),
    ROOMS(Kind.TEXTS),
    CLIENTS(Kind.TEXTS),
    NEXT(Kind.TEXT),
    TOTAL(Kind.INTEGER),
    MESSAGES(Kind.MESSAGES),
    COMPLETE(Kind.BOOLEAN),
    CLOSE_IN_MS(Kind.INTEGER),
    RECONNECT_IN_MS(Kind.INTEGER),
    AFTER_MS(Kind.INTEGER),
    TOKEN(Kind.TEXT),
    TICKET(Kind.TEXT),
    TICKET_LIFE_MS(Kind.INTEGER),
    ;

    /** The name in the JSON form. */
    val wireName: String = name.lowercase()

    companion object {
        private val named = entries.associateBy { it.wireName }

        /** The field of this name, if this version knows it. */
        fun named(name: String): Field? = named[name]
    }
}

/** Why messages are missing. */
public enum class GapReason {
    /** The connection read too slowly: nothing newer stands for them. */
    SLOW_CLIENT,

    /** The connection read too slowly, and a newer one of the same key is kept. */
    CONFLATED,

    /** The messages are older than what the hub keeps. */
    EXPIRED,

    /** The bus no longer has the messages the hub missed. */
    COMPACTED,

    /** The offset belongs to another life of the log. */
    EPOCH_CHANGED,

    /** The bus could not deliver them. */
    BUS_LOST,

    /** This library's own: a collector of [Client.events] was too slow for longer than its buffer lasts. The count is one of events. */
    SLOW_COLLECTOR,

    /** None of the others; also a reason that this version does not know. */
    UNSPECIFIED,
    ;

    internal companion object {
        fun of(text: String?): GapReason = entries.find { it != SLOW_COLLECTOR && it.name.lowercase() == text } ?: UNSPECIFIED
    }
}

/** Whether the hub works normally or is cut off from the others. */
public enum class Mode {
    /** It works normally. */
    NORMAL,

    /** It is cut off from the others. */
    DEGRADED,
    ;

    internal companion object {
        fun of(text: String?): Mode? = entries.find { it.name.lowercase() == text }
    }
}

private val STANDARD_STOPS = setOf(1000, 1002, 1003, 1007, 1008, 1010)

/** Whether this close code means that one must not reconnect by oneself; by range, so for unknown codes too. */
internal fun stops(code: Int): Boolean = code in STANDARD_STOPS || code >= 4500
