/* What a client tells the application. */
package gohub.client

import kotlin.time.Duration

/** Where the connection stands. */
public enum class State {
    /** Before [Client.connect]. */
    IDLE,

    /** Until the welcome. */
    CONNECTING,

    /** Connected. */
    OPEN,

    /** The hub is going, and new requests wait for the next one. */
    DRAINING,

    /** For the next attempt. */
    WAITING,

    /** For good, until [Client.connect] is called again. */
    CLOSED,
}

/** Something that happened. */
public sealed interface ClientEvent

/** The connection's state changed. */
public data class StateEvent(
    /** The new state. */
    val state: State,
) : ClientEvent

/** A hub took the connection, or its epoch changed under it. */
public data class WelcomeEvent(
    /** Who this client is. */
    val clientId: String,
    /** This connection, for logs. */
    val connectionId: String,
    /** The hub that serves it. */
    val node: String,
    /** The life of the log that offsets belong to. */
    val epoch: String,
    /** Where delivery starts. */
    val offset: Offset?,
    /** The rooms this connection is in. */
    val rooms: List<String>,
    /** Whether this connection goes on where an earlier one was. */
    val resumed: Boolean,
    /** With [resumed]: whether nothing is missing. If not, load state anew where it matters. */
    val recovered: Boolean,
) : ClientEvent

/** Something was said: to everybody, to a room, to this client. */
public data class Message(
    /** 20 to everybody, 21 to this client, 22 to a room, from 1000 the application's own, in a history also 12: presence. */
    val messageId: Long,
    /** The application's own name of the message. */
    val messageType: String?,
    /** The room it was said in. */
    val room: String?,
    /** The client it is for. */
    val to: String?,
    /** The client that said it; absent when the hub or its administrator did. */
    val from: String?,
    /** Its idempotency key. */
    val key: String?,
    /** Milliseconds since 1970 when the hub took it. */
    val ts: Long,
    /** Where it stands in the total order. */
    val offset: Offset,
    /** What was said. */
    val data: Data?,
    /** [Mode.DEGRADED] when it reached the clients of one hub alone. */
    val mode: Mode?,
) : ClientEvent

/** Somebody came to a room or left it, where the room reports that. */
public data class PresenceEvent(
    /** The room. */
    val room: String,
    /** Who came. */
    val joined: String?,
    /** Who left. */
    val left: String?,
    /** Where it stands in the total order. */
    val offset: Offset,
    /** Milliseconds since 1970. */
    val ts: Long,
) : ClientEvent

/** Messages that this client does not get. Ask for a history, or load state anew. */
public data class GapEvent(
    /** The first one missed. */
    val from: Offset?,
    /** The last one missed. */
    val to: Offset?,
    /** How many, when known. */
    val count: Long?,
    /** The room, when it is about one alone. */
    val room: String?,
    /** Why. */
    val reason: GapReason,
) : ClientEvent

/** The hub is cut off from the others, or not any more. */
public data class ModeEvent(
    /** How it is now. */
    val mode: Mode,
    /** Why, for people. */
    val reason: String?,
) : ClientEvent

/** The hub is going; nothing to do. */
public data class DrainEvent(
    /** When it closes. */
    val closeIn: Duration,
    /** How long after that this client connects again. */
    val reconnectIn: Duration,
    /** Why, for people. */
    val reason: String?,
) : ClientEvent

/** The hub asks to send nothing for a while; requests wait. */
public data class RetryEvent(
    /** How long. */
    val after: Duration,
    /** Why, for people. */
    val reason: String?,
) : ClientEvent

/** The back end has put this client into a room. */
public data class JoinedEvent(
    /** The room. */
    val room: String,
    /** From where its messages are delivered. */
    val offset: Offset?,
) : ClientEvent

/** A room this client was in or wanted to be in is not open to it any more. */
public data class LeftEvent(
    /** The room. */
    val room: String,
    /** Why, for people. */
    val reason: String,
) : ClientEvent

/** Several attempts in a row came to nothing: the network, the hub, or the token. */
public data class TroubleEvent(
    /** How many. */
    val attempts: Int,
) : ClientEvent

/** Something went wrong that belongs to no request. */
public data class ErrorEvent(
    /** What. */
    val error: GohubError,
) : ClientEvent

/** The end: the client does not connect again by itself. */
public data class ClosedEvent(
    /** The close code, or the HTTP status that refused the handshake; 1000 after [Client.close]. */
    val code: Int,
    /** In words, for people and logs. */
    val reason: String,
) : ClientEvent
