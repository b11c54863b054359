/*
 * The rooms a client wants to be in, and how each gets back there after a reconnect. Pure.
 *
 * Only rooms that a hub has let the client into go into the query of a handshake: a bad name there would cost the connection.
 */
package gohub.client

/** Room for names in the query; proxies take request lines of 8 KiB. */
private const val QUERY_BYTES = 3_000

/** A room that still needs a join, and the offset since when. */
internal data class Rejoin(val room: String, val since: Offset?)

/** The rooms of one client. */
internal class Rooms {
    private class Place(
        /** Whether this connection is in it. */
        val inside: Boolean,
        /** Up to where this client has what was said there, when it is not inside but was. */
        val since: Offset? = null,
    )

    private val places = LinkedHashMap<String, Place>()

    /** Those the connection is in: the same list until that changes. */
    var inside: List<String> = emptyList()
        private set

    /** How many are wanted. */
    val size: Int get() = places.size

    /** Whether this one is. */
    operator fun contains(room: String): Boolean = room in places

    /** Wanted from now on. */
    fun want(room: String) {
        places.putIfAbsent(room, Place(inside = false))
    }

    /** The hub let the client in, if it is still wanted. */
    fun entered(room: String) {
        if (places.computeIfPresent(room) { _, _ -> Place(inside = true) } != null) count()
    }

    /** Not wanted any more; whether it was. */
    fun drop(room: String): Boolean = (places.remove(room) != null).also { count() }

    /** The connection went, at this position. */
    fun lost(position: Offset?) {
        places.replaceAll { _, place -> if (place.inside) Place(inside = false, since = position) else place }
        count()
    }

    /** Another epoch: offsets of the old one mean nothing. */
    fun forget() {
        places.replaceAll { _, place -> Place(place.inside) }
    }

    /** The `rooms` of a handshake that resumes at [position]: rooms that are complete up to there, as many as fit. */
    fun query(position: Offset?): String {
        val names = StringBuilder()
        for ((room, place) in places) {
            // One that lacks more than the resume brings is entered by a join of its own.
            if (place.since == null || place.since != position) continue
            val encoded = percentEncoded(room)
            if (names.length + encoded.length + 1 > QUERY_BYTES) break
            if (names.isNotEmpty()) names.append(',')
            names.append(encoded)
        }
        return names.toString()
    }

    /** The first welcome of a connection: the rooms that still need a join. */
    fun welcomed(inside: List<String>): List<Rejoin> {
        inside.forEach(::entered)
        return places.filterValues { !it.inside }.map { (room, place) -> Rejoin(room, place.since) }
    }

    private fun count() {
        inside = places.filterValues { it.inside }.keys.toList()
    }
}
