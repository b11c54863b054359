/* What the client needs of a WebSocket: to open one, to send, to leave. Tests play the hub behind it. */
package gohub.client

/** Opens sockets. */
internal fun interface Transport {
    /**
     * Opens one. Messages of the exception are shown to nobody: they hold the address.
     *
     * @throws IllegalArgumentException when no socket can be made of this address.
     */
    fun open(connect: Action.Connect, subprotocol: String, ear: Ear): Socket
}

/** Hears what a socket says; from any thread, one call at a time. It may block, and then the socket reads no more. */
internal interface Ear {
    /** A frame came. */
    fun heard(frame: Frame)

    /** The socket ended. Told once. */
    fun ended(end: CoreEvent.Closed)
}

/** A socket that is open or opening. */
internal interface Socket {
    /** Sends a frame; one that cannot leave any more is lost with the connection. */
    fun send(frame: Frame)

    /** Closes it with this code, for whoever still hears that. */
    fun drop(code: Int)
}
