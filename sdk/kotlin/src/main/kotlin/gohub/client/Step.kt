/* What goes into the state machine and what comes out of it. */
package gohub.client

import kotlin.time.Duration

/** What the core must know; meaning as in [ClientOptions]. */
internal data class CoreOptions(
    val urls: List<String>,
    val clientId: String?,
    val token: TokenSource,
    val form: Form,
    val connectTimeout: Duration,
    val maxPending: Int,
    val maxPendingBytes: Int,
    val maxRooms: Int,
)

/** Where the machine stands, and how that is told. */
internal enum class Phase(val state: State) {
    IDLE(State.IDLE),
    TOKEN(State.CONNECTING),
    OPENING(State.CONNECTING),
    OPEN(State.OPEN),
    WAITING(State.WAITING),
    CLOSED(State.CLOSED),
}

/** What happens to the machine. */
internal sealed interface CoreEvent {
    /** The application wants to be connected. */
    data object Start : CoreEvent

    /** The application wants it to end. */
    data object Stop : CoreEvent

    /** The token that was asked for under this number. */
    class Token(val id: Int, val token: String) : CoreEvent

    /** There is none. */
    class NoToken(val id: Int) : CoreEvent

    /** A frame came. */
    class Received(val frame: Frame) : CoreEvent

    /** The socket ended: 1006 without a close frame; the status that refused the handshake. */
    class Closed(val code: Int, val reason: String, val status: Int? = null, val retryAfter: Duration? = null) : CoreEvent

    /** No socket can be made of this address. */
    data object Unusable : CoreEvent

    /** The timer went off. */
    data object Tick : CoreEvent

    /** The device woke up, or its network is another. */
    data object Wake : CoreEvent

    /** The application asks for something. */
    class Asked(val request: Request) : CoreEvent
}

/** What is to be done. */
internal sealed interface Action {
    /** Fetch a token. */
    data class AskToken(val id: Int) : Action

    /** Open a socket. The token goes into a header where it can. */
    class Connect(val url: String, val token: String?) : Action

    /** Send a frame. */
    class Send(val frame: Frame) : Action

    /** Leave the socket behind. */
    data class Disconnect(val code: Int) : Action

    /** Send a tick at this time instead of an earlier wish. */
    data class Timer(val at: Duration) : Action

    /** A request came to this. */
    class Settle(val outcome: Outcome) : Action

    /** Tell the application. */
    data class Emit(val event: ClientEvent) : Action
}
