/* The client as applications see it: suspend functions and flows around the pure core, which it gives sockets, timers and tokens. */
package gohub.client

import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.channels.trySendBlocking
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.flow.filterIsInstance
import kotlinx.coroutines.flow.flow
import kotlinx.coroutines.launch
import java.util.concurrent.ConcurrentHashMap
import java.util.concurrent.CopyOnWriteArraySet
import kotlin.random.Random
import kotlin.time.Duration
import kotlin.time.Duration.Companion.milliseconds

/** What waits to be handled; a socket whose frames fill it is read no further until there is room. */
private const val INBOX = 64

/**
 * A client of gohub. It connects, comes back by itself after every failure, goes on where it was, and is in the rooms it joined.
 * It writes no log. All of it may be used from any thread.
 *
 * A request that is cancelled is not taken back: nobody waits for its answer any more.
 */
public class Client internal constructor(
    private val options: ClientOptions,
    private val transport: Transport,
    dispatcher: CoroutineDispatcher,
    random: () -> Double,
) {
    /** A client that is not connected yet. */
    public constructor(options: ClientOptions) :
        this(options, OkHttpTransport(options.okHttp), Dispatchers.Default, Random.Default::nextDouble)

    private val codec = options.form.codec
    private val core = Core(coreOptions(options), random, options.token)
    private val scope = CoroutineScope(SupervisorJob() + dispatcher.limitedParallelism(1))
    private val inbox = Channel<Pair<Line?, CoreEvent>>(INBOX)
    private val waiters = ConcurrentHashMap<String, CompletableDeferred<Envelope>>()
    private val listeners = CopyOnWriteArraySet<Listener>()
    private val alarm = Alarm(scope, ::now) { inbox.send(null to CoreEvent.Tick) }
    private val states = MutableStateFlow(State.IDLE)
    private val modes = MutableStateFlow(Mode.NORMAL)
    private val places = MutableStateFlow(emptyList<String>())
    private var fetching: Job? = null
    private var line: Line? = null

    @Volatile private var lastWelcome: WelcomeEvent? = null

    /** Where the connection stands. */
    public val state: StateFlow<State> = states.asStateFlow()

    /** Whether the hub works normally or is cut off from the others. */
    public val mode: StateFlow<Mode> = modes.asStateFlow()

    /** The rooms this connection is in. */
    public val rooms: StateFlow<List<String>> = places.asStateFlow()

    /** Who this client is, known from the first welcome on unless it was given. */
    @Volatile
    public var clientId: String? = options.clientId
        private set

    /** Up to where everything was delivered or reported as a gap. */
    @Volatile
    public var position: Offset? = null
        private set

    @Volatile private var nextAt: Duration? = null

    /** How long until the next attempt, while the state is [State.WAITING]. */
    public val nextAttempt: Duration? get() = nextAt?.let { maxOf(it - now(), Duration.ZERO) }

    /**
     * Everything that happens from the moment of collecting on, in its order, to every collector. It never ends. At most
     * `maxBuffered` events wait for a collector; the newer ones are then missed by this collector, and a [GapEvent] says which.
     */
    public val events: Flow<ClientEvent> =
        flow {
            val mailbox = Mailbox(options.maxBuffered)
            val registration = on(mailbox::put)
            try {
                while (true) emit(mailbox.take())
            } finally {
                registration.close()
            }
        }

    /** What is said, out of [events]. */
    public val messages: Flow<Message> get() = events.filterIsInstance()

    init {
        scope.launch { for ((from, event) in inbox) if (from == null || from === line) handle(event) }
    }

    /**
     * Calls [listener] for every event until what it gives back is closed: one event after another, on a thread of the client, which
     * reads no further meanwhile. It must not block.
     */
    public fun on(listener: (ClientEvent) -> Unit): AutoCloseable {
        val entry = Listener(listener)
        listeners += entry
        return AutoCloseable { listeners -= entry }
    }

    /** Begins to connect, and stays connected, without waiting for it. */
    public fun start(): Unit = post(CoreEvent.Start)

    /**
     * Connects, and stays connected. Cancelling it stops the waiting, not the client.
     *
     * @return the first welcome.
     * @throws GohubError when the hub says stop before that.
     */
    public suspend fun connect(): WelcomeEvent {
        val welcome = CompletableDeferred<WelcomeEvent>()
        val registration =
            on { event ->
                if (event is WelcomeEvent) welcome.complete(event)
                if (event is ClosedEvent) welcome.completeExceptionally(GohubError("closed", "${event.reason} (${event.code})"))
            }
        return registration.use {
            if (state.value == State.OPEN || state.value == State.DRAINING) lastWelcome?.let(welcome::complete)
            start()
            welcome.await()
        }
    }

    /** Ends the connection and fails what waits. [connect] brings the client back, in its rooms and where it was. */
    public fun close(): Unit = post(CoreEvent.Stop)

    /** The device woke up, or its network is another: looks at once whether the connection lives, or connects when it is time. */
    public fun wake(): Unit = post(CoreEvent.Wake)

    /** Enters a room and stays in it, over reconnects too, until [leave]; with [from] also what was said there after that. */
    public suspend fun join(room: String, from: Offset? = null, timeout: Duration = options.requestTimeout): Ack =
        ackOf(ask(Envelope(Id.JOIN, Field.ROOM to room, Field.FROM_OFFSET to from?.toString()), timeout))

    /** Leaves a room. */
    public suspend fun leave(room: String, timeout: Duration = options.requestTimeout): Ack =
        ackOf(ask(Envelope(Id.LEAVE, Field.ROOM to room), timeout))

    /**
     * Says something to everybody in a room.
     *
     * @param type the application's own name of the message.
     * @param key the idempotency key, a fresh one unless given, so that it is repeated safely when no answer came. `null` sends none:
     *   then it is never repeated, and fails with `connection_lost` when the connection goes before the answer.
     */
    public suspend fun publish(
        room: String,
        data: Data,
        type: String? = null,
        key: String? = freshKey(),
        timeout: Duration = options.requestTimeout,
    ): Ack = say(Id.ROOM_MESSAGE, room, null, data, type, key, timeout)

    /** Says something to one client, on all its connections. [type] and [key] as in [publish]. */
    public suspend fun unicast(
        to: String,
        data: Data,
        type: String? = null,
        key: String? = freshKey(),
        timeout: Duration = options.requestTimeout,
    ): Ack = say(Id.UNICAST, null, to, data, type, key, timeout)

    /** Says something to every connection. [type] and [key] as in [publish]. */
    public suspend fun broadcast(
        data: Data,
        type: String? = null,
        key: String? = freshKey(),
        timeout: Duration = options.requestTimeout,
    ): Ack = say(Id.BROADCAST, null, null, data, type, key, timeout)

    /**
     * Sends a message of the application's own, with an [id] from 1000; the hub's configuration says where it goes. It has a key
     * only when one is given: what a handler does twice, only the application knows.
     */
    public suspend fun send(
        id: Long,
        data: Data?,
        room: String? = null,
        to: String? = null,
        type: String? = null,
        key: String? = null,
        timeout: Duration = options.requestTimeout,
    ): Ack = say(id, room, to, data, type, key, timeout)

    /** Who is in a room, by pages: at most [limit], behind [after], the `next` of the page before. */
    public suspend fun presence(
        room: String,
        limit: Int? = null,
        after: String? = null,
        timeout: Duration = options.requestTimeout,
    ): PresencePage {
        val asked = Envelope(Id.PRESENCE, Field.ROOM to room, Field.LIMIT to limit?.toLong(), Field.AFTER to after)
        return presencePageOf(ask(asked, timeout))
    }

    /** What was said in a room: the last [limit], or those after [from], of which the first [limit]. */
    public suspend fun history(
        room: String,
        limit: Int? = null,
        from: Offset? = null,
        timeout: Duration = options.requestTimeout,
    ): HistoryPage {
        val asked =
            Envelope(Id.HISTORY, Field.ROOM to room, Field.LIMIT to limit?.toLong(), Field.FROM_OFFSET to from?.toString())
        return historyPageOf(ask(asked, timeout))
    }

    /** How long the hub takes to answer. */
    public suspend fun ping(timeout: Duration = options.requestTimeout): Duration {
        val began = now()
        ask(Envelope(Id.PING), timeout)
        return now() - began
    }

    /**
     * Shows the hub a new token on the living connection, because what this client may do has changed: the one given, or one of the
     * provider. Before a token ends the client does so by itself.
     */
    public suspend fun refresh(token: String? = null, timeout: Duration = options.requestTimeout): Refreshed {
        val shown = token ?: options.tokenProvider?.token() ?: options.token
        return refreshedOf(ask(Envelope(Id.REFRESH, Field.TOKEN to shown), timeout))
    }

    private suspend fun say(id: Long, room: String?, to: String?, data: Data?, type: String?, key: String?, timeout: Duration): Ack {
        val fields = arrayOf(Field.MESSAGE_TYPE to type, Field.ROOM to room, Field.TO to to, Field.DATA to data, Field.KEY to key)
        return ackOf(ask(Envelope(id, *fields), timeout, repeatable = key != null))
    }

    private suspend fun ask(envelope: Envelope, timeout: Duration, repeatable: Boolean = true): Envelope {
        val ref = core.nextRef()
        // What cannot be written throws here.
        val frame = codec.encode(envelope + (Field.REF to ref))
        val token = envelope.text(Field.TOKEN)
        val request = Request(ref, envelope.id, envelope.room, frame, now() + timeout, repeatable, own = false, token)
        val waiter = CompletableDeferred<Envelope>()
        waiters[ref] = waiter
        inbox.send(null to CoreEvent.Asked(request))
        return waiter.await()
    }

    private fun now(): Duration = options.clock().milliseconds

    /** In the order of the calls, also when the inbox is full: who sends to a channel stands in line. */
    private fun post(event: CoreEvent) {
        scope.launch(Dispatchers.Unconfined, CoroutineStart.UNDISPATCHED) { inbox.send(null to event) }
    }

    private fun handle(event: CoreEvent) {
        val actions = core.handle(event, now())
        clientId = core.clientId
        position = core.position
        nextAt = core.nextAt
        places.value = core.rooms
        modes.value = core.mode
        states.value = core.state
        actions.forEach(::carryOut)
    }

    private fun carryOut(action: Action) {
        when (action) {
            is Action.AskToken -> fetch(action.id)

            is Action.Connect -> open(action)

            is Action.Send -> line?.socket?.send(action.frame)

            is Action.Disconnect -> {
                line?.socket?.drop(action.code)
                line = null
            }

            is Action.Timer -> alarm.at(action.at)

            is Action.Settle -> {
                val (request, answer, error) = action.outcome
                val waiter = waiters.remove(request.ref) ?: return
                if (answer != null) waiter.complete(answer) else waiter.completeExceptionally(requireNotNull(error))
            }

            is Action.Emit -> {
                if (action.event is WelcomeEvent) lastWelcome = action.event
                listeners.forEach { it.tell(action.event) }
            }
        }
    }

    private fun fetch(id: Int) {
        fetching?.cancel()
        fetching =
            scope.launch {
                val fetched =
                    try {
                        // Without a pair of a surrogate no address holds it.
                        options.tokenProvider?.token()?.also { it.encodeToByteArray(throwOnInvalidSequence = true) }
                    } catch (error: CancellationException) {
                        throw error
                    } catch (_: Exception) {
                        // The provider's own words might hold the token: they stay with it.
                        null
                    }
                inbox.send(null to if (fetched == null) CoreEvent.NoToken(id) else CoreEvent.Token(id, fetched))
            }
    }

    private fun open(connect: Action.Connect) {
        val line = Line()
        this.line = line
        try {
            line.socket = transport.open(connect, codec.subprotocol, line)
        } catch (_: IllegalArgumentException) {
            // Its own words hold the address, and that may hold the token.
            this.line = null
            post(CoreEvent.Unusable)
        }
    }

    /** One socket and what it says. What comes of one that was left behind is not handled any more. */
    private inner class Line : Ear {
        var socket: Socket? = null

        override fun heard(frame: Frame) {
            inbox.trySendBlocking(this to CoreEvent.Received(frame))
        }

        override fun ended(end: CoreEvent.Closed) {
            inbox.trySendBlocking(this to end)
        }
    }
}

private fun coreOptions(options: ClientOptions): CoreOptions {
    val source =
        when {
            options.tokenProvider != null -> TokenSource.PROVIDER
            options.token != null -> TokenSource.FIXED
            else -> TokenSource.NONE
        }
    return CoreOptions(
        options.url.toList(),
        options.clientId,
        source,
        options.form,
        options.connectTimeout,
        options.maxPending,
        options.maxPendingBytes,
        options.maxRooms,
    )
}

/** A fresh idempotency key. It counts among those of one client only and is no secret, so it need not be unguessable. */
private fun freshKey(): String = Random.nextBytes(16).toHexString()
