/* Who listens to a client. */
package gohub.client

/** One listener: the same function may listen twice. */
internal class Listener(private val function: (ClientEvent) -> Unit) {
    /** Tells it. One that throws is reported as an uncaught exception, and hinders neither the others nor the connection. */
    fun tell(event: ClientEvent) {
        try {
            function(event)
        } catch (error: Exception) {
            val thread = Thread.currentThread()
            thread.uncaughtExceptionHandler.uncaughtException(thread, error)
        }
    }
}
