/* The state machine with a made-up time: every path of connecting, waiting, going on and ending. */
package gohub.client

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNotEquals
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import kotlin.random.Random
import kotlin.time.Duration.Companion.INFINITE
import kotlin.time.Duration.Companion.seconds

class CoreTest {
    private val Envelope.said get() = data?.text

    @Test
    fun `nothing is sent before the welcome, and then in the order of the calls`() {
        val stage = Stage().start()
        for (text in listOf("a", "b", "c")) stage.ask(say(text))
        assertEquals(emptyList<Envelope>(), stage.sent())
        stage.hear(WELCOME)
        assertEquals(listOf("a", "b", "c"), stage.sent().map { it.said })
        assertEquals(listOf(State.CONNECTING, State.OPEN), stage.events<StateEvent>().map { it.state })
    }

    @Test
    fun `an answer settles its request and no other, a second answer nothing`() {
        val stage = Stage().open()
        val (first, second) = listOf("a", "b").map { stage.ask(say(it)) }
        stage.ack(second, Field.OFFSET to "11-0")
        assertEquals(mapOf(second to "ok"), stage.settled())
        stage.ack(second).error(first, "forbidden")
        assertEquals(mapOf(first to "forbidden"), stage.settled())
    }

    @Test
    fun `an error that may pass is tried again with the same frame, after a back-off, until it passes or the time is over`() {
        val stage = Stage().open()
        val ref = stage.ask(say("a"))
        val before = stage.sent()
        stage.error(ref, "timeout", retryable = true)
        assertEquals(emptyList<Envelope>() to emptyMap<String, String>(), stage.sent() to stage.settled())
        assertEquals(before, stage.pass(250.ms).sent())
        stage.error(ref, "overloaded", retryable = true).pass(499.ms)
        assertEquals(emptyList<Envelope>(), stage.sent())
        assertEquals(before, stage.pass(1.ms).sent())
        stage.error(ref, "overloaded", retryable = true).freeze(20.seconds)
        val error =
            stage
                .tick()
                .pass(1.seconds)
                .take<Action.Settle>()
                .single()
                .outcome.error
        assertEquals("overloaded", error?.code)
        assertTrue(error!!.uncertain, "the first timeout may have been delivered")
    }

    @Test
    fun `a publish without a key is sent once, an error and a lost connection are final`() {
        val stage = Stage().open()
        val first = stage.ask(say("a"), repeatable = false)
        assertEquals(mapOf(first to "overloaded"), stage.error(first, "overloaded", retryable = true).settled())
        val second = stage.ask(say("b"), repeatable = false)
        assertEquals(mapOf(second to "connection_lost"), stage.lose().settled())
    }

    @Test
    fun `what was sent without an answer is repeated on the next connection, in the old order`() {
        val stage = Stage().open()
        val refs = listOf("a", "b").map { stage.ask(say(it)) }.toMutableList()
        val sent = stage.sent()
        stage.lose()
        refs += stage.ask(say("c"))
        val again = stage.pass(300.ms).hear(WELCOME).sent()
        assertEquals(sent, again.take(2))
        assertEquals(refs, again.map { it.ref })
        assertEquals(emptyMap<String, String>(), stage.settled())
    }

    @Test
    fun `of what was sent before its connection went nobody says that it did not happen`() {
        val stage = Stage().open()
        val sent = stage.ask(say("a"))
        stage.lose()
        val never = stage.ask(say("b"))
        val fates = stage.stop().take<Action.Settle>().associate { it.outcome.request.ref to it.outcome.error?.uncertain }
        assertEquals(mapOf(sent to true, never to false), fates)
    }

    @Test
    fun `what waits is bounded by number, bytes and time`() {
        val stage = Stage().start()
        val refs = listOf("a", "b", "c", "d", "e").map { stage.ask(say(it)) }
        assertEquals(mapOf(refs[4] to "queue_full"), stage.settled())
        val bytes = Stage().start()
        val huge = bytes.ask(say("x".repeat(10_000)))
        assertEquals(mapOf(huge to "queue_full"), bytes.settled())
        stage.hear(999).pass(10.seconds)
        assertEquals(List(4) { "no_answer" }, stage.settled().values.toList())
        val rooms = Stage()
        val last = listOf("a", "b", "c", "d").map { rooms.ask(Envelope(Id.JOIN, Field.ROOM to it), 1.ms) }.last()
        assertEquals(mapOf(last to "too_many_rooms"), rooms.settled())
    }

    @Test
    fun `the bytes of what was answered are free again`() {
        val stage = Stage().open(Field.MAX_MESSAGE to 100_000L)
        repeat(50) { stage.ack(stage.ask(say("x".repeat(3_000)))) }
        repeat(5) { stage.lose().pass(30.seconds).hear(WELCOME) }
        assertEquals(setOf("ok"), stage.settled().values.toSet())
    }

    @Test
    fun `a message larger than the hub takes is not sent, and after a 1009 the largest is not repeated`() {
        val stage = Stage().open()
        val large = stage.ask(say("x".repeat(1_000)))
        assertEquals(mapOf(large to "too_large") to emptyList<Envelope>(), stage.settled() to stage.sent())
        val (small, larger) = listOf("a", "x".repeat(300)).map { stage.ask(say(it)) }
        assertEquals(mapOf(larger to "too_large"), stage.lose(1009).settled())
        stage.sent()
        assertEquals(
            listOf(small),
            stage
                .pass(300.ms)
                .hear(WELCOME)
                .sent()
                .map { it.ref },
        )
    }

    @Test
    fun `the position is the greatest offset seen, and a reconnect resumes there with its rooms`() {
        val stage = Stage().open()
        stage.ack(stage.join("a,b c"), Field.OFFSET to "99-0")
        stage.hear(22, Field.ROOM to "a,b c", Field.OFFSET to "9007199254740993-2", Field.TS to 1L)
        stage.hear(20, Field.OFFSET to "17-5", Field.TS to 1L)
        stage.hear(Id.GAP, Field.ROOM to "other", Field.FROM to "1-0", Field.TO to "9907199254740993-0", Field.REASON to "expired")
        assertEquals("9007199254740993-2", stage.core.position.toString())
        stage.hear(Id.GAP, Field.FROM to "1-0", Field.TO to "9007199254740993-10", Field.REASON to "new in v2")
        assertEquals(listOf(GapReason.EXPIRED, GapReason.UNSPECIFIED), stage.events<GapEvent>().map { it.reason })
        stage.lose().pass(500.ms)
        val query = "?client_id=alice&resume=e1%3A9007199254740993-10&rooms=a%2Cb%20c"
        assertEquals("ws://hub/ws$query", stage.connects[1].url)
    }

    @Test
    fun `a gap with an offset takes the position there and not to its end`() {
        val stage = Stage().open()
        stage.hear(
            Id.GAP,
            Field.FROM to "11-0",
            Field.TO to "20-0",
            Field.OFFSET to "12-0",
            Field.COUNT to 3L,
            Field.REASON to "conflated",
        )
        assertEquals(Offset(12u, 0u), stage.core.position)
        assertEquals(listOf(GapEvent(Offset(11u, 0u), Offset(20u, 0u), 3, null, GapReason.CONFLATED)), stage.events<GapEvent>())
    }

    @Test
    fun `a ping and a pong of the hub carry the position of a quiet client`() {
        val stage = Stage().open()
        stage.hear(Id.PING, Field.REF to "h", Field.OFFSET to "11-0")
        assertEquals(listOf(Envelope(Id.PONG, Field.REF to "h")), stage.sent())
        assertEquals(Offset(11u, 0u), stage.core.position)
        assertEquals(Offset(12u, 0u), stage.hear(Id.PONG, Field.OFFSET to "12-0").core.position)
    }

    @Test
    fun `a welcome on a living connection brings a new epoch, and offsets of the old one are forgotten`() {
        val stage = Stage().open(Field.OFFSET to "100-0")
        stage.hear(Envelope(WELCOME.fields + mapOf(Field.EPOCH to "e2", Field.OFFSET to "3-0", Field.RECOVERED to true)))
        assertEquals(Offset(3u, 0u) to State.OPEN, stage.core.position to stage.core.state)
        assertEquals(listOf("e1" to false, "e2" to true), stage.events<WelcomeEvent>().map { it.epoch to it.resumed })
        stage.lose().pass(500.ms)
        assertEquals("e2:3-0", stage.urls[1].says("resume"))
    }

    @Test
    fun `a room that the hub left out of a welcome is asked for with a join that says since when`() {
        val stage = Stage().open()
        stage
            .ack(stage.join("lobby"))
            .hear(22, Field.OFFSET to "20-0", Field.TS to 1L)
            .lose()
            .pass(500.ms)
        stage.sent()
        val join = stage.hear(WELCOME + (Field.OFFSET to "20-0")).sent().single()
        assertEquals(Triple(Id.JOIN, "lobby", "20-0"), Triple(join.id, join.room, join.text(Field.FROM_OFFSET)))
        // Live messages come first; then the connection goes again: the room still lacks what came since 20-0.
        stage.hear(20, Field.OFFSET to "30-0", Field.TS to 1L).lose().pass(5.seconds)
        assertEquals("e1:30-0" to null, stage.urls[2].says("resume") to stage.urls[2].says("rooms"))
        val again = stage.hear(WELCOME + (Field.OFFSET to "30-0")).sent().single()
        assertEquals("20-0", again.text(Field.FROM_OFFSET))
        // It may be there but not ask for the past: it is in, with a gap.
        val plain = stage.error(again.ref, "forbidden").sent().single()
        assertEquals(Id.JOIN to null, plain.id to plain.text(Field.FROM_OFFSET))
        stage.ack(plain.ref, Field.OFFSET to "31-0")
        val gap = GapEvent(Offset(20u, 0u), Offset(31u, 0u), null, "lobby", GapReason.UNSPECIFIED)
        assertEquals(listOf(gap), stage.events<GapEvent>())
        assertEquals(listOf("lobby"), stage.core.rooms)
    }

    @Test
    fun `a room that is refused for good is not wanted any more, and the application hears of it`() {
        val stage = Stage().open()
        val ref = stage.join("secret")
        assertEquals(mapOf(ref to "forbidden"), stage.error(ref, "forbidden").settled())
        stage.ack(stage.join("lobby")).lose().pass(500.ms)
        stage.sent()
        val join = stage.hear(Envelope(WELCOME.fields + mapOf(Field.EPOCH to "e2", Field.OFFSET to "1-0"))).sent().single()
        assertEquals("lobby" to null, join.room to join.text(Field.FROM_OFFSET), "an offset of another epoch means nothing")
        stage.error(join.ref, "forbidden", message = "no")
        assertEquals(listOf(LeftEvent("lobby", "no")), stage.events<LeftEvent>())
        assertEquals(
            emptyList<Envelope>(),
            stage
                .lose()
                .pass(20.seconds)
                .hear(WELCOME)
                .sent(),
        )
    }

    @Test
    fun `a room that was left is not entered again`() {
        val stage = Stage().open()
        stage
            .ack(stage.join("lobby"))
            .ack(stage.ask(Envelope(Id.LEAVE, Field.ROOM to "lobby")))
            .lose()
            .pass(500.ms)
        assertNull(stage.urls[1].says("rooms"))
    }

    @Test
    fun `a room that the back end put this client into is kept, and one it took it out of is not`() {
        val stage = Stage().open()
        stage.hear(Id.JOIN, Field.ROOM to "vip", Field.OFFSET to "11-0").hear(Id.JOIN, Field.ROOM to "old")
        stage.hear(Id.LEAVE, Field.ROOM to "old")
        assertEquals(listOf("vip", "old"), stage.events<JoinedEvent>().map { it.room })
        assertEquals(listOf("old"), stage.events<LeftEvent>().map { it.room })
        assertEquals(listOf("vip"), stage.core.rooms)
        assertEquals(
            "vip",
            stage
                .lose()
                .pass(500.ms)
                .urls[1]
                .says("rooms"),
        )
        for (room in listOf("a", "b", "c")) stage.hear(Id.JOIN, Field.ROOM to room)
        assertEquals(listOf("too_many_rooms"), stage.events<ErrorEvent>().map { it.error.code }, "maxRooms counts here, too")
    }

    @Test
    fun `attempt n waits a random part of 500 ms times 2 to the n, at most 30 s, and a good connection starts anew`() {
        val stage = Stage(random = { 0.9999 }).open().pass(4_999.ms)
        val waits =
            List(9) {
                val wait = stage.lose().timer - stage.now
                stage.pass(wait)
                wait
            }
        val expected = listOf(500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000).map { it.ms * 0.9999 }
        assertEquals(expected, waits)
        stage.hear(WELCOME).pass(5.seconds).lose()
        assertEquals(500.ms * 0.9999, stage.timer - stage.now)
    }

    @Test
    fun `a drain sends the client away in its own slot, without a back-off, and holds new requests until the next hub`() {
        val stage = Stage().open()
        val flying = stage.ask(say("a"))
        stage.sent()
        stage.hear(Id.DRAIN, Field.CLOSE_IN_MS to 5_000L, Field.RECONNECT_IN_MS to 1_234L, Field.REASON to "shutdown")
        assertEquals(listOf(DrainEvent(5.seconds, 1_234.ms, "shutdown")), stage.events<DrainEvent>())
        stage.ask(say("b"))
        assertEquals(State.DRAINING to emptyList<Envelope>(), stage.core.state to stage.sent())
        assertEquals(mapOf(flying to "ok"), stage.ack(flying).settled())
        stage.pass(5.seconds).lose(1012)
        assertEquals(1_234.ms, stage.timer - stage.now)
        assertEquals(1, stage.pass(1_233.ms).urls.size)
        stage.pass(1.ms).hear(WELCOME)
        assertEquals(State.OPEN to listOf("b"), stage.core.state to stage.sent().map { it.said })
        stage.lose()
        assertEquals(250.ms, stage.timer - stage.now, "the slot counted once")
    }

    @Test
    fun `a drained hub that does not close is left`() {
        val stage = Stage().open()
        stage.hear(Id.DRAIN, Field.CLOSE_IN_MS to 1_000L, Field.RECONNECT_IN_MS to 100L).pass(6.seconds)
        assertEquals(listOf(Action.Disconnect(1012)), stage.take<Action.Disconnect>())
        assertEquals(State.WAITING to 100.ms, stage.core.state to stage.timer - stage.now)
    }

    @Test
    fun `during a retry nothing leaves but pongs, and a close that follows waits at least as long`() {
        val stage = Stage().open()
        stage.hear(Id.RETRY, Field.AFTER_MS to 60_000L, Field.REASON to "rate_limited")
        assertEquals(listOf(RetryEvent(60.seconds, "rate_limited")), stage.events<RetryEvent>())
        val ref = stage.ask(say("a"), timeout = 100.seconds)
        stage.pass(40.seconds).wake()
        assertEquals(emptyList<Envelope>(), stage.sent(), "no ping either")
        assertEquals(listOf(Envelope(Id.PONG)), stage.hear(Id.PING).sent())
        assertTrue(stage.pass(20.seconds).sent().any { it.ref == ref })
        stage.hear(Id.RETRY, Field.AFTER_MS to 2_500L).lose(1013)
        assertEquals(5.seconds, stage.timer - stage.now, "1013: at least five seconds")
        stage
            .pass(5.seconds)
            .hear(WELCOME)
            .hear(Id.RETRY, Field.AFTER_MS to 7_500L)
            .lose(4001)
        assertEquals(7_500.ms, stage.timer - stage.now)
    }

    @Test
    fun `a Retry-After and a random part of a second replace the back-off`() {
        val stage = Stage().start().refuse(503, 9.seconds)
        assertEquals(9_500.ms, stage.timer - stage.now)
    }

    @Test
    fun `a code or a status that means stop ends it, the application is told why, and what waits fails`() {
        for (code in listOf(1000, 1002, 1003, 1007, 1008, 1010, 4500, 4501, 4506, 4999)) {
            val stage = Stage().open()
            val ref = stage.ask(say("a"))
            stage.lose(code)
            assertEquals(listOf(ClosedEvent(code, "because")), stage.events<ClosedEvent>())
            assertEquals(mapOf(ref to "closed"), stage.settled())
            assertEquals(INFINITE to State.CLOSED, stage.timer to stage.core.state)
            val late = stage.ask(say("b"))
            assertEquals(mapOf(late to "closed"), stage.settled())
        }
        for (status in listOf(400, 401, 403, 409)) {
            assertEquals(
                listOf(status),
                Stage()
                    .start()
                    .refuse(status)
                    .events<ClosedEvent>()
                    .map { it.code },
            )
        }
        for (status in listOf(404, 429, 500, 502, 503)) {
            assertEquals(
                State.WAITING,
                Stage()
                    .start()
                    .refuse(status)
                    .core.state,
            )
        }
    }

    @Test
    fun `after the end it can be started again, goes on where it was, and is in its rooms`() {
        val stage = Stage().open()
        stage.ack(stage.join("lobby")).stop()
        assertEquals(listOf(Action.Disconnect(1000)), stage.take<Action.Disconnect>())
        stage.start()
        assertEquals("ws://hub/ws?client_id=alice&resume=e1%3A10-0&rooms=lobby", stage.connects[1].url)
    }

    @Test
    fun `an anonymous client keeps the name that the hub made up`() {
        val stage = Stage(clientId = null).open(Field.CLIENT_ID to "anon-1").lose().pass(500.ms)
        assertEquals(listOf(null, "anon-1"), stage.urls.map { it.says("client_id") })
    }

    @Test
    fun `of several hubs another one is tried after each end`() {
        val random = Random(7)
        val stage = Stage(random::nextDouble, urls = listOf("ws://a/ws", "ws://b/ws", "ws://c/ws")).start()
        repeat(30) { stage.lose().pass(30.seconds) }
        val hosts = stage.urls.map { it.host }
        hosts.zipWithNext { one, next -> assertNotEquals(one, next) }
        assertEquals(setOf("a", "b", "c"), hosts.toSet())
    }

    @Test
    fun `a handshake that takes too long is given up, and after a few the application hears of it once`() {
        val stage = Stage().start().pass(300.seconds)
        assertTrue(stage.urls.size > 4)
        assertEquals(listOf(TroubleEvent(3)), stage.events<TroubleEvent>())
    }

    @Test
    fun `a token goes into the header, and into the query only when no header holds it`() {
        val plain = Stage(token = "a.b+c=").start().connects.single()
        assertEquals("a.b+c=" to "ws://hub/ws?client_id=alice", plain.token to plain.url)
        val odd = Stage(token = "größe 1").start().connects.single()
        assertEquals(null to "ws://hub/ws?client_id=alice&token=gr%C3%B6%C3%9Fe%201", odd.token to odd.url)
    }

    @Test
    fun `a message without a place in the order is told as one that cannot be read`() {
        val stage = Stage().open()
        stage.hear(22, Field.ROOM to "lobby", Field.DATA to Data.of("lost?"))
        stage.act(CoreEvent.Received(Frame.Text("{")))
        assertEquals(listOf("bad_message", "bad_message"), stage.events<ErrorEvent>().map { it.error.code })
        assertEquals(emptyList<Message>() to State.OPEN, stage.events<Message>() to stage.core.state)
    }
}
