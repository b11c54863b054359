/* The two forms of the protocol: how an envelope becomes a frame, and back. */
package gohub.client

/** How messages look on the wire. Applications see no difference. */
public enum class Form(internal val codec: Codec) {
    /** JSON in text frames. */
    JSON(JsonCodec),

    /** CBOR in binary frames: smaller, opaque bytes above all. */
    CBOR(CborCodec),
}

/** What goes over the wire at once. */
internal sealed interface Frame {
    /** How long it is in bytes. */
    val size: Int

    /** One that came need not be measured. */
    class Text(val text: String, override val size: Int = text.length) : Frame

    class Binary(val bytes: ByteArray) : Frame {
        override val size: Int get() = bytes.size
    }
}

/** A frame that cannot be read. Its words may be the application's data: they go into no message. */
internal class UnreadableException(cause: Exception? = null) : Exception("not a message of the protocol", cause)

/** Writes and reads one form. */
internal interface Codec {
    /** The WebSocket subprotocol that chooses it. */
    val subprotocol: String

    /** Writes a message. */
    fun encode(envelope: Envelope): Frame

    /**
     * Reads a message.
     *
     * @throws UnreadableException when it is none.
     */
    fun decode(frame: Frame): Envelope
}

/** Says no to what is not as it must be. */
internal fun <T : Any> T?.orUnreadable(): T = this ?: throw UnreadableException()
