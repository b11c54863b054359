/* The client and several real hubs over a real etcd: hubs die, are drained, are cut off, and nobody loses a word. */
package gohub.client

import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.AfterAll
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNotNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.BeforeAll
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.TestInstance
import org.junit.jupiter.api.Timeout
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.EnumSource
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds

private const val PEOPLE = 200

/** Says numbers until it is told to stop. */
private class Talk(scope: CoroutineScope, person: Person, room: String) {
    @Volatile private var talking = true
    private val done =
        scope.async {
            var n = 0
            while (talking) person.says(room, "${n++}")
            n
        }

    /** How many were acked. */
    suspend fun stop(): Int {
        talking = false
        return done.await()
    }
}

private fun upTo(count: Int) = List(count) { it }

@Timeout(300)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ClusterTest {
    private lateinit var etcd: Etcd
    private lateinit var hubs: List<Hub>
    private val urls get() = hubs.map { it.url }.toTypedArray()

    @BeforeAll
    fun start() = runBlocking<Unit> {
        etcd = Etcd.start()
        hubs = etcd.hubs(2)
    }

    @AfterAll
    fun stop() {
        hubs.forEach(Hub::stop)
        etcd.stop()
    }

    /** The hub this person is on, and the other one. */
    private fun sides(person: Person): List<Hub> = if (person.all<WelcomeEvent>().last().node == "hub-0") hubs else hubs.reversed()

    private suspend fun meet(room: String, clientId: String, vararg url: String, form: Form = Form.JSON) =
        Person.into(room, options = ClientOptions(*url, clientId = clientId, form = form, requestTimeout = 60.seconds))

    @ParameterizedTest
    @EnumSource(Form::class)
    fun `a hub is killed - the client goes on at the other one, where it was, and misses nothing`(form: Form) = runBlocking<Unit> {
        val room = "killed $form"
        val anna = meet(room, "anna $form", *urls, form = form)
        val (here, there) = sides(anna)
        val bert = meet(room, "bert $form", there.url, form = form)
        val talk = Talk(this, bert, room)
        until("some were heard") { anna.heard.size > 5 }
        here.signal("KILL")
        val welcome = anna.tells<WelcomeEvent>(2)
        val count = talk.stop()
        assertTrue(welcome.resumed && welcome.recovered)
        assertEquals(listOf(room), welcome.rooms)
        anna.hears("${count - 1}")
        assertEquals(upTo(count), anna.numbers, "every one, in order, once")
        listOf(anna, bert).forEach { it.client.close() }
        here.restart()
    }

    @Test
    fun `a publisher whose hub is killed repeats what was not answered, and each is delivered once`() = runBlocking<Unit> {
        val carl = meet("publisher", "carl", *urls)
        val (here, there) = sides(carl)
        val dana = meet("publisher", "dana", there.url)
        val acks = upTo(100).map { now { carl.says("publisher", "$it") } }
        here.signal("KILL")
        val offsets = acks.awaitAll().map { it.offset }
        until("all of them") { dana.heard.size >= 100 }
        assertEquals(upTo(100), dana.numbers.sorted())
        assertEquals(offsets.toSet(), dana.all<Message>().map { it.offset }.toSet())
        listOf(carl, dana).forEach { it.client.close() }
        here.restart()
    }

    @Test
    fun `a hub is drained - everybody goes in their own slot, without a back-off on top, and misses nothing`() = runBlocking<Unit> {
        val emil = meet("drained", "emil", *urls)
        val (here, there) = sides(emil)
        val fred = meet("drained", "fred", there.url)
        val talk = Talk(this, fred, "drained")
        here.call("POST", "drain")
        val drain = emil.tells<DrainEvent>()
        val welcome = emil.tells<WelcomeEvent>(2)
        val count = talk.stop()
        assertTrue(welcome.recovered)
        assertNotNull(drain.reason)
        emil.hears("${count - 1}")
        assertEquals(upTo(count), emil.numbers)
        val began = { state: State -> emil.times.filter { it.first == state }.map { it.second } }
        val pause = began(State.CONNECTING)[1] - began(State.WAITING).single()
        // A timer may be a moment late, and never early.
        val slot = drain.reconnectIn
        assertTrue(pause > slot - 5.milliseconds && pause < slot + 1.seconds, "slot $slot, came after $pause")
        assertEquals(1, began(State.DRAINING).size)
        listOf(emil, fred).forEach { it.client.close() }
        until("the drained hub has ended") { here.call("GET", "nodes") == null }
        here.restart()
    }

    @Test
    fun `the bus goes away - the client hears of the mode, and of its end, and what it says is said then`() = runBlocking<Unit> {
        val gina = meet("mode", "gina", *urls)
        etcd.signal("STOP")
        val said = now { gina.says("mode", "patience") }
        assertEquals(Mode.DEGRADED, gina.tells<ModeEvent>().mode)
        assertEquals(Mode.DEGRADED, gina.client.mode.value)
        etcd.signal("CONT")
        assertEquals(Mode.NORMAL, gina.tells<ModeEvent>(2).mode)
        said.await()
        gina.hears("patience")
        assertEquals(1, gina.heard.size)
        gina.client.close()
    }

    @Test
    fun `a storm - 200 people lose their hub at once, come back, and nobody misses a word`() = runBlocking<Unit> {
        val crowd = upTo(PEOPLE).map { async { meet("storm", "p$it", *urls) } }.awaitAll()
        val (gone, stays) = hubs
        val voice = meet("storm", "voice", stays.url)
        val talk = Talk(this, voice, "storm")
        until("all hear") { crowd.all { it.heard.isNotEmpty() } }
        val lost = crowd.filter { sides(it)[0] == gone }
        assertTrue(lost.size > PEOPLE / 5, "${lost.size} were on that hub")
        gone.signal("KILL")
        until("all are back", PATIENCE * 2) { lost.all { it.all<WelcomeEvent>().size > 1 } }
        val count = talk.stop()
        until("all heard the last", PATIENCE * 2) { crowd.all { it.heard.lastOrNull() == Data.of("${count - 1}") } }
        for (person in crowd) {
            // Those who came into the room before the voice heard all of it.
            assertEquals(upTo(count), person.numbers, person.client.clientId)
            assertEquals(emptyList<GapEvent>(), person.all<GapEvent>())
            person.client.close()
        }
        voice.client.close()
        gone.restart()
    }
}
