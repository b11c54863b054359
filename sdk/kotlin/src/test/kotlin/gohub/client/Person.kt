/* Somebody who uses the client as an application does, and remembers everything it was told. */
package gohub.client

import kotlinx.coroutines.flow.first
import kotlinx.coroutines.withTimeout
import java.util.concurrent.CopyOnWriteArrayList
import kotlin.time.ComparableTimeMark
import kotlin.time.TimeSource

/** A client and its record. */
class Person(options: ClientOptions) {
    val client = Client(options)
    val told = CopyOnWriteArrayList<ClientEvent>()

    /** When each state began. */
    val times = CopyOnWriteArrayList<Pair<State, ComparableTimeMark>>()
    private val said = CopyOnWriteArrayList<Data?>()

    init {
        client.on { event ->
            told += event
            if (event is StateEvent) times += event.state to TimeSource.Monotonic.markNow()
            if (event is Message) said += event.data
        }
    }

    inline fun <reified T : ClientEvent> all(): List<T> = told.filterIsInstance<T>()

    /** What was heard, in order. */
    val heard: List<Data?> get() = said

    /** What was heard, as numbers. */
    val numbers: List<Int> get() = heard.map { requireNotNull(it?.text).toInt() }

    /** Waits until it heard this. */
    suspend fun hears(text: String) = until("${client.clientId} hears $text") { Data.of(text) in said }

    /** Waits for the n-th event of this kind. */
    suspend inline fun <reified T : ClientEvent> tells(n: Int = 1): T =
        found("event $n ${T::class.simpleName} of ${client.clientId}") { all<T>().getOrNull(n - 1) }

    /** Waits until the connection stands so, and does not miss it when it does for a moment. */
    suspend fun becomes(state: State) = withTimeout(PATIENCE) { client.state.first { it == state } }

    suspend fun says(room: String, text: String): Ack = client.publish(room, Data.of(text))

    /** Whether every offset stands behind the one before: order, and nothing twice. */
    val inOrder: Boolean get() = all<Message>().zipWithNext().all { (one, next) -> next.offset > one.offset }

    companion object {
        /** One who is connected and in these rooms. */
        suspend fun into(vararg rooms: String, options: ClientOptions): Person {
            val person = Person(options)
            person.client.connect()
            for (room in rooms) person.client.join(room)
            return person
        }
    }
}
