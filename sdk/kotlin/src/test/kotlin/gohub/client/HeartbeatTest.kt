/* Heartbeats, devices that sleep, tokens and tickets, with a made-up time. */
package gohub.client

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNotNull
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Test
import kotlin.time.Duration.Companion.hours
import kotlin.time.Duration.Companion.minutes
import kotlin.time.Duration.Companion.seconds

class HeartbeatTest {
    private val nothing = emptyList<Envelope>()

    private fun withProvider() = Stage(source = TokenSource.PROVIDER).start()

    private fun Stage.shown() = connects.map { it.token }

    @Test
    fun `a hub that says nothing for interval and timeout is asked, and given up when it does not answer`() {
        val stage = Stage().open().pass(34_999.ms)
        assertEquals(nothing, stage.sent())
        val ping = stage.pass(1.ms).sent().single()
        assertEquals(Id.PING, ping.id)
        assertNotNull(ping.ref)
        assertEquals(State.OPEN, stage.pass(9_999.ms).core.state)
        stage.pass(1.ms)
        assertEquals(listOf(Action.Disconnect(4000)) to State.WAITING, stage.take<Action.Disconnect>() to stage.core.state)
    }

    @Test
    fun `whatever comes is a sign of life`() {
        val stage = Stage().open()
        repeat(50) { stage.pass(30.seconds).hear(22, Field.OFFSET to "${20 + it}-0", Field.TS to 1L) }
        assertEquals(nothing, stage.sent())
        stage.pass(35.seconds).hear(999)
        assertEquals(1, stage.sent().size)
        assertEquals(State.OPEN, stage.pass(10.seconds).core.state)
    }

    @Test
    fun `a client that gets no offset for a minute asks for its position`() {
        val stage = Stage().open()
        repeat(11) { stage.pass(5.seconds).hear(Id.MODE, Field.MODE to "normal") }
        assertEquals(nothing, stage.sent())
        val ping = stage.pass(5.seconds).sent().single()
        stage.hear(Id.PONG, Field.REF to ping.ref, Field.OFFSET to "77-0")
        assertEquals(Id.PING to Offset(77u, 0u), ping.id to stage.core.position)
    }

    @Test
    fun `a device whose timers come once a minute keeps its connection while the hub answers, and notices when it does not`() {
        val stage = Stage().open()
        val minute = {
            stage.freeze(1.minutes)
            if (stage.timer <= stage.now) stage.tick()
        }
        repeat(30) {
            minute()
            for (ping in stage.sent()) stage.hear(Id.PONG, Field.REF to ping.ref)
        }
        assertEquals(State.OPEN, stage.core.state)
        repeat(6) { minute() }
        assertEquals(State.WAITING, stage.core.state)
    }

    @Test
    fun `a device that slept looks at what came meanwhile before it gives anything up`() {
        val stage = Stage().open().pass(35.seconds)
        val ping = stage.sent().single()
        val ref = stage.ask(Envelope(Id.PRESENCE, Field.ROOM to "lobby"))
        // Asleep for an hour after the ping; the answers wait behind the timer.
        stage.freeze(1.hours).tick().hear(Id.PONG, Field.REF to ping.ref)
        stage.hear(
            Id.PRESENCE,
            Field.REF to ref,
            Field.ROOM to "lobby",
            Field.CLIENTS to emptyList<String>(),
            Field.TOTAL to 0L,
        )
        stage.pass(5.seconds)
        assertEquals(State.OPEN to mapOf(ref to "ok"), stage.core.state to stage.settled())
    }

    @Test
    fun `a device that slept and whose connection died finds out after one ping`() {
        val stage = Stage().open().freeze(1.hours).wake()
        assertEquals(1, stage.sent().size)
        stage.wake().tick()
        assertEquals(nothing, stage.sent(), "one is enough")
        stage.pass(12.seconds)
        assertEquals(listOf(Action.Disconnect(4000)), stage.take<Action.Disconnect>())
    }

    @Test
    fun `waking up soon after something came asks nothing`() {
        assertEquals(
            nothing,
            Stage()
                .open()
                .pass(4.seconds)
                .wake()
                .sent(),
        )
    }

    @Test
    fun `waking up behind the time of the next attempt connects`() {
        assertEquals(
            2,
            Stage()
                .open()
                .lose()
                .freeze(1.seconds)
                .wake()
                .urls.size,
        )
    }

    @Test
    fun `the clock never goes back, and goes on at its speed after the wall clock was set back`() {
        var wall = 1_000L
        val now = Monotonic { wall }
        val seen = mutableListOf(now())
        for (next in listOf(1_500L, 500L, 600L, 100L, 110L)) {
            wall = next
            seen += now()
        }
        assertEquals(listOf(1_000L, 1_500L, 1_500L, 1_600L, 1_600L, 1_610L), seen)
    }

    @Test
    fun `the provider is asked before the first handshake, and the token is used again after a reconnect`() {
        val stage = withProvider()
        assertEquals(0, stage.urls.size)
        stage
            .token("t+1")
            .hear(WELCOME)
            .lose()
            .pass(500.ms)
        assertEquals(listOf("t+1", "t+1"), stage.shown())
        assertEquals(emptyList<Action>(), stage.take<Action.AskToken>())
    }

    @Test
    fun `a token that ends is replaced on the living connection, and the new one is used from then on`() {
        val stage = withProvider().token("t1").hear(WELCOME).hear(Id.REFRESH, Field.CLOSE_IN_MS to 60_000L)
        val asked = stage.asksToken()
        assertEquals(listOf("token"), stage.noToken(asked).events<ErrorEvent>().map { it.error.code })
        val again = stage.pass(5.seconds).asksToken()
        assertEquals(nothing, stage.token("late", asked).sent(), "an answer nobody waits for any more")
        val refresh = stage.token("t2", again).sent().single()
        assertEquals(Id.REFRESH to "t2", refresh.id to refresh.text(Field.TOKEN))
        stage.ack(stage.join("news"))
        val data =
            Data.of(
                kotlinx.serialization.json.Json
                    .parseToJsonElement("""{"expires_in_ms":1,"left":["news"]}"""),
            )
        stage.ack(refresh.ref, Field.DATA to data)
        assertEquals(listOf("news"), stage.events<LeftEvent>().map { it.room })
        assertEquals("t2", stage.lose().pass(500.ms).shown()[1])
    }

    @Test
    fun `a refresh that is refused is told, and the next handshake asks for a token`() {
        val stage =
            withProvider()
                .token("t1")
                .hear(WELCOME)
                .hear(Id.REFRESH, Field.CLOSE_IN_MS to 1L)
                .token("t2")
        stage.error(stage.sent().single().ref, "unauthorized")
        assertEquals(listOf("unauthorized"), stage.events<ErrorEvent>().map { it.error.code })
        assertEquals(State.OPEN, stage.core.state)
        stage.lose(4004).pass(500.ms).asksToken()
    }

    @Test
    fun `after 4004 a new token is fetched and the first attempt made, twice in a row is slowed down`() {
        val stage = withProvider()
        val waits =
            List(4) {
                stage.token("t$it").hear(WELCOME).lose(4004)
                val wait = stage.timer - stage.now
                stage.pass(wait)
                wait
            }
        assertEquals(listOf(250.ms, 500.ms, 1_000.ms, 2_000.ms), waits)
    }

    @Test
    fun `with a fixed token 4004 is the end, because there is nothing else to show`() {
        assertEquals(
            listOf(4004),
            Stage(token = "t1")
                .open()
                .lose(4004)
                .events<ClosedEvent>()
                .map { it.code },
        )
    }

    @Test
    fun `a 401 with a token from before asks for a new one, with a new one it is the end`() {
        val stage =
            withProvider()
                .token("t1")
                .hear(WELCOME)
                .lose()
                .pass(500.ms)
        assertEquals(
            State.CONNECTING,
            stage
                .refuse(401)
                .pass(1.seconds)
                .core.state,
        )
        assertEquals(
            listOf(401),
            stage
                .token("t2")
                .refuse(401)
                .events<ClosedEvent>()
                .map { it.code },
        )
    }

    @Test
    fun `where nobody says why, a token that failed twice is replaced`() {
        val stage = withProvider().token("old").hear(WELCOME).lose()
        stage
            .pass(1.seconds)
            .lose()
            .pass(1.seconds)
            .lose()
            .pass(4.seconds)
            .asksToken()
    }

    @Test
    fun `a provider that fails or never answers is asked again after a back-off`() {
        val stage = withProvider().noToken().pass(500.ms)
        stage.asksToken()
        stage.pass(16.seconds).asksToken()
        assertEquals(listOf("token", "token"), stage.events<ErrorEvent>().map { it.error.code })
    }

    @Test
    fun `a ticket is shown once, in its life, beside the token, and a pong after half of it and a drain bring the next`() {
        val stage = Stage(token = "t1").open(Field.TICKET to "one", Field.TICKET_LIFE_MS to 20_000L)
        val ping = stage.pass(10.seconds).sent().single()
        assertEquals(Id.PING, ping.id, "asked for at half of its life")
        stage.hear(Id.PONG, Field.REF to ping.ref, Field.OFFSET to "11-0")
        assertEquals(1, stage.pass(2_500.ms).sent().size, "asked again when there was none yet")
        stage.hear(Id.PONG, Field.OFFSET to "11-0", Field.TICKET to "two")
        assertEquals(0, stage.pass(9_999.ms).sent().size)
        stage.hear(Id.DRAIN, Field.CLOSE_IN_MS to 1L, Field.RECONNECT_IN_MS to 1L, Field.TICKET to "three")
        stage
            .lose(1012)
            .pass(1.ms)
            .lose()
            .pass(10.seconds)
        assertEquals(listOf(null, "three", null), stage.urls.map { it.says("ticket") })
        assertEquals(listOf("t1", "t1", "t1"), stage.shown())
        val told = stage.events<ClientEvent>().toString()
        assertFalse("two" in told || "three" in told, "no listener gets to see one")
        val late = Stage().open(Field.TICKET to "four", Field.TICKET_LIFE_MS to 20_000L).lose(1013)
        assertNull(
            late
                .freeze(60.seconds)
                .tick()
                .urls[1]
                .says("ticket"),
            "its life is over",
        )
    }
}
