/* The client against one real hub: what an application does on a good day, in both forms, and on a bad one. */
package gohub.client

import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Deferred
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.serialization.json.Json
import org.junit.jupiter.api.AfterAll
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNotEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Assertions.fail
import org.junit.jupiter.api.BeforeAll
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.TestInstance
import org.junit.jupiter.api.Timeout
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.EnumSource
import org.junit.jupiter.params.provider.ValueSource
import java.util.Base64
import java.util.concurrent.atomic.AtomicInteger
import javax.crypto.Mac
import javax.crypto.spec.SecretKeySpec
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds
import kotlin.time.TimeSource

/** Begins at once, so that requests leave in the order of the lines. */
internal fun <T> CoroutineScope.now(block: suspend () -> T): Deferred<T> = async(start = CoroutineStart.UNDISPATCHED) { block() }

/** The code of the error it fails with, or `ok`. */
internal suspend fun code(block: suspend () -> Any?): String = try {
    block()
    "ok"
} catch (error: GohubError) {
    error.code
}

private const val SECRET = "a-secret-of-at-least-thirty-two-characters"

private fun jwt(claims: String, seconds: Int): String {
    val part = { json: String -> Base64.getUrlEncoder().withoutPadding().encodeToString(json.toByteArray()) }
    val body = part("""{"alg":"HS256","typ":"JWT"}""") + "." + part("""{$claims,"exp":${System.currentTimeMillis() / 1000 + seconds}}""")
    val mac = Mac.getInstance("HmacSHA256").apply { init(SecretKeySpec(SECRET.toByteArray(), algorithm)) }
    return "$body." + Base64.getUrlEncoder().withoutPadding().encodeToString(mac.doFinal(body.toByteArray()))
}

private fun judging(warning: String) =
    """{"auth":{"required":true,"jwt":{"hmac_secrets":["$SECRET"],"leeway":"0s","expiry_warning":"$warning"}}}"""

@Timeout(300)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class HubTest {
    private lateinit var hub: Hub

    @BeforeAll
    fun start() = runBlocking<Unit> { hub = Hub.start("""{"rooms":{"defaults":{"presence_changes":true}}}""") }

    @AfterAll
    fun stop() = hub.stop()

    private suspend fun person(vararg rooms: String, clientId: String? = null, form: Form = Form.JSON, tunnel: Tunnel? = null) =
        Person.into(*rooms, options = ClientOptions(hub.url, clientId = clientId, form = form, okHttp = tunnel?.okHttp))

    @ParameterizedTest
    @EnumSource(Form::class)
    fun `two people meet in a room, talk, see each other and look back`(form: Form) = runBlocking<Unit> {
        val room = "lobby $form, \"größer\" 部屋"
        val alice = person(room, clientId = "alice $form", form = form)
        assertFalse(alice.tells<WelcomeEvent>().resumed)
        val bob = person(room, clientId = "bob-$form", form = form)
        val came = found("alice sees bob come") { alice.all<PresenceEvent>().find { it.joined == "bob-$form" } }
        assertEquals(room, came.room)

        val hi = Data.of(Json.parseToJsonElement("""{"text":"hi","n":[1,2.50,null]}"""))
        val offset = alice.client.publish(room, hi, type = "chat", key = "k1").offset
        assertEquals(offset, alice.client.publish(room, hi, key = "k1").offset, "the same key: the first one's offset, delivered once")
        val bytes = Data.of(byteArrayOf(0, -1, -128))
        bob.client.publish(room, bytes)
        until("alice hears both") { alice.heard.size == 2 }
        val (first, second) = alice.all<Message>()
        assertEquals(
            Message(22, "chat", room, null, "alice $form", "k1", 0, requireNotNull(offset), hi, null),
            first.copy(ts = 0),
        )
        assertEquals(bytes, second.data)

        val page = alice.client.presence(room)
        assertEquals(setOf("alice $form", "bob-$form") to 2L, page.clients.toSet() to page.total)
        val one = alice.client.presence(room, limit = 1)
        val two = alice.client.presence(room, limit = 1, after = one.next)
        assertEquals(page.clients.toSet(), (one.clients + two.clients).toSet())
        val past = bob.client.history(room, limit = 10)
        assertTrue(past.complete)
        assertEquals(alice.heard, past.messages.filter { it.messageId == 22L }.map { it.data })
        assertTrue(bob.client.history(room, from = offset).messages.none { it.offset == offset })

        bob.client.unicast("alice $form", Data.of("psst"))
        bob.client.broadcast(Data.of("all"))
        alice.hears("all")
        assertTrue(Data.of("psst") in alice.heard && Data.of("psst") !in bob.heard)
        assertTrue(!alice.client.ping().isNegative())
        bob.client.leave(room)
        until("alice sees bob go") { alice.all<PresenceEvent>().any { it.left == "bob-$form" } }
        assertEquals(emptyList<String>(), bob.client.rooms.value)
        assertTrue(alice.inOrder && bob.inOrder)
        for (person in listOf(alice, bob)) {
            assertEquals(emptyList<ClientEvent>(), person.all<ErrorEvent>() + person.all<GapEvent>())
            person.client.close()
        }
    }

    @ParameterizedTest
    @EnumSource(Form::class)
    fun `errors of the hub fail their request and nothing else`(form: Form) = runBlocking<Unit> {
        val carol = person(clientId = "carol-$form", form = form)
        val codes =
            listOf<suspend () -> Any?>(
                { carol.client.join("no/good") },
                { carol.client.unicast("nobody", Data.of("x")) },
                { carol.client.send(4711, Data.of("x")) },
                { carol.says("lobby", "x".repeat(70_000)) },
                { carol.client.publish("lobby", Data.of("x"), key = "") },
                { carol.client.join("fine") },
            ).map { now { code(it) } }.awaitAll()
        assertEquals(listOf("bad_room", "client_unknown", "unknown_message", "too_large", "bad_request", "ok"), codes)
        assertEquals(State.OPEN to listOf("fine"), carol.client.state.value to carol.client.rooms.value)
        carol.client.close()
    }

    @Test
    fun `what is asked for before the connection is there is done when it is`() = runBlocking<Unit> {
        val early = Person(ClientOptions(hub.url, clientId = "early"))
        val asked = listOf(now { early.client.join("dawn") }, now { early.says("dawn", "1") }, now { early.says("dawn", "2") })
        early.client.start()
        asked.awaitAll()
        early.hears("2")
        assertEquals(listOf(1, 2), early.numbers)
        early.client.close()
    }

    @Test
    fun `an anonymous client keeps its name, its rooms and its place when its connection breaks`() = runBlocking<Unit> {
        val tunnel = Tunnel()
        val anon = person("cut", tunnel = tunnel)
        val other = person(clientId = "cutter")
        tunnel.cut()
        anon.becomes(State.WAITING)
        other.says("cut", "meanwhile")
        anon.hears("meanwhile")
        val (first, second) = anon.all<WelcomeEvent>()
        assertEquals(first.clientId to listOf("cut"), second.clientId to second.rooms)
        assertTrue(second.resumed && second.recovered)
        listOf(anon, other).forEach { it.client.close() }
    }

    @Test
    fun `a publish whose answer was lost is repeated with its key, and delivered once`() = runBlocking<Unit> {
        val tunnel = Tunnel()
        val hedy = person("once", clientId = "hedy", tunnel = tunnel)
        val witness = person("once")
        // It does not read: the ack never comes, although the hub has the message.
        tunnel.pause()
        val acked = now { hedy.says("once", "1") }
        witness.hears("1")
        tunnel.cut()
        val offset = acked.await().offset
        witness.says("once", "2")
        witness.hears("2")
        assertEquals(listOf(1, 2), witness.numbers)
        assertEquals(offset, witness.all<Message>().first().offset)
        listOf(hedy, witness).forEach { it.client.close() }
    }

    @Test
    fun `a client that is kicked stays away and is told why`() = runBlocking<Unit> {
        val dora = person("lobby", clientId = "dora")
        hub.call("DELETE", "clients/dora")
        assertEquals(4500, dora.tells<ClosedEvent>().code)
        assertEquals(State.CLOSED, dora.client.state.value)
        assertEquals("closed", code { dora.says("lobby", "1") })
        dora.client.connect()
        until("back in its room") { "lobby" in dora.client.rooms.value }
        dora.client.close()
    }

    @Test
    fun `a client that closes is closed, leaves its rooms, and can come back`() = runBlocking<Unit> {
        val eve = person("exit", clientId = "eve")
        val watcher = person("exit", clientId = "watcher")
        eve.client.close()
        until("the others see it go") { watcher.all<PresenceEvent>().any { it.left == "eve" } }
        assertEquals(listOf(1000), eve.all<ClosedEvent>().map { it.code })
        watcher.says("exit", "meanwhile")
        eve.client.connect()
        eve.hears("meanwhile")
        assertTrue(eve.all<WelcomeEvent>()[1].recovered)
        listOf(eve, watcher).forEach { it.client.close() }
    }

    @Test
    fun `a hub that is killed and started anew has another epoch - the client comes back, is told of the gap, and is in its rooms`() =
        runBlocking<Unit> {
            val own = Hub.start()
            val fay = Person.into("home", options = ClientOptions(own.url, clientId = "fay"))
            fay.says("home", "before")
            fay.hears("before")
            own.signal("KILL")
            fay.tells<TroubleEvent>()
            own.restart()
            val welcome = fay.tells<WelcomeEvent>(2)
            assertEquals(true to false, welcome.resumed to welcome.recovered)
            assertNotEquals(fay.tells<WelcomeEvent>().epoch, welcome.epoch)
            assertEquals(GapReason.EPOCH_CHANGED, fay.tells<GapEvent>().reason)
            fay.says("home", "after")
            fay.hears("after")
            fay.client.close()
            own.stop()
        }

    @Test
    fun `a hub that stands still is left after a ping without an answer, and found again when it goes on`() = runBlocking<Unit> {
        val own = Hub.start("""{"heartbeat":{"interval":"1s","timeout":"1s"}}""")
        val gus = Person.into("home", options = ClientOptions(own.url, clientId = "gus", connectTimeout = 2.seconds))
        own.signal("STOP")
        gus.becomes(State.WAITING)
        own.signal("CONT")
        gus.becomes(State.OPEN)
        assertTrue(gus.tells<WelcomeEvent>(2).recovered)
        gus.client.close()
        own.stop()
    }

    @Test
    fun `quiet people keep their connection for many heartbeats`() = runBlocking<Unit> {
        val own = Hub.start("""{"heartbeat":{"interval":"1s","timeout":"1s","app_interval":"1s"}}""")
        val ivy = Person.into(options = ClientOptions(own.url, clientId = "ivy"))
        delay(5.seconds)
        assertEquals(1 to State.OPEN, ivy.all<WelcomeEvent>().size to ivy.client.state.value)
        ivy.client.close()
        own.stop()
    }

    @ParameterizedTest
    @ValueSource(strings = ["drop", "kick"])
    fun `a client that reads too slowly`(policy: String) = runBlocking<Unit> {
        val slow = """"slow_client":{"policy":"$policy","max_pending":"64KiB","max_age":"60s"}"""
        val own = Hub.start("""{$slow,"server":{"send_buffer":"16KiB"},"heartbeat":{"interval":"60s","timeout":"60s"}}""")
        val fast = Person.into("flood", options = ClientOptions(own.url, clientId = "fast"))
        val tunnel = Tunnel()
        val lag = Person.into("flood", options = ClientOptions(own.url, clientId = "lag", okHttp = tunnel.okHttp))
        tunnel.pause()
        val text = "x".repeat(10_000)
        for (n in 0 until 60) List(10) { now { fast.says("flood", "${n * 10 + it} $text") } }.awaitAll()
        tunnel.resume()
        fast.says("flood", "end")
        lag.hears("end")
        assertTrue(lag.inOrder)
        if (policy == "drop") {
            val gaps = lag.all<GapEvent>()
            val missed = gaps.sumOf { it.count ?: 0 }
            assertTrue(missed > 0 && gaps.all { it.reason == GapReason.SLOW_CLIENT })
            assertEquals(601L, lag.heard.size + missed, "every message was heard or counted")
            assertEquals(1, lag.all<WelcomeEvent>().size)
        } else {
            val again = lag.all<WelcomeEvent>().drop(1)
            assertTrue(again.isNotEmpty() && again.all { it.recovered })
            assertEquals(601, lag.heard.size, "resumed: nothing is missing")
        }
        listOf(fast, lag).forEach { it.client.close() }
        own.stop()
    }

    @Test
    fun `a hub that is full says when to come, and is then asked again`() = runBlocking<Unit> {
        val own = Hub.start("""{"limits":{"max_connections":1,"retry_after":"1s"}}""")
        val first = Person.into(options = ClientOptions(own.url, clientId = "first"))
        val second = Person(ClientOptions(own.url, clientId = "second"))
        second.client.start()
        second.becomes(State.WAITING)
        val began = TimeSource.Monotonic.markNow()
        first.client.close()
        second.becomes(State.OPEN)
        assertTrue(began.elapsedNow() > 700.milliseconds, "not before the time that Retry-After named")
        second.client.close()
        own.stop()
    }

    @Test
    fun `a hub that limits a client's rate tells it to wait, and the next message leaves after that`() = runBlocking<Unit> {
        val own = Hub.start("""{"limits":{"byte_rate":"4KiB"}}""")
        val options = ClientOptions(own.url, clientId = "hasty", requestTimeout = 60.seconds)
        val hasty = Person.into("rate", options = options)
        val all = List(60) { "$it ${"x".repeat(100)}" }
        val said = all.map { now { hasty.says("rate", it) } }
        val retry = hasty.tells<RetryEvent>()
        val told = TimeSource.Monotonic.markNow()
        hasty.says("rate", "late")
        // It was told a moment before this test saw it.
        assertTrue(told.elapsedNow() > retry.after - 100.milliseconds)
        said.awaitAll()
        hasty.hears("late")
        assertEquals(all + "late", hasty.heard.map { it?.text })
        hasty.client.close()
        own.stop()
    }

    @Test
    fun `a token that ends is replaced on the living connection, and rooms the new one does not allow are left`() = runBlocking<Unit> {
        val own = Hub.start(judging("1s"))
        val asked = AtomicInteger()
        val provider =
            TokenProvider {
                val n = asked.incrementAndGet()
                val pattern = if (n == 1) "*" else "public"
                val rooms = """[{"pattern":"$pattern","allow":["join","publish","presence","history"]}]"""
                jwt(""""sub":"jan","capabilities":{"rooms":$rooms,"clients":["**"],"broadcast":true}""", if (n < 3) 3 else 3_600)
            }
        val jan = Person.into("public", "private", options = ClientOptions(own.url, tokenProvider = provider))
        assertEquals("jan", jan.client.clientId)
        until("two refreshes") { asked.get() == 3 }
        assertEquals("private", jan.tells<LeftEvent>().room)
        jan.says("public", "still here")
        val refreshed = jan.client.refresh()
        assertEquals(emptyList<String>(), refreshed.left)
        assertTrue(requireNotNull(refreshed.expiresIn) > 3_000.seconds)
        assertEquals(1 to listOf("public"), jan.all<WelcomeEvent>().size to jan.client.rooms.value)
        assertEquals("unauthorized", code { jan.client.refresh("not-a-token-at-all") })
        assertEquals(State.OPEN, jan.client.state.value)
        jan.client.close()
        own.stop()
    }

    @Test
    fun `a connection that its token closes comes back at once with a new one, and misses nothing`() = runBlocking<Unit> {
        val own = Hub.start(judging("0s"))
        val asked = AtomicInteger()
        val provider = TokenProvider { jwt(""""sub":"kim"""", if (asked.getAndIncrement() == 0) 2 else 3_600) }
        val kim = Person.into("news", options = ClientOptions(own.url, tokenProvider = provider))
        val lea = Person.into("news", options = ClientOptions(own.url, token = jwt(""""sub":"lea"""", 3_600)))
        var n = 0
        while (kim.all<WelcomeEvent>().size < 2) lea.says("news", "${n++}")
        lea.says("news", "${n++}")
        assertTrue(kim.tells<WelcomeEvent>(2).recovered)
        kim.hears("${n - 1}")
        assertEquals(List(n) { it }, kim.numbers)
        assertEquals(2, asked.get())
        listOf(kim, lea).forEach { it.client.close() }
        own.stop()
    }

    @Test
    fun `a wrong token is the end, and no error ever shows one`() = runBlocking<Unit> {
        val own = Hub.start(judging("1s"))
        val token = jwt(""""sub":"mia"""", -60)
        for (url in listOf(own.url, "ws://[broken", "nonsense")) {
            val mia = Person(ClientOptions(url, token = token, clientId = "mia"))
            try {
                mia.client.connect()
                fail("it was let in")
            } catch (error: GohubError) {
                val shown = error.stackTraceToString() + mia.told
                assertFalse(token.take(20) in shown || "broken" in shown || "nonsense" in shown)
            }
            assertEquals(if (url == own.url) 401 else 0, mia.tells<ClosedEvent>().code)
        }
        own.stop()
    }

    @Test
    fun `two collectors of events get the same, and the state is there for whoever looks`() = runBlocking<Unit> {
        val nina = Person(ClientOptions(hub.url, clientId = "nina"))
        val seen = List(2) { mutableListOf<ClientEvent>() }
        val jobs = seen.map { list -> launch(start = CoroutineStart.UNDISPATCHED) { nina.client.events.collect { list += it } } }
        nina.client.connect()
        nina.client.join("flow")
        nina.says("flow", "1")
        until("both have it") { seen.all { list -> list.any { it is Message } } }
        assertEquals(seen[0], seen[1])
        assertEquals(nina.told.take(seen[0].size), seen[0])
        assertEquals(State.OPEN to Mode.NORMAL, nina.client.state.value to nina.client.mode.value)
        jobs.forEach { it.cancel() }
        nina.client.close()
    }
}
