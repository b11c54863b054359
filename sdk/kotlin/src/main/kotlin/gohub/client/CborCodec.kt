/*
 * The CBOR form: the part of RFC 8949 that the protocol uses, in the shortest form. Written for this protocol, and not
 * kotlinx-serialization-cbor: that maps classes, and can say neither that `from` is a text here and an array there, nor that `data`
 * has tag 262 or none; its experimental format would also take lengths and depths that the protocol forbids.
 */
package gohub.client

import java.io.ByteArrayOutputStream
import java.nio.BufferUnderflowException
import java.nio.ByteBuffer
import java.nio.charset.CharacterCodingException

private const val UINT = 0
private const val NEGATIVE = 1
private const val BYTES = 2
private const val TEXT = 3
private const val ARRAY = 4
private const val MAP = 5
private const val TAG = 6
private const val SIMPLE = 7
private const val FALSE = 20
private const val TRUE = 21

/** A byte string that holds JSON. */
private const val EMBEDDED_JSON = 262UL

/** Of fields that are skipped too. */
private const val DEEPEST = 16

/** The CBOR form, `gohub.v1.cbor`. */
internal object CborCodec : Codec {
    override val subprotocol: String = "gohub.v1.cbor"

    override fun encode(envelope: Envelope): Frame = Frame.Binary(CborWriter().apply { envelope(envelope) }.bytes())

    override fun decode(frame: Frame): Envelope {
        if (frame !is Frame.Binary) throw UnreadableException()
        val input = ByteBuffer.wrap(frame.bytes)
        return try {
            val item = CborReader(input).item(0)
            if (input.hasRemaining()) throw UnreadableException()
            envelope(item)
        } catch (error: BufferUnderflowException) {
            throw UnreadableException(error)
        } catch (error: CharacterCodingException) {
            throw UnreadableException(error)
        } catch (error: IllegalArgumentException) {
            throw UnreadableException(error)
        }
    }

    private fun envelope(item: Any): Envelope {
        val fields =
            buildMap<Field, Any> {
                for ((key, value) in (item as? Map<*, *>).orUnreadable()) {
                    val field = (key as? ULong)?.takeIf { it < Field.entries.size.toULong() }?.let { Field.entries[it.toInt()] }
                    // `null` counts as absent; fields that this version does not know are skipped.
                    if (field != null && field != Field.ENCODING && value != Unknown) put(field, value(field, requireNotNull(value)))
                }
            }
        if (Field.MESSAGE_ID !in fields) throw UnreadableException()
        return Envelope(fields)
    }

    private fun value(field: Field, item: Any): Any = when (field.kind) {
        Kind.INTEGER -> (item as? ULong)?.toLong()?.takeIf { it >= 0 }.orUnreadable()
        Kind.BOOLEAN -> (item as? Boolean).orUnreadable()
        Kind.TEXT -> (item as? String).orUnreadable()
        Kind.OFFSET -> offset(item)
        Kind.TEXT_OR_OFFSET -> item as? String ?: offset(item)
        Kind.DATA -> data(item)
        Kind.TEXTS -> (item as? List<*>).orUnreadable().map { (it as? String).orUnreadable() }
        Kind.MESSAGES -> (item as? List<*>).orUnreadable().map { envelope(it.orUnreadable()) }
    }

    private fun offset(item: Any): String {
        val parts = (item as? List<*>)?.takeIf { it.size == 2 }.orUnreadable().map { (it as? ULong).orUnreadable() }
        return Offset(parts[0], parts[1]).toString()
    }

    private fun data(item: Any): Data = when {
        item is ByteArray -> Data.Bytes(item)
        item is Tagged && item.tag == EMBEDDED_JSON && item.item is ByteArray -> Data.Json(jsonOf(item.item))
        else -> throw UnreadableException()
    }
}

/** An item with a tag. */
private class Tagged(val tag: ULong, val item: Any)

/** An item that no field of the protocol holds: a negative number, a float, `null`. */
private object Unknown

/** Reads items; lengths beyond the end, indefinite ones and too deep a nesting throw. */
private class CborReader(private val input: ByteBuffer) {
    fun item(depth: Int): Any {
        if (depth > DEEPEST) throw UnreadableException()
        val first = input.get().toInt() and 0xff
        val small = first and 31
        val argument = argument(small)
        return when (first shr 5) {
            UINT -> argument
            NEGATIVE -> Unknown
            BYTES -> take(argument)
            TEXT -> take(argument).decodeToString(throwOnInvalidSequence = true)
            ARRAY -> List(count(argument)) { item(depth + 1) }
            MAP -> buildMap { repeat(count(argument)) { put(item(depth + 1), item(depth + 1)) } }
            TAG -> Tagged(argument, item(depth + 1))
            else -> if (small == FALSE || small == TRUE) small == TRUE else Unknown
        }
    }

    private fun argument(small: Int): ULong = when (small) {
        in 0..23 -> small.toULong()
        24 -> input.get().toUByte().toULong()
        25 -> input.getShort().toUShort().toULong()
        26 -> input.getInt().toUInt().toULong()
        27 -> input.getLong().toULong()
        else -> throw UnreadableException()
    }

    /** A length, which is never more than what is there: an item takes a byte at least. */
    private fun count(length: ULong): Int = if (length <= input.remaining().toULong()) length.toInt() else throw UnreadableException()

    private fun take(length: ULong): ByteArray = ByteArray(count(length)).also(input::get)
}

/** Writes items one behind the other. */
private class CborWriter {
    private val out = ByteArrayOutputStream()

    fun bytes(): ByteArray = out.toByteArray()

    fun envelope(envelope: Envelope) {
        head(MAP, envelope.fields.size.toULong())
        for ((field, value) in envelope.fields) {
            head(UINT, field.ordinal.toULong())
            if (field.kind == Kind.OFFSET) offset(requireNotNull(Offset.parse(value as String))) else item(value)
        }
    }

    private fun offset(offset: Offset) {
        head(ARRAY, 2UL)
        head(UINT, offset.major)
        head(UINT, offset.minor)
    }

    private fun item(value: Any) {
        when (value) {
            is Long -> head(UINT, value.toULong())

            is Boolean -> head(SIMPLE, (if (value) TRUE else FALSE).toULong())

            is Data.Bytes -> string(BYTES, value.value)

            is Data.Json -> {
                head(TAG, EMBEDDED_JSON)
                string(BYTES, value.value.toString().encodeToByteArray(throwOnInvalidSequence = true))
            }

            is List<*> -> {
                head(ARRAY, value.size.toULong())
                for (each in value) item(requireNotNull(each))
            }

            is Envelope -> envelope(value)

            else -> string(TEXT, value.toString().encodeToByteArray(throwOnInvalidSequence = true))
        }
    }

    private fun string(major: Int, bytes: ByteArray) {
        head(major, bytes.size.toULong())
        out.write(bytes, 0, bytes.size)
    }

    private fun head(major: Int, value: ULong) {
        val size =
            when {
                value < 24UL -> 0
                value <= UByte.MAX_VALUE -> 1
                value <= UShort.MAX_VALUE -> 2
                value <= UInt.MAX_VALUE -> 4
                else -> 8
            }
        out.write((major shl 5) or if (size == 0) value.toInt() else 24 + size.countTrailingZeroBits())
        for (at in size - 1 downTo 0) out.write((value shr (8 * at)).toInt())
    }
}
