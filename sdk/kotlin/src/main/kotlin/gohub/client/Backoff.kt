/* When to connect or to ask again: full jitter, as section 8 of the protocol says. Pure: the random number is given. */
package gohub.client

import kotlin.time.Duration
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds

private val FIRST = 500.milliseconds
private val LONGEST = 30.seconds

/** Doubled so often, the first wait is longer than the longest. */
private const val MOST_DOUBLINGS = 6

/** A connection that has lived so long after its welcome was a good one. */
internal val GOOD: Duration = 5.seconds

/** The wait before attempt [n] (from 0), for a random number from 0 to 1. */
internal fun jitter(n: Int, random: Double): Duration = minOf(LONGEST, FIRST * (1 shl minOf(n, MOST_DOUBLINGS))) * random
