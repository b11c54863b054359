/* The golden messages of sdk/protocol/vectors, which the hub and every SDK run, in both forms. */
package gohub.client

import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.boolean
import kotlinx.serialization.json.contentOrNull
import kotlinx.serialization.json.int
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import kotlinx.serialization.json.long
import okhttp3.HttpUrl.Companion.toHttpUrl
import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.DynamicTest
import org.junit.jupiter.api.DynamicTest.dynamicTest
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.TestFactory
import java.io.File

class VectorsTest {
    private fun read(name: String) = Json.parseToJsonElement(File("../protocol/vectors/$name").readText()).jsonObject

    private fun vectors(name: String) = read(name).getValue("vectors").jsonArray.map { it.jsonObject }

    private fun JsonObject.text(name: String) = get(name)?.jsonPrimitive?.contentOrNull

    private fun binary(hex: String) = Frame.Binary(hex.hexToByteArray())

    /** The message as this library reads it, by the shape of what the vector says and not by the library's own table of kinds. */
    private fun expected(message: JsonObject): Envelope {
        val fields = mutableMapOf<Field, Any>()
        for ((name, value) in message) {
            when (name) {
                // `data_text` and `data_hex` say it, when they are there.
                "data" -> fields.putIfAbsent(Field.DATA, Data.of(value))

                "data_text" -> fields[Field.DATA] = Data.of(Json.parseToJsonElement(value.jsonPrimitive.content))

                "data_hex" -> fields[Field.DATA] = Data.of(value.jsonPrimitive.content.hexToByteArray())

                else -> fields[requireNotNull(Field.named(name)) { name }] = plain(value)
            }
        }
        return Envelope(fields)
    }

    private fun plain(value: JsonElement): Any = when (value) {
        is JsonObject -> expected(value)

        is JsonArray -> value.map(::plain)

        is JsonPrimitive ->
            when {
                value.isString -> value.content
                value.content == "true" || value.content == "false" -> value.boolean
                else -> value.long
            }
    }

    @TestFactory
    fun `every golden message is read from both forms`(): List<DynamicTest> = listOf("hub_messages.json", "requests.json").flatMap { file ->
        vectors(file).map { vector ->
            dynamicTest("$file: ${vector.text("name")}") {
                val message = expected(vector.getValue("message").jsonObject)
                assertEquals(message, JsonCodec.decode(Frame.Text(vector.getValue("json").jsonPrimitive.content)))
                assertEquals(message, CborCodec.decode(binary(vector.getValue("cbor").jsonPrimitive.content)))
            }
        }
    }

    @TestFactory
    fun `every request is written as something equal`(): List<DynamicTest> = vectors("requests.json").map { vector ->
        dynamicTest("requests.json: ${vector.text("name")}") {
            val message = expected(vector.getValue("message").jsonObject)
            val text = (JsonCodec.encode(message) as Frame.Text).text
            assertEquals(Json.parseToJsonElement(vector.getValue("json").jsonPrimitive.content), Json.parseToJsonElement(text))
            val written = (CborCodec.encode(message) as Frame.Binary).bytes
            val golden = vector.getValue("cbor").jsonPrimitive.content.hexToByteArray()
            assertEquals(CborCodec.decode(Frame.Binary(golden)), CborCodec.decode(Frame.Binary(written)))
            // Text with spaces in it is equal as a value; without it is the same, byte for byte.
            val data = vector.getValue("message").jsonObject.text("data_text")
            if (data == null || data == (message.data as Data.Json).value.toString()) {
                assertEquals(pairs(golden), pairs(written), "the same items, shortest form, whatever their order")
                assertEquals(golden.size, written.size)
            }
        }
    }

    /** The pairs of a CBOR map in hex, taken apart without the library. */
    private fun pairs(map: ByteArray): Set<String> {
        var at = 0

        fun byte() = map[at++].toInt() and 0xff

        fun skip(): String {
            val from = at
            val first = byte()
            val small = first and 31
            val value = if (small < 24) small.toLong() else (0 until (1 shl (small - 24))).fold(0L) { sum, _ -> sum * 256 + byte() }
            when (first shr 5) {
                2, 3 -> at += value.toInt()
                4 -> repeat(value.toInt()) { skip() }
                6 -> skip()
            }
            return map.copyOfRange(from, at).toHexString()
        }
        return List(byte() and 31) { "${skip()} ${skip()}" }.toSet()
    }

    @Test
    fun `every table of tables json is in this library, and nothing that is not there`() {
        val tables = read("tables.json")

        fun rows(name: String) = tables.getValue(name).jsonArray

        val fields = rows("fields").map { it.jsonObject }
        assertEquals(
            fields.associate { it.getValue("key").jsonPrimitive.int to it.text("name") }.toSortedMap(),
            Field.entries.associate {
                it.ordinal to
                    it.wireName
            }.toSortedMap(),
        )
        val reasons = rows("gap_reasons").map { (it as? JsonObject)?.text("name") ?: it.jsonPrimitive.content }
        assertEquals(reasons.toSet() + "slow_collector", GapReason.entries.map { it.name.lowercase() }.toSet())
        for (row in rows("close_codes").map { it.jsonObject }) {
            assertEquals(row.text("action") == "stop", stops(row.getValue("code").jsonPrimitive.int), row.toString())
        }
        val ids = Id::class.java.declaredFields.filter { it.type == Long::class.java }.associate { it.name.lowercase() to it.getLong(null) }
        assertEquals(
            rows("ids").map { it.jsonObject }.associate { it.text("name") to it.getValue("id").jsonPrimitive.long },
            ids - "first_application",
        )
        assertEquals(tables.getValue("first_application_id").jsonPrimitive.long, Id.FIRST_APPLICATION)
        assertEquals(listOf(JsonCodec.subprotocol, CborCodec.subprotocol), rows("subprotocols").map { it.jsonPrimitive.content })
    }

    @Test
    fun `close codes nobody knows yet count by their range`() {
        assertEquals(emptyList<Int>(), listOf(1010, 4500, 4599, 4999).filterNot(::stops))
        assertEquals(emptyList<Int>(), listOf(1005, 1006, 1014, 1015, 3000, 4000, 4099, 4499).filter(::stops))
    }

    @Test
    fun `a handshake is one of those in handshake json`() {
        var tried = 0
        for (vector in vectors("handshake.json").filter { it.text("refused") == null }) {
            val connect = Stage(clientId = vector.text("client_id"), token = vector.text("token")).start().connects.single()
            val url = connect.url.replace("ws:", "http:").toHttpUrl()
            assertEquals(vector.text("client_id") to vector.text("token"), url.says("client_id") to connect.token, vector.toString())
            tried++
        }
        assertTrue(tried > 4)
    }

    @Test
    fun `what is cut short, nested, endless or no message at all is refused and harms nothing`() {
        val texts = listOf("", "[1]", "null", "{", """{"message_id":"1"}""", """{"message_id":{}}""", """{"message_id":1} 2""", "{}")
        val short = listOf("", "80", "bf0001ff", "a3056261310001", "a205626131000100", "a105626131", "a2000a027f6161ff", "a0")
        val odd =
            listOf("a20014049b7fffffffffffffff", "a200011863" + "81".repeat(40) + "01", "a2000a02 61ff".replace(" ", ""), "a20014041901")
        for (text in texts) {
            assertThrows(UnreadableException::class.java, { JsonCodec.decode(Frame.Text(text)) }, text)
            assertThrows(UnreadableException::class.java) { CborCodec.decode(Frame.Text(text)) }
        }
        for (hex in short + odd) {
            assertThrows(UnreadableException::class.java, { CborCodec.decode(binary(hex)) }, hex)
            assertThrows(UnreadableException::class.java) { JsonCodec.decode(binary(hex)) }
        }
    }

    @Test
    fun `whatever bytes come, they are a message or refused`() {
        val random = kotlin.random.Random(5)
        val golden = vectors("hub_messages.json").map { it.getValue("cbor").jsonPrimitive.content.hexToByteArray() }
        repeat(20_000) {
            val bytes = golden.random(random).copyOf()
            repeat(random.nextInt(1, 4)) { bytes[random.nextInt(bytes.size)] = random.nextInt().toByte() }
            try {
                CborCodec.decode(Frame.Binary(bytes.copyOf(random.nextInt(bytes.size + 1))))
            } catch (_: UnreadableException) {
                // Nothing else may come out of it.
            }
        }
    }

    @Test
    fun `fields that this version does not know are skipped, and null counts as absent`() {
        val pong = Envelope(Id.PONG, Field.REF to "p1")
        assertEquals(pong, CborCodec.decode(binary("a300021863fb3ff000000000000005627031")))
        assertEquals(pong, JsonCodec.decode(Frame.Text("""{"message_id":2,"new":[{}],"ref":"p1","room":null}""")))
        assertEquals(Data.of(Json.parseToJsonElement("null")), JsonCodec.decode(Frame.Text("""{"message_id":20,"data":null}""")).data)
    }

    @Test
    fun `numbers keep their digits, and offsets their 64 bits`() {
        val digits = """{"price":1.10,"big":123456789012345678901234567890}"""
        val said = Envelope(Id.BROADCAST, Field.DATA to Data.of(Json.parseToJsonElement(digits)))
        assertEquals("""{"message_id":20,"data":$digits}""", (JsonCodec.encode(said) as Frame.Text).text)
        assertArrayEquals(digits.toByteArray(), (CborCodec.encode(said) as Frame.Binary).bytes.takeLast(digits.length).toByteArray())
        val last = requireNotNull(Offset.parse("18446744073709551615-4294967295"))
        assertTrue(last > Offset(9_007_199_254_740_993u, 0u) && Offset(2u, 10u) > Offset(2u, 9u))
        for (bad in listOf(
            "",
            "1",
            "1-",
            "01-0",
            "-1-0",
            "1-0-0",
            "1 - 0",
            "18446744073709551616-0",
        )) {
            assertEquals(null, Offset.parse(bad), bad)
        }
    }

    @Test
    fun `half of a surrogate pair is not written as another letter`() {
        val bad = Envelope(Id.BROADCAST, Field.DATA to Data.of("\ud800"))
        for (codec in listOf(JsonCodec, CborCodec)) assertThrows(CharacterCodingException::class.java) { codec.encode(bad) }
    }
}
