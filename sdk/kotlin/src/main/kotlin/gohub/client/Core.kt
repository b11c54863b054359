/*
 * The connection's state machine: events in, actions out. It does no I/O and has no clock and no random numbers of its own, so
 * every path is tested with a made-up time. [Client] carries out what it says.
 */
package gohub.client

import java.util.concurrent.atomic.AtomicLong
import kotlin.time.Duration
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds

/** Attempts in vain after which the application is told. */
private const val TROUBLE = 3

/** A timer that is so late was held back with everything else: what came meanwhile is looked at first. */
private val LATE = 500.milliseconds

/** The time for that. */
private val GRACE = 1.seconds

/** Between two looks for a new token while the old one still counts. */
private val TOKEN_PAUSE = 5.seconds

/** A drained hub that does not close by itself is given so much more. */
private val DRAIN_SLACK = 5.seconds

/** The statuses of a refused handshake that mean stop. */
private val REFUSED = setOf(400, 401, 403, 409)

/** The machine. One call of [handle] at a time; the actions are to be carried out in their order. */
internal class Core(private val options: CoreOptions, private val random: () -> Double, token: String? = null) {
    /** Which client this is, once it is known. */
    var clientId: String? = options.clientId
        private set

    /** Up to where everything was delivered or reported. */
    var position: Offset? = null
        private set

    /** How the hub is. */
    var mode: Mode = Mode.NORMAL
        private set

    private val codec = options.form.codec
    private val desk = Desk(Limits(options.maxPending, options.maxPendingBytes), random)
    private val places = Rooms()
    private val reconnect = Reconnect(random)
    private val credentials = Credentials(options.token).also { if (token != null) it.renew(token) }
    private val refs = AtomicLong()
    private var actions = mutableListOf<Action>()
    private var now = Duration.ZERO
    private var phase = Phase.IDLE
    private var told = State.IDLE

    /** When the phase ends by itself. */
    private var due = Duration.INFINITE

    /** What the timer was set to; `null` when it went off. */
    private var timerAt: Duration? = Duration.INFINITE
    private var graceUntil = Duration.ZERO
    private var pulse: Pulse? = null
    private var tokenId = 0
    private var tokenAt = Duration.INFINITE
    private var failures = 0
    private var url = (random() * options.urls.size).toInt()
    private var welcomedAt: Duration? = null
    private var resuming = false
    private var epoch: String? = null
    private var maxMessage = Long.MAX_VALUE

    /** Where the connection stands. */
    val state: State get() = if (phase == Phase.OPEN && reconnect.slot != null) State.DRAINING else phase.state

    /** When the next attempt begins, while it waits for that. */
    val nextAt: Duration? get() = due.takeIf { phase == Phase.WAITING }

    /** The rooms this connection is in. */
    val rooms: List<String> get() = places.inside

    /** A tag that no other request of this client has. From any thread. */
    fun nextRef(): String = refs.incrementAndGet().toString(Character.MAX_RADIX)

    /** One event, at this time since a fixed point, which never goes back. */
    fun handle(event: CoreEvent, now: Duration): List<Action> {
        this.now = now
        actions = mutableListOf()
        take(event)
        flush()
        if (state != told) {
            told = state
            emit(StateEvent(told))
        }
        val paused = reconnect.pausedUntil
        val isPaused = paused > now
        val next =
            minOf(
                minOf(due, tokenAt, pulse?.due(paused) ?: Duration.INFINITE),
                desk.due(now, state == State.OPEN && !isPaused),
                if (isPaused) paused else Duration.INFINITE,
            )
        val at = maxOf(next, graceUntil)
        if (at != timerAt) {
            timerAt = at
            actions += Action.Timer(at)
        }
        return actions
    }

    private fun take(event: CoreEvent) {
        when (event) {
            CoreEvent.Start -> {
                if (phase == Phase.IDLE || phase == Phase.CLOSED) {
                    reconnect.anew()
                    begin()
                }
            }

            CoreEvent.Stop -> {
                if (phase == Phase.OPEN || phase == Phase.OPENING) actions += Action.Disconnect(1000)
                end(1000, "closed by the application")
            }

            is CoreEvent.Token -> if (event.id == tokenId) gotToken(event.token)

            is CoreEvent.NoToken -> if (event.id == tokenId) gotNoToken()

            is CoreEvent.Received -> receive(event.frame)

            is CoreEvent.Closed -> down(event.code, event.reason, event.status, event.retryAfter)

            CoreEvent.Unusable -> end(0, "no connection can be made to this address")

            CoreEvent.Tick -> tick()

            CoreEvent.Wake -> {
                if (phase == Phase.WAITING && now >= due) begin()
                if (pulse?.wake(now, reconnect.pausedUntil) == Beat.PING) ping()
            }

            is CoreEvent.Asked -> asked(event.request)
        }
    }

    private fun begin() {
        due = now + options.connectTimeout
        if (credentials.missing) {
            phase = Phase.TOKEN
            askToken()
        } else {
            open()
        }
    }

    private fun open() {
        val at = position
        val life = epoch
        resuming = at != null && life != null
        val (inHeader, inQuery) = credentials.token.let { if (it != null && fitsHeader(it)) it to null else null to it }
        val parameters =
            listOf(
                "client_id" to clientId,
                "token" to inQuery,
                "ticket" to credentials.takeTicket(now),
                "resume" to if (resuming) "$life:$at" else null,
            )
        phase = Phase.OPENING
        due = now + options.connectTimeout
        actions += Action.Connect(address(options.urls[url], parameters, places.query(at)), inHeader)
    }

    private fun askToken() {
        tokenAt = Duration.INFINITE
        actions += Action.AskToken(++tokenId)
    }

    private fun gotToken(token: String) {
        tokenId++
        credentials.renew(token)
        if (phase == Phase.TOKEN) {
            open()
        } else if (phase == Phase.OPEN && token.isNotEmpty()) {
            own(Envelope(Id.REFRESH, Field.TOKEN to token))
        }
    }

    private fun gotNoToken() {
        tokenId++
        emit(ErrorEvent(GohubError("token", "the token provider failed", retryable = true)))
        if (phase == Phase.TOKEN) {
            again(1006, null)
        } else if (phase == Phase.OPEN) {
            tokenAt = now + TOKEN_PAUSE
        }
    }

    private fun receive(frame: Frame) {
        val envelope =
            try {
                codec.decode(frame)
            } catch (_: UnreadableException) {
                null
            }
        pulse?.heard(envelope, now)
        if (envelope == null) {
            unreadable()
            return
        }
        credentials.heard(envelope, now)
        if (envelope.isAnswer) {
            desk.answer(envelope, now)?.let(::conclude)
        } else if (envelope.isPublication) {
            publication(envelope)
        }
        when (envelope.id) {
            Id.PING -> {
                send(Envelope(Id.PONG, Field.REF to envelope.ref))
                position = later(position, envelope.offset)
            }

            Id.PONG -> position = later(position, envelope.offset)

            Id.WELCOME -> welcome(envelope)

            Id.ERROR -> if (envelope.ref == null) emit(ErrorEvent(refusal(envelope)))

            Id.REFRESH -> if (credentials.source == TokenSource.PROVIDER) askToken()

            Id.JOIN -> envelope.room?.let { putInto(it, envelope.offset) }

            Id.LEAVE -> envelope.room?.let { left(it, "the back end has taken this connection out of it") }

            Id.DRAIN -> drain(envelope)

            Id.GAP -> gap(envelope)

            Id.MODE -> setMode(envelope)

            Id.RETRY -> {
                val after = envelope.duration(Field.AFTER_MS) ?: Duration.ZERO
                reconnect.retry(after, now)
                emit(RetryEvent(after, envelope.reason))
            }
        }
    }

    private fun unreadable() = emit(ErrorEvent(GohubError("bad_message", "a message of the hub could not be read")))

    private fun publication(envelope: Envelope) {
        position = later(position, envelope.offset)
        val event = if (envelope.id == Id.PRESENCE) presenceOf(envelope) else messageOf(envelope)
        if (event == null) unreadable() else emit(event)
    }

    private fun drain(envelope: Envelope) {
        val closeIn = envelope.duration(Field.CLOSE_IN_MS) ?: Duration.ZERO
        val slot = envelope.duration(Field.RECONNECT_IN_MS) ?: Duration.ZERO
        reconnect.slot = slot
        due = now + closeIn + DRAIN_SLACK
        emit(DrainEvent(closeIn, slot, envelope.reason))
    }

    private fun gap(envelope: Envelope) {
        val gap = gapOf(envelope)
        // With an offset some of what it spans follows.
        if (gap.room == null) position = later(position, envelope.offset ?: gap.to)
        emit(gap)
    }

    /** The back end put this connection into a room: it is kept like one that the application asked for. */
    private fun putInto(room: String, offset: Offset?) {
        if (room !in places && places.size >= options.maxRooms) {
            emit(ErrorEvent(GohubError("too_many_rooms", "the hub put this client into more rooms than maxRooms")))
            return
        }
        places.want(room)
        places.entered(room)
        emit(JoinedEvent(room, offset))
    }

    private fun welcome(envelope: Envelope) {
        val first = phase == Phase.OPENING
        if (!first && phase != Phase.OPEN) return
        val life = envelope.text(Field.EPOCH)
        if (epoch != life) {
            position = null
            places.forget()
        }
        epoch = life
        position = later(position, envelope.offset)
        clientId = envelope.text(Field.CLIENT_ID) ?: clientId
        maxMessage = envelope.integer(Field.MAX_MESSAGE) ?: Long.MAX_VALUE
        pulse = Pulse(envelope, now)
        if (first) {
            phase = Phase.OPEN
            due = Duration.INFINITE
            welcomedAt = now
            failures = 0
            credentials.used()
            // One that the hub left out is asked for: the answer says why.
            for ((room, since) in places.welcomed(envelope.texts(Field.ROOMS).orEmpty())) if (!desk.has(Id.JOIN, room)) join(room, since)
        }
        emit(welcomeOf(envelope, resumed = !first || resuming))
        setMode(envelope)
    }

    private fun join(room: String, since: Offset?, missed: Offset? = null) =
        own(Envelope(Id.JOIN, Field.ROOM to room, Field.FROM_OFFSET to since?.toString()), since, missed)

    /** A request that nobody but this machine waits for. */
    private fun own(envelope: Envelope, since: Offset? = null, missed: Offset? = null) {
        val ref = nextRef()
        val frame = codec.encode(envelope + (Field.REF to ref))
        val token = envelope.text(Field.TOKEN)
        desk.add(Request(ref, envelope.id, envelope.room, frame, Duration.INFINITE, true, own = true, token, since, missed))
    }

    private fun asked(request: Request) {
        val room = request.room
        val error =
            when {
                phase == Phase.CLOSED -> {
                    GohubError("closed", "the client is closed")
                }

                request.id == Id.JOIN && room != null && room !in places && places.size >= options.maxRooms -> {
                    GohubError("too_many_rooms", "more rooms than maxRooms")
                }

                else -> desk.add(request)
            }
        when {
            error != null -> actions += Action.Settle(Outcome(request, null, error))
            room != null && request.id == Id.JOIN -> places.want(room)
            room != null && request.id == Id.LEAVE -> places.drop(room)
        }
    }

    /** The hub answered for good: what follows from that. */
    private fun conclude(outcome: Outcome) {
        val request = outcome.request
        if (request.id == Id.JOIN && request.room != null) joined(request, request.room, outcome)
        if (request.id == Id.REFRESH) {
            if (outcome.error == null) {
                if (!request.own && request.token != null) credentials.renew(request.token)
                for (room in leftOf(outcome.answer?.data)) left(room, "the new token does not let the client be in it")
            } else if (request.own) {
                credentials.spoil()
                emit(ErrorEvent(outcome.error))
            }
        }
        if (!request.own) actions += Action.Settle(outcome)
    }

    private fun joined(request: Request, room: String, outcome: Outcome) {
        val error = outcome.error
        when {
            error == null -> {
                places.entered(room)
                if (request.missed != null) {
                    emit(GapEvent(request.missed, outcome.answer?.offset, null, room, GapReason.UNSPECIFIED))
                }
            }

            // It may be in the room and not ask for what was said there: then it is in it, with a gap.
            request.own && request.since != null -> {
                join(room, null, request.since)
            }

            !error.retryable && room !in places.inside -> if (request.own) left(room, error.message.orEmpty()) else places.drop(room)
        }
    }

    private fun left(room: String, reason: String) {
        if (places.drop(room)) emit(LeftEvent(room, reason))
    }

    private fun tick() {
        if (phase == Phase.WAITING && now >= due) begin()
        val late = timerAt.let { it != null && it.isFinite() && now - it > LATE }
        // It went off: whatever is due next needs a new one.
        timerAt = null
        if (late && graceUntil == Duration.ZERO) {
            graceUntil = now + GRACE
            return
        }
        graceUntil = Duration.ZERO
        settle(desk.expired(now))
        if (now >= tokenAt) askToken()
        if (now >= due) {
            when (phase) {
                Phase.TOKEN -> gotNoToken()
                Phase.OPENING -> cut(1006, "no welcome in time")
                Phase.OPEN -> cut(1012, "the drained hub did not close")
                else -> {}
            }
        }
        when (pulse?.beat(now, reconnect.pausedUntil)) {
            Beat.PING -> ping()
            Beat.DEAD -> cut(4000, "the hub does not answer")
            null -> {}
        }
    }

    private fun ping() = send(Envelope(Id.PING, Field.REF to nextRef()))

    /** Leaves the socket behind without waiting for its end: a dead one takes minutes to say so. */
    private fun cut(code: Int, reason: String) {
        actions += Action.Disconnect(code)
        down(code, reason, null, null)
    }

    private fun down(code: Int, reason: String, status: Int?, retryAfter: Duration?) {
        if (phase != Phase.OPEN && phase != Phase.OPENING) return
        places.lost(position)
        settle(desk.lost(code == 1009))
        val denied = status in REFUSED && !(status == 401 && credentials.stale())
        // Without another token there is nothing to come back with.
        val spent = code == 4004 && !credentials.spoil()
        if (denied || spent || stops(code)) end(status ?: code, reason) else again(code, retryAfter)
    }

    private fun again(code: Int, retryAfter: Duration?) {
        val lived = welcomedAt?.let { now - it }
        if (lived == null) {
            failures++
            if (failures == TROUBLE) emit(TroubleEvent(failures))
            // Nobody says why: it may be the token.
            if (failures > 1) credentials.spoil()
        }
        rest(Phase.WAITING)
        due = now + reconnect.wait(code, lived ?: Duration.ZERO, retryAfter, now)
        // Another hub than this one, any other: those of one hub are not to meet again on the next.
        val count = options.urls.size
        if (count > 1) url = (url + 1 + (random() * (count - 1)).toInt()) % count
    }

    private fun end(code: Int, reason: String) {
        if (phase == Phase.CLOSED) return
        places.lost(position)
        rest(Phase.CLOSED)
        reconnect.slot = null
        credentials.spoil()
        settle(desk.clear(GohubError("closed", "the client is closed: $reason")))
        emit(ClosedEvent(code, reason))
    }

    /** There is no connection any more. */
    private fun rest(next: Phase) {
        phase = next
        due = Duration.INFINITE
        tokenAt = Duration.INFINITE
        tokenId++
        pulse = null
        welcomedAt = null
        desk.clearOwn()
    }

    private fun flush() {
        if (state != State.OPEN || reconnect.pausedUntil > now) return
        val refused = mutableListOf<Outcome>()
        for (request in desk.next(now, maxMessage, refused)) actions += Action.Send(request.frame)
        settle(refused)
    }

    private fun settle(outcomes: List<Outcome>) {
        for (outcome in outcomes) if (!outcome.request.own) actions += Action.Settle(outcome)
    }

    private fun setMode(envelope: Envelope) {
        val mode = envelope.mode ?: return
        if (mode == this.mode) return
        this.mode = mode
        emit(ModeEvent(mode, envelope.reason))
    }

    private fun send(envelope: Envelope) {
        actions += Action.Send(codec.encode(envelope))
    }

    private fun emit(event: ClientEvent) {
        actions += Action.Emit(event)
    }
}
