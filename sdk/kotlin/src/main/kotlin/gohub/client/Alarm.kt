/* The one timer of a client. */
package gohub.client

import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Job
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch
import kotlin.time.Duration
import kotlin.time.Duration.Companion.minutes

/** Longer than that nobody sleeps without a look at the clock, which may be another one than that of the coroutines. */
private val LONGEST = 1.minutes

/** Rings at the time it was set to last, by [now]. Not to be used from two coroutines at once. */
internal class Alarm(private val scope: CoroutineScope, private val now: () -> Duration, private val ring: suspend () -> Unit) {
    private var due = Duration.INFINITE
    private var sleepsUntil = Duration.INFINITE
    private var sleeper: Job? = null

    /** Rings at this time instead; never when it is infinite. */
    fun at(time: Duration) {
        due = time
        // Nearly every message puts the time off: who sleeps already looks again then.
        if (sleeper?.isActive == true && time >= sleepsUntil && time.isFinite()) return
        sleeper?.cancel()
        sleeper = if (time.isFinite()) scope.launch { sleep() } else null
    }

    private suspend fun sleep() {
        while (true) {
            val left = due - now()
            if (!left.isPositive()) break
            sleepsUntil = now() + minOf(left, LONGEST)
            delay(minOf(left, LONGEST))
        }
        sleeper = null
        ring()
    }
}
