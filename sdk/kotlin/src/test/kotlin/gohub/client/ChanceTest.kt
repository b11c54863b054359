/* Whatever happens in whatever order: what holds of the machine in every history, by seeded chance. */
package gohub.client

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import kotlin.random.Random
import kotlin.time.Duration.Companion.INFINITE
import kotlin.time.Duration.Companion.seconds

private const val HISTORIES = 300
private const val STEPS = 200

/** A hub and an application that do anything at any time. */
private class World(private val random: Random) {
    val stage = Stage(random::nextDouble, source = TokenSource.PROVIDER, maxPending = 8)

    /** Requests that nobody settled yet, and those that are. */
    val open = mutableSetOf<String>()
    val settled = mutableSetOf<String>()
    private var offset = 10
    private var epoch = 1

    private val things: Map<String, () -> Unit> =
        mapOf(
            "start" to { stage.start() },
            "wake" to { stage.wake() },
            "pass" to { stage.pass(20.seconds * random.nextDouble()) },
            "freeze" to { stage.freeze(600.seconds * random.nextDouble()).tick() },
            "token" to { for (asked in stage.take<Action.AskToken>()) stage.token("t", asked.id) },
            "no token" to { for (asked in stage.take<Action.AskToken>()) stage.noToken(asked.id) },
            "lose" to { if (stage.socket) stage.lose(LOSSES.random(random)) },
            "stop" to { if (random.nextDouble() < 0.1) stage.stop() },
            "refused" to { if (stage.socket) stage.refuse(listOf(401, 429, 503).random(random), 1.seconds) },
            "welcome" to {
                if (random.nextDouble() < 0.2) epoch++
                val rooms = listOf(emptyList(), listOf("a"), listOf("a", "b")).random(random)
                val more = mapOf(Field.EPOCH to "e$epoch", Field.OFFSET to "$offset-0", Field.ROOMS to rooms)
                hear(Envelope(WELCOME.fields + more))
            },
            "say" to { ask(Envelope(Id.ROOM_MESSAGE, Field.ROOM to "a", Field.KEY to "k"), true) },
            "say once" to { ask(Envelope(Id.ROOM_MESSAGE, Field.ROOM to "a"), false) },
            "join" to { ask(Envelope(Id.JOIN, Field.ROOM to listOf("a", "b", "c", "d").random(random)), true) },
            "leave" to { ask(Envelope(Id.LEAVE, Field.ROOM to listOf("a", "b").random(random)), true) },
            "put into" to { hear(Envelope(Id.JOIN, Field.ROOM to listOf("a", "e").random(random))) },
            "taken out" to { hear(Envelope(Id.LEAVE, Field.ROOM to listOf("a", "e").random(random))) },
            "message" to { hear(Envelope(22, Field.ROOM to "a", Field.TS to 1L, Field.OFFSET to "${++offset}-0")) },
            "answer" to { answer(Envelope(Id.ACK, Field.OFFSET to "1-0")) },
            "error" to { answer(Envelope(Id.ERROR, Field.CODE to "x", Field.RETRYABLE to random.nextBoolean())) },
            "ping" to { hear(Envelope(Id.PING, Field.OFFSET to "$offset-0")) },
            "drain" to { hear(Envelope(Id.DRAIN, Field.CLOSE_IN_MS to 1_000L, Field.RECONNECT_IN_MS to 2_000L)) },
            "retry" to { hear(Envelope(Id.RETRY, Field.AFTER_MS to 3_000L)) },
            "refresh" to { hear(Envelope(Id.REFRESH, Field.CLOSE_IN_MS to 1_000L)) },
            "nonsense" to {
                val text = listOf("", "[]", """{"message_id":{}}""", "null").random(random)
                if (stage.socket) stage.act(CoreEvent.Received(Frame.Text(text)))
            },
        )

    /** One thing that happens. */
    fun step(): String = things.keys.random(random).also { things.getValue(it)() }

    private fun hear(envelope: Envelope) {
        // A hub speaks only where there is a socket.
        if (stage.socket) stage.hear(envelope)
    }

    private fun ask(envelope: Envelope, repeatable: Boolean) {
        open += stage.ask(envelope, 30.seconds * random.nextDouble() + 1.ms, repeatable)
    }

    private fun answer(envelope: Envelope) {
        if (open.isNotEmpty()) hear(envelope + (Field.REF to open.random(random)))
    }

    private companion object {
        val LOSSES = listOf(1001, 1006, 1009, 1011, 1012, 1013, 4000, 4001, 4004, 4006)
    }
}

class ChanceTest {
    @Test
    fun `in 300 histories of 200 steps nothing is settled twice or never, sent without a connection, or goes back`() {
        for (seed in 1..HISTORIES) {
            val world = World(Random(seed))
            val stage = world.stage
            val history = mutableListOf<String>()
            val fail = { what: String -> { "seed $seed: $what after ${history.takeLast(12)}" } }
            var position = Offset(0u, 0u)
            var epoch = ""
            repeat(STEPS) {
                var socket = stage.socket
                history += world.step()
                if (history.last() == "lose" || history.last() == "refused") socket = false
                for (action in stage.said) {
                    when (action) {
                        is Action.Connect -> {
                            assertTrue(!socket, fail("a second socket beside the first"))
                            socket = true
                        }

                        is Action.Disconnect -> {
                            assertTrue(socket, fail("left a socket that is not there"))
                            socket = false
                        }

                        is Action.Send -> {
                            assertTrue(socket, fail("sent without a connection"))
                            val ref = JsonCodec.decode(action.frame).ref
                            assertTrue(ref !in world.settled, fail("$ref was sent after it was settled"))
                        }

                        is Action.Settle -> {
                            val request = action.outcome.request
                            assertTrue(world.open.remove(request.ref), fail("${request.ref} was settled twice"))
                            assertTrue(!request.own, fail("its own request was settled"))
                            world.settled += request.ref
                            if (action.outcome.error?.code == "connection_lost") assertTrue(!request.repeatable, fail("given up"))
                        }

                        else -> {}
                    }
                }
                val welcome = stage.events<WelcomeEvent>().lastOrNull()
                if (welcome != null && welcome.epoch != epoch) {
                    epoch = welcome.epoch
                    position = Offset(0u, 0u)
                }
                val now = stage.core.position ?: Offset(0u, 0u)
                assertTrue(now >= position, fail("the position went back from $position to $now"))
                position = now
                stage.said = stage.take<Action.AskToken>().toMutableList()
                val rests = stage.core.state == State.IDLE || stage.core.state == State.CLOSED
                assertTrue(rests || stage.timer.isFinite(), fail("nothing will ever happen in ${stage.core.state}"))
                assertTrue(!rests || stage.core.rooms.isEmpty(), fail("in rooms without a connection"))
            }
            stage.pass(60.seconds).stop().pass(1.ms)
            for (settle in stage.take<Action.Settle>()) world.open -= settle.outcome.request.ref
            assertEquals(emptySet<String>(), world.open, fail("never settled"))
            assertEquals(INFINITE, stage.timer, fail("a timer after the end"))
        }
    }
}
