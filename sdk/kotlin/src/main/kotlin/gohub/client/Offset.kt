/* Places in the total order. Both parts may exceed what a signed 64-bit integer holds. */
package gohub.client

private val SHAPE = Regex("(0|[1-9][0-9]{0,19})-(0|[1-9][0-9]{0,19})")

/** A place in the total order of one epoch: a later one is greater. */
public data class Offset(
    /** Compared first. */
    val major: ULong,
    /** Compared when the majors are the same. */
    val minor: ULong,
) : Comparable<Offset> {
    override fun compareTo(other: Offset): Int = compareValuesBy(this, other, { it.major }, { it.minor })

    /** As the JSON form writes it, `17-3`. */
    override fun toString(): String = "$major-$minor"

    public companion object {
        /** Reads `17-3`; `null` when it is no offset. */
        public fun parse(text: String): Offset? {
            val (major, minor) = SHAPE.matchEntire(text)?.destructured ?: return null
            return Offset(major.toULongOrNull() ?: return null, minor.toULongOrNull() ?: return null)
        }
    }
}

/** The later of the two; what is not there does not count. */
internal fun later(a: Offset?, b: Offset?): Offset? = if (a == null || (b != null && b > a)) b else a
