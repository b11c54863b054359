/* The address of a handshake. */
package gohub.client

private const val UNRESERVED = "-_.~"

/** A value as it stands in a query. */
internal fun percentEncoded(text: String): String = buildString {
    for (byte in text.encodeToByteArray()) {
        val char = (byte.toInt() and 0xff).toChar()
        if (char in 'a'..'z' || char in 'A'..'Z' || char in '0'..'9' || char in UNRESERVED) {
            append(char)
        } else {
            append('%').append(
                char.code
                    .toString(16)
                    .uppercase()
                    .padStart(2, '0'),
            )
        }
    }
}

/** [base] with these parameters; those that are empty or not there are left out. [rooms] is encoded already. */
internal fun address(base: String, parameters: List<Pair<String, String?>>, rooms: String): String {
    val query =
        parameters
            .mapNotNull { (name, value) -> value?.ifEmpty { null }?.let { "$name=${percentEncoded(it)}" } }
            .plus(if (rooms.isEmpty()) emptyList() else listOf("rooms=$rooms"))
    if (query.isEmpty()) return base
    return base + (if ('?' in base) '&' else '?') + query.joinToString("&")
}

/** Whether `Authorization: Bearer` can carry this token: a header holds no more than visible ASCII. */
internal fun fitsHeader(token: String): Boolean = token.isNotEmpty() && token.all { it in '!'..'~' }
