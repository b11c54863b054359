/* Messages of the hub as applications see them: typed, without what is not theirs, tickets above all. */
package gohub.client

import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.contentOrNull
import kotlinx.serialization.json.longOrNull
import kotlin.time.Duration
import kotlin.time.Duration.Companion.milliseconds

/** What was said; `null` when it has no place in the order. */
internal fun messageOf(envelope: Envelope): Message? {
    return Message(
        envelope.id,
        envelope.text(Field.MESSAGE_TYPE),
        envelope.room,
        envelope.text(Field.TO),
        envelope.text(Field.FROM),
        envelope.text(Field.KEY),
        envelope.integer(Field.TS) ?: 0,
        envelope.offset ?: return null,
        envelope.data,
        envelope.mode,
    )
}

/** Who came or went; `null` when it has no place in the order. */
internal fun presenceOf(envelope: Envelope): PresenceEvent? {
    val who = jsonObject(envelope.data)
    return PresenceEvent(
        envelope.room.orEmpty(),
        text(who, "joined"),
        text(who, "left"),
        envelope.offset ?: return null,
        envelope.integer(Field.TS) ?: 0,
    )
}

/** A connection begins. */
internal fun welcomeOf(envelope: Envelope, resumed: Boolean): WelcomeEvent = WelcomeEvent(
    envelope.text(Field.CLIENT_ID).orEmpty(),
    envelope.text(Field.CONNECTION_ID).orEmpty(),
    envelope.text(Field.NODE).orEmpty(),
    envelope.text(Field.EPOCH).orEmpty(),
    envelope.offset,
    envelope.texts(Field.ROOMS).orEmpty(),
    resumed,
    envelope.boolean(Field.RECOVERED),
)

/** Something is missing. */
internal fun gapOf(envelope: Envelope): GapEvent = GapEvent(
    envelope.offset(Field.FROM),
    envelope.offset(Field.TO),
    envelope.integer(Field.COUNT),
    envelope.room,
    GapReason.of(envelope.reason),
)

/** The rooms that a new token does not let the client be in any more. */
internal fun leftOf(data: Data?): List<String> =
    (jsonObject(data)?.get("left") as? JsonArray).orEmpty().mapNotNull { (it as? JsonPrimitive)?.contentOrNull }

/** When the connection ends with the new token. */
internal fun expiresIn(data: Data?): Duration? = (jsonObject(data)?.get("expires_in_ms") as? JsonPrimitive)?.longOrNull?.milliseconds

private fun jsonObject(data: Data?): JsonObject? = (data as? Data.Json)?.value as? JsonObject

private fun text(tree: JsonObject?, name: String): String? = (tree?.get(name) as? JsonPrimitive)?.contentOrNull
