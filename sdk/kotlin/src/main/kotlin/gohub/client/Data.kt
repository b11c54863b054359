/* What the application says: the hub carries it untouched. */
package gohub.client

import kotlinx.serialization.DeserializationStrategy
import kotlinx.serialization.SerializationException
import kotlinx.serialization.SerializationStrategy
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.Json as JsonParser

/** The content of a message: a JSON value, or opaque bytes. [Data.of] makes one. */
public sealed interface Data {
    /** A JSON value. */
    public data class Json(
        /** The value; numbers keep the digits they were written with. */
        val value: JsonElement,
    ) : Data

    /** Opaque bytes. */
    public class Bytes(
        /** The bytes; not to be changed. */
        public val value: ByteArray,
    ) : Data {
        override fun equals(other: Any?): Boolean = other is Bytes && value.contentEquals(other.value)

        override fun hashCode(): Int = value.contentHashCode()

        override fun toString(): String = "${value.size} bytes"
    }

    /** The text, when it is one: `null` for other JSON and for bytes. */
    public val text: String?
        get() = ((this as? Json)?.value as? JsonPrimitive)?.takeIf { it.isString }?.content

    /**
     * The value as a type of the application's own.
     *
     * @throws SerializationException when it is bytes, or JSON of another shape.
     */
    public fun <T> decode(type: DeserializationStrategy<T>): T = when (this) {
        is Json -> Lenient.decodeFromJsonElement(type, value)
        is Bytes -> throw SerializationException("opaque bytes are no JSON")
    }

    public companion object {
        private val Lenient = JsonParser { ignoreUnknownKeys = true }

        /** A text. */
        public fun of(text: String): Data = Json(JsonPrimitive(text))

        /** A JSON value. */
        public fun of(value: JsonElement): Data = Json(value)

        /** Opaque bytes. */
        public fun of(bytes: ByteArray): Data = Bytes(bytes)

        /** A value of a type of the application's own. */
        public fun <T> of(type: SerializationStrategy<T>, value: T): Data = Json(Lenient.encodeToJsonElement(type, value))
    }
}
