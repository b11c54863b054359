/* A stage for the state machine: a made-up time, timers that go off, and everything it said. */
package gohub.client

import okhttp3.HttpUrl
import okhttp3.HttpUrl.Companion.toHttpUrl
import org.junit.jupiter.api.Assertions.assertTrue
import kotlin.time.Duration
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds

val Int.ms: Duration get() = milliseconds

/** A hub's first word. */
internal val WELCOME =
    Envelope(
        Id.WELCOME,
        Field.CLIENT_ID to "alice",
        Field.CONNECTION_ID to "c1",
        Field.NODE to "hub-0",
        Field.EPOCH to "e1",
        Field.OFFSET to "10-0",
        Field.RECOVERED to false,
        Field.HEARTBEAT_INTERVAL_MS to 25_000L,
        Field.HEARTBEAT_TIMEOUT_MS to 10_000L,
        Field.MAX_MESSAGE to 1_000L,
        Field.MODE to "normal",
        Field.ROOMS to emptyList<String>(),
    )

/** A publication in the lobby. */
internal fun say(text: String) = Envelope(Id.ROOM_MESSAGE, Field.ROOM to "lobby", Field.DATA to Data.of(text), Field.KEY to text)

/** What a query says, by name. */
internal fun HttpUrl.says(name: String): String? = queryParameter(name)

/** A core, its made-up time, and everything it said. */
internal class Stage(
    private val random: () -> Double = { 0.5 },
    urls: List<String> = listOf("ws://hub/ws"),
    clientId: String? = "alice",
    token: String? = null,
    source: TokenSource = if (token == null) TokenSource.NONE else TokenSource.FIXED,
    maxPending: Int = 4,
) {
    val core = Core(CoreOptions(urls, clientId, source, Form.JSON, 15.seconds, maxPending, 10_000, 3), random, token)
    var now = 1_000.seconds
    var timer = Duration.INFINITE

    /** Whether there is one. */
    var socket = false
    var said = mutableListOf<Action>()
    val connects = mutableListOf<Action.Connect>()
    val urls: List<HttpUrl> get() = connects.map { it.url.replace("ws:", "http:").toHttpUrl() }

    fun act(event: CoreEvent): Stage {
        if (event is CoreEvent.Closed) socket = false
        for (action in core.handle(event, now)) {
            said += action
            when (action) {
                is Action.Timer -> {
                    timer = action.at
                }

                is Action.Connect -> {
                    connects += action
                    socket = true
                }

                is Action.Disconnect -> {
                    socket = false
                }

                else -> {}
            }
        }
        return this
    }

    fun start() = act(CoreEvent.Start)

    fun stop() = act(CoreEvent.Stop)

    fun tick() = act(CoreEvent.Tick)

    fun wake() = act(CoreEvent.Wake)

    fun hear(envelope: Envelope) = act(CoreEvent.Received(JsonCodec.encode(envelope)))

    fun hear(id: Long, vararg fields: Pair<Field, Any?>) = hear(Envelope(id, *fields))

    /** Connected and welcomed. */
    fun open(vararg more: Pair<Field, Any>): Stage = start().hear(Envelope(WELCOME.fields + more))

    /** The socket ended. */
    fun lose(code: Int = 1006) = act(CoreEvent.Closed(code, "because"))

    /** The handshake was refused. */
    fun refuse(status: Int, retryAfter: Duration? = null) = act(CoreEvent.Closed(1006, "", status, retryAfter))

    /** Lets time pass as timers do. */
    fun pass(time: Duration): Stage {
        val end = now + time
        var rings = 0
        while (timer <= end) {
            assertTrue(rings++ < 10_000, "the timer goes off again and again without anything happening")
            now = maxOf(now, timer)
            tick()
        }
        now = end
        return this
    }

    /** Time passes and no timer goes off. */
    fun freeze(time: Duration): Stage {
        now += time
        return this
    }

    fun ask(envelope: Envelope, timeout: Duration = 10.seconds, repeatable: Boolean = true): String {
        val ref = core.nextRef()
        val frame = JsonCodec.encode(envelope + (Field.REF to ref))
        val token = envelope.text(Field.TOKEN)
        act(CoreEvent.Asked(Request(ref, envelope.id, envelope.room, frame, now + timeout, repeatable, own = false, token)))
        return ref
    }

    fun join(room: String): String = ask(Envelope(Id.JOIN, Field.ROOM to room))

    fun ack(ref: String?, vararg fields: Pair<Field, Any?>) = hear(Id.ACK, Field.REF to ref, *fields)

    fun error(ref: String?, code: String, retryable: Boolean = false, message: String? = null) =
        hear(Id.ERROR, Field.REF to ref, Field.CODE to code, Field.RETRYABLE to retryable, Field.MESSAGE to message)

    /** What was said since the last call, of this kind. */
    inline fun <reified T : Action> take(): List<T> = said.filterIsInstance<T>().also { said.removeAll(it.toSet()) }

    fun sent(): List<Envelope> = take<Action.Send>().map { JsonCodec.decode(it.frame) }

    inline fun <reified T : ClientEvent> events(): List<T> {
        val found = said.filter { it is Action.Emit && it.event is T }
        said.removeAll { it in found }
        return found.map { (it as Action.Emit).event as T }
    }

    /** Requests that were settled: the code of the error, or `ok`. */
    fun settled(): Map<String, String> = take<Action.Settle>().associate { it.outcome.request.ref to (it.outcome.error?.code ?: "ok") }

    /** The number of the token that is asked for. */
    fun asksToken(): Int = take<Action.AskToken>().single().id

    fun token(token: String, id: Int = asksToken()) = act(CoreEvent.Token(id, token))

    fun noToken(id: Int = asksToken()) = act(CoreEvent.NoToken(id))
}
