/* Coming back without being judged anew, and with a position that stayed young: the client, real hubs and a server that judges tokens. */
package gohub.client

import com.sun.net.httpserver.HttpServer
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.delay
import kotlinx.coroutines.runBlocking
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import okhttp3.OkHttpClient
import org.junit.jupiter.api.AfterAll
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.TestInstance
import org.junit.jupiter.api.Timeout
import java.net.InetSocketAddress
import java.util.concurrent.atomic.AtomicInteger
import kotlin.time.Duration.Companion.seconds
import kotlin.time.TimeSource

private const val PEOPLE = 30

@Timeout(300)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class TicketTest {
    private val asked = AtomicInteger()
    private val judge =
        HttpServer.create(InetSocketAddress("127.0.0.1", 0), 0).apply {
            createContext("/") { exchange ->
                val token = Json.parseToJsonElement(exchange.requestBody.readAllBytes().decodeToString()).jsonObject["token"]
                asked.incrementAndGet()
                // The token is the name.
                val answer = """{"client_id":"${token?.jsonPrimitive?.content}"}""".toByteArray()
                exchange.responseHeaders.add("Content-Type", "application/json")
                exchange.sendResponseHeaders(200, answer.size.toLong())
                exchange.responseBody.use { it.write(answer) }
            }
            start()
        }

    @AfterAll
    fun stop() = judge.stop(0)

    private fun judged(life: String) =
        """{"auth":{"required":true,"hook":{"url":"http://127.0.0.1:${judge.address.port}/","cache":"0s","stale":"0s"},
        "ticket":{"life":"$life"}}}"""

    /** Whether a welcome of this hub has a ticket. */
    private suspend fun givesTickets(url: String): Boolean {
        val frames = Channel<Frame?>(Channel.UNLIMITED)
        val ear =
            object : Ear {
                override fun heard(frame: Frame) {
                    frames.trySend(frame)
                }

                override fun ended(end: CoreEvent.Closed) {
                    frames.trySend(null)
                }
            }
        val socket = OkHttpTransport(OkHttpClient()).open(Action.Connect(url, "early"), JsonCodec.subprotocol, ear)
        return frames.receive()?.let { JsonCodec.decode(it).ticket != null }.also { socket.drop(1000) } ?: false
    }

    @Test
    fun `a hub is killed, and nobody who comes back to the other one is judged anew`() = runBlocking<Unit> {
        val etcd = Etcd.start()
        val hubs = etcd.hubs(2, judged("2m"))
        // A hub has the keys of tickets a moment after it is ready.
        for (hub in hubs) until("it gives tickets") { givesTickets(hub.url) }
        asked.set(0)
        val urls = hubs.map { it.url }.toTypedArray()
        val crowd = List(PEOPLE) { async { Person.into("storm", options = ClientOptions(*urls, token = "t$it")) } }.awaitAll()
        assertEquals(PEOPLE, asked.get())
        hubs[0].signal("KILL")
        val lost = crowd.filter { it.tells<WelcomeEvent>().node == "hub-0" }
        assertTrue(lost.isNotEmpty())
        for (person in lost) assertTrue(person.tells<WelcomeEvent>(2).recovered)
        assertEquals(PEOPLE, asked.get(), "the tickets opened the door")
        crowd.forEach { it.client.close() }
        hubs[1].stop()
        etcd.stop()
    }

    @Test
    fun `a ticket is replaced before its life is over, and used once each time`() = runBlocking<Unit> {
        val hub = Hub.start(judged("15s"))
        asked.set(0)
        val tunnel = Tunnel()
        val rosa = Person.into("again", options = ClientOptions(hub.url, token = "rosa", okHttp = tunnel.okHttp))
        for (n in 2..3) {
            // Longer than a life.
            delay(16.seconds)
            tunnel.cut()
            assertTrue(rosa.tells<WelcomeEvent>(n).recovered)
        }
        assertEquals(1, asked.get())
        rosa.client.close()
        hub.stop()
    }

    @Test
    fun `somebody to whom nothing was said for longer than the hub keeps comes back and has missed nothing`() = runBlocking<Unit> {
        val quiet = """"heartbeat":{"interval":"1s","timeout":"5s","app_interval":"500ms"}"""
        val hub = Hub.start("""{"retention":{"max_age":"2s"},$quiet}""")
        val tunnel = Tunnel()
        val sven = Person.into("quiet", options = ClientOptions(hub.url, clientId = "sven", okHttp = tunnel.okHttp))
        val tina = Person.into("busy", options = ClientOptions(hub.url, clientId = "tina"))
        val began = TimeSource.Monotonic.markNow()
        while (began.elapsedNow() < 5.seconds) tina.says("busy", "x")
        tunnel.cut()
        assertTrue(sven.tells<WelcomeEvent>(2).recovered)
        assertFalse(sven.all<GapEvent>().isNotEmpty() || sven.heard.isNotEmpty())
        listOf(sven, tina).forEach { it.client.close() }
        hub.stop()
    }
}
