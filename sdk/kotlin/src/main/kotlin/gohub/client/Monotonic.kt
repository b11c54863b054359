/* A clock that runs while the device sleeps and never goes back. */
package gohub.client

/**
 * [clock], in milliseconds, without its steps back. The wall clock runs while the device sleeps, which `System.nanoTime` does not on
 * Android.
 */
internal class Monotonic(private val clock: () -> Long) : () -> Long {
    private var last = clock()
    private var ahead = 0L

    @Synchronized
    override fun invoke(): Long {
        val now = clock()
        if (now < last) ahead += last - now
        last = now
        return now + ahead
    }
}
