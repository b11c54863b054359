/* The JSON form: one object per text frame; opaque bytes travel as base64. */
package gohub.client

import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonNull
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.booleanOrNull
import kotlinx.serialization.json.longOrNull
import java.nio.charset.CharacterCodingException
import kotlin.io.encoding.Base64

private const val BASE64 = "base64"

/** The JSON form, `gohub.v1.json`. */
internal object JsonCodec : Codec {
    override val subprotocol: String = "gohub.v1.json"

    override fun encode(envelope: Envelope): Frame {
        val text = write(envelope).toString()
        // Half of a surrogate pair would leave as another letter, without a word: better not at all.
        return Frame.Text(text, text.encodeToByteArray(throwOnInvalidSequence = true).size)
    }

    override fun decode(frame: Frame): Envelope {
        if (frame !is Frame.Text) throw UnreadableException()
        return try {
            read(Json.parseToJsonElement(frame.text))
        } catch (error: IllegalArgumentException) {
            throw UnreadableException(error)
        }
    }

    private fun write(envelope: Envelope): JsonObject = JsonObject(
        buildMap {
            for ((field, value) in envelope.fields) {
                if (value is Data.Bytes) put(Field.ENCODING.wireName, JsonPrimitive(BASE64))
                put(field.wireName, element(value))
            }
        },
    )

    private fun element(value: Any): JsonElement = when (value) {
        is Long -> JsonPrimitive(value)
        is Boolean -> JsonPrimitive(value)
        is Data.Json -> value.value
        is Data.Bytes -> JsonPrimitive(Base64.encode(value.value))
        is List<*> -> JsonArray(value.map { element(requireNotNull(it)) })
        is Envelope -> write(value)
        else -> JsonPrimitive(value.toString())
    }

    private fun read(element: JsonElement): Envelope {
        val tree = (element as? JsonObject).orUnreadable()
        val bytes = (tree[Field.ENCODING.wireName] as? JsonPrimitive)?.content == BASE64
        val fields =
            buildMap<Field, Any> {
                for ((name, value) in tree) {
                    val field = Field.named(name)
                    if (field == null || field == Field.ENCODING || (value is JsonNull && field != Field.DATA)) continue
                    put(field, if (bytes && field == Field.DATA) Data.Bytes(Base64.decode(text(value))) else value(field, value))
                }
            }
        if (Field.MESSAGE_ID !in fields) throw UnreadableException()
        return Envelope(fields)
    }

    private fun value(field: Field, value: JsonElement): Any = when (field.kind) {
        Kind.INTEGER -> (value as? JsonPrimitive)?.takeUnless { it.isString }?.longOrNull.orUnreadable()
        Kind.BOOLEAN -> (value as? JsonPrimitive)?.takeUnless { it.isString }?.booleanOrNull.orUnreadable()
        Kind.TEXT, Kind.OFFSET, Kind.TEXT_OR_OFFSET -> text(value)
        Kind.DATA -> Data.Json(value)
        Kind.TEXTS -> (value as? JsonArray).orUnreadable().map(::text)
        Kind.MESSAGES -> (value as? JsonArray).orUnreadable().map(::read)
    }

    private fun text(value: JsonElement): String = (value as? JsonPrimitive)?.takeIf { it.isString }.orUnreadable().content
}

/** The JSON value that these bytes are. */
internal fun jsonOf(bytes: ByteArray): JsonElement = try {
    Json.parseToJsonElement(bytes.decodeToString(throwOnInvalidSequence = true))
} catch (error: CharacterCodingException) {
    throw UnreadableException(error)
}
