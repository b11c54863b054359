/* The effects around the machine, in virtual time and with a made-up socket: order, bad listeners, and what must never be shown. */
package gohub.client

import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.ExperimentalCoroutinesApi
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch
import kotlinx.coroutines.test.StandardTestDispatcher
import kotlinx.coroutines.test.TestScope
import kotlinx.coroutines.test.advanceTimeBy
import kotlinx.coroutines.test.currentTime
import kotlinx.coroutines.test.runCurrent
import kotlinx.coroutines.test.runTest
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNotNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import kotlin.time.Duration.Companion.minutes
import kotlin.time.Duration.Companion.seconds

/** A socket that a test plays the hub of. */
private class Wire(val connect: Action.Connect, private val ear: Ear) : Socket {
    val sent = mutableListOf<Envelope>()
    var dropped: Int? = null

    override fun send(frame: Frame) {
        sent += JsonCodec.decode(frame)
    }

    override fun drop(code: Int) {
        dropped = code
    }

    fun hear(envelope: Envelope) = ear.heard(JsonCodec.encode(envelope))

    fun hear(text: String) = ear.heard(Frame.Text(text))

    fun lose(code: Int) = ear.ended(CoreEvent.Closed(code, ""))
}

@OptIn(ExperimentalCoroutinesApi::class)
class ClientTest {
    private val wires = mutableListOf<Wire>()
    private val clients = mutableListOf<Client>()
    private val wire get() = wires.last()

    private fun TestScope.client(provider: TokenProvider? = null, maxBuffered: Int = 100): Client {
        val clock = { testScheduler.currentTime }
        val options = ClientOptions("ws://hub/ws", tokenProvider = provider, maxBuffered = maxBuffered, clock = clock)
        val transport = Transport { connect, _, ear -> Wire(connect, ear).also { wires += it } }
        return Client(options, transport, StandardTestDispatcher(testScheduler)) { 0.5 }.also { clients += it }
    }

    /** Without an end of its clients a test has none in virtual time: they would come back for ever. */
    private fun inVirtualTime(test: suspend TestScope.() -> Unit) = runTest {
        try {
            test()
        } finally {
            clients.forEach(Client::close)
            runCurrent()
        }
    }

    /** Welcomed. */
    private fun TestScope.opened(client: Client = client()): Client {
        client.start()
        runCurrent()
        hear(WELCOME)
        return client
    }

    private fun TestScope.hear(envelope: Envelope) {
        wire.hear(envelope)
        runCurrent()
    }

    private fun said(n: Int) = Envelope(Id.BROADCAST, Field.OFFSET to "$n-0", Field.TS to 1L, Field.DATA to Data.of("$n"))

    @Test
    fun `what a listener asks for comes after what is being done, in the order in which it asked`() = inVirtualTime {
        val client = client()
        client.on { event ->
            if (event is WelcomeEvent) {
                for (n in 2..3) launch(start = CoroutineStart.UNDISPATCHED) { code { client.publish("a", Data.of("$n")) } }
            }
        }
        client.start()
        val first = now { code { client.publish("a", Data.of("1")) } }
        runCurrent()
        hear(WELCOME)
        assertEquals(listOf("1", "2", "3"), wire.sent.map { it.data?.text })
        client.close()
        assertEquals("closed", first.await())
    }

    @Test
    fun `a listener that throws is reported, and hinders neither the others nor the connection`() = inVirtualTime {
        val reports = mutableListOf<Throwable>()
        val before = Thread.currentThread().uncaughtExceptionHandler
        Thread.currentThread().setUncaughtExceptionHandler { _, error -> reports += error }
        try {
            val client = client()
            val heard = mutableListOf<ClientEvent>()
            client.on { if (it is Message) error("from a listener") }
            val registration = client.on { if (it is Message) heard += it }
            opened(client)
            hear(said(11))
            registration.close()
            hear(said(12))
            assertEquals(listOf("from a listener", "from a listener"), reports.map { it.message })
            assertEquals(1 to Offset(12u, 0u), heard.size to client.position)
            assertEquals(State.OPEN, client.state.value)
        } finally {
            Thread.currentThread().uncaughtExceptionHandler = before
        }
    }

    @Test
    fun `what nobody can write fails its own call`() = inVirtualTime {
        val client = opened()
        assertThrows<CharacterCodingException> { client.publish("a", Data.of("\udc00")) }
        assertThrows<CharacterCodingException> { client.join("\ud800") }
        assertEquals(emptyList<Envelope>() to State.OPEN, wire.sent to client.state.value)
    }

    @Test
    fun `a frame that cannot be read is told and skipped`() = inVirtualTime {
        val client = client()
        val errors = mutableListOf<String>()
        client.on { if (it is ErrorEvent) errors += it.error.code }
        opened(client)
        wire.hear("{")
        hear(Envelope(999))
        assertEquals(listOf("bad_message") to State.OPEN, errors to client.state.value)
    }

    @Test
    fun `after it left a socket nothing of that counts any more`() = inVirtualTime {
        val client = opened()
        client.close()
        // Said before the client got around to close: it waits behind that in the inbox.
        wire.hear(said(98))
        runCurrent()
        assertEquals(1000, wire.dropped)
        hear(said(99))
        wire.lose(1006)
        runCurrent()
        assertEquals(State.CLOSED to Offset(10u, 0u), client.state.value to client.position)
    }

    @Test
    fun `closing fails what waits and says whether it may have happened`() = inVirtualTime {
        val client = opened()
        val fate: suspend () -> Pair<String, Boolean>? = {
            try {
                client.publish("a", Data.of("x"))
                null
            } catch (error: GohubError) {
                error.code to error.uncertain
            }
        }
        val sent = now(fate)
        runCurrent()
        hear(Envelope(Id.DRAIN, Field.CLOSE_IN_MS to 1L, Field.RECONNECT_IN_MS to 1L))
        val waiting = now(fate)
        client.close()
        assertEquals(listOf("closed" to true, "closed" to false), listOf(sent, waiting).awaitAll())
        assertEquals("closed" to false, fate())
    }

    @Test
    fun `a request has its time, with a connection and without`() = inVirtualTime {
        val client = opened()
        assertEquals("no_answer", code { client.publish("a", Data.of("x"), timeout = 3.seconds) })
        assertEquals(3_000, currentTime)
        wire.lose(1006)
        assertEquals("no_answer", code { client.history("a") })
        assertEquals(13_000, currentTime)
    }

    @Test
    fun `a request that nobody waits for any more is sent all the same, and its answer harms nothing`() = inVirtualTime {
        val client = opened()
        val waiting = now { client.publish("a", Data.of("x")) }
        waiting.cancel()
        runCurrent()
        hear(Envelope(Id.ACK, Field.REF to wire.sent.single().ref, Field.OFFSET to "11-0"))
        val answered = now { client.history("a") }
        runCurrent()
        val page = said(11).plus(Field.FROM to "bob")
        hear(Envelope(Id.HISTORY, Field.REF to wire.sent.last().ref, Field.MESSAGES to listOf(page), Field.COMPLETE to true))
        assertEquals(listOf("bob"), answered.await().messages.map { it.from })
    }

    @Test
    fun `a silent hub is asked and left, and the client comes back after its back-off`() = inVirtualTime {
        val client = opened()
        advanceTimeBy(34_999)
        runCurrent()
        assertEquals(emptyList<Envelope>(), wire.sent)
        advanceTimeBy(1)
        runCurrent()
        assertEquals(listOf(Id.PING), wire.sent.map { it.id })
        advanceTimeBy(10_000)
        runCurrent()
        assertEquals(4000 to State.WAITING, wire.dropped to client.state.value)
        assertEquals(250.ms, client.nextAttempt)
        advanceTimeBy(250)
        runCurrent()
        assertEquals(
            State.CONNECTING to "e1:10-0",
            client.state.value to wires[1].connect.url.substringAfter("resume=").replace("%3A", ":"),
        )
        assertEquals(2 to null, wires.size to client.nextAttempt)
    }

    @Test
    fun `a busy connection is not asked, however often the timer is put off`() = inVirtualTime {
        opened()
        for (n in 11..600) {
            delay(1.seconds)
            hear(said(n))
        }
        assertEquals(emptyList<Envelope>(), wire.sent)
    }

    @Test
    fun `a provider's failure is told without its words, and it is asked again`() = inVirtualTime {
        for (bad in listOf<suspend () -> String>({ error("s3cret") }, { "\ud800" })) {
            wires.clear()
            var asked = 0
            val client = client(provider = { if (asked++ == 0) bad() else "t2" })
            val told = mutableListOf<ClientEvent>()
            client.on { told += it }
            client.start()
            advanceTimeBy(1.seconds)
            assertEquals("t2", wire.connect.token)
            assertEquals(listOf("token"), told.filterIsInstance<ErrorEvent>().map { it.error.code })
            assertFalse("s3cret" in told.toString())
            client.close()
            runCurrent()
        }
    }

    @Test
    fun `a provider that never answers is given up in its time, and asked again`() = inVirtualTime {
        var asked = 0
        val client =
            client(
                provider = {
                    if (asked++ == 0) delay(60.minutes)
                    "t"
                },
            )
        client.start()
        advanceTimeBy(15_300)
        assertEquals(2 to "t", asked to wires.single().connect.token)
    }

    @Test
    fun `every publish has its own key, unless it wants none`() = inVirtualTime {
        val client = opened()
        val asked =
            List(50) { now { code { client.broadcast(Data.of("x")) } } } +
                now { code { client.broadcast(Data.of("none"), key = null) } } +
                now { code { client.send(1000, Data.of("own")) } } +
                now { code { client.send(1000, Data.of("given"), room = "r", key = "k") } }
        runCurrent()
        val keys = wire.sent.map { it.text(Field.KEY) }
        assertEquals(50, keys.take(50).filterNotNull().toSet().size)
        assertEquals(listOf(null, null, "k"), keys.drop(50))
        client.close()
        assertEquals(setOf("closed"), asked.awaitAll().toSet())
    }

    @Test
    fun `who connects and is connected already hears at once, and the end before a welcome is an error`() = inVirtualTime {
        val client = opened()
        assertEquals(client.connect(), client.connect())
        val other = client()
        val end = now { code { other.connect() } }
        runCurrent()
        wire.lose(4503)
        assertEquals("closed", end.await())
    }

    @Test
    fun `state, mode and rooms are there for whoever looks, before listeners hear of them`() = inVirtualTime {
        val client = client()
        val seen = mutableListOf<Any?>()
        client.on {
            if (it is WelcomeEvent) seen += client.state.value
            if (it is ModeEvent) seen += client.mode.value
            if (it is JoinedEvent) seen.add(client.rooms.value)
        }
        opened(client)
        hear(Envelope(Id.MODE, Field.MODE to "degraded"))
        hear(Envelope(Id.JOIN, Field.ROOM to "vip"))
        assertEquals(listOf(State.OPEN, Mode.DEGRADED, listOf("vip")), seen)
    }

    @Test
    fun `a collector that is too slow is told what it missed, and then goes on`() = inVirtualTime {
        val client = client(maxBuffered = 3)
        val seen = mutableListOf<ClientEvent>()
        opened(client)
        val job =
            launch(start = CoroutineStart.UNDISPATCHED) {
                client.events.collect {
                    seen += it
                    delay(1.seconds)
                }
            }
        hear(said(11))
        for (n in 12..20) hear(said(n))
        advanceTimeBy(5.seconds)
        hear(said(21))
        advanceTimeBy(1.seconds)
        val gap = GapEvent(Offset(15u, 0u), Offset(20u, 0u), 6, null, GapReason.SLOW_COLLECTOR)
        assertEquals(listOf<Any>("11", "12", "13", "14", gap, "21"), seen.map { (it as? Message)?.data?.text ?: it })
        job.cancel()
        assertNotNull(client.position)
    }

    @Test
    fun `options out of their bounds are refused`() {
        val bad =
            listOf<() -> ClientOptions>(
                { ClientOptions() },
                { ClientOptions("ws://a", token = "t", tokenProvider = { "t" }) },
                { ClientOptions("ws://a", connectTimeout = 0.seconds) },
                { ClientOptions("ws://a", maxPending = 0) },
            )
        for (options in bad) assertThrows<IllegalArgumentException> { options() }
        assertTrue(ClientOptions("ws://a", "ws://b").url.size == 2)
    }
}
