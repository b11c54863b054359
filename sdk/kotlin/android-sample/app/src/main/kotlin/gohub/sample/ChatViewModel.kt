/** What the screen shows, and the client behind it: it lives as long as the screen is on the stack, turned or not. */
package gohub.sample

import android.app.Application
import android.net.ConnectivityManager
import android.net.Network
import android.os.SystemClock
import androidx.lifecycle.AndroidViewModel
import androidx.lifecycle.viewModelScope
import gohub.client.Client
import gohub.client.ClientEvent
import gohub.client.ClientOptions
import gohub.client.Data
import gohub.client.GapEvent
import gohub.client.GohubError
import gohub.client.Message
import gohub.client.Offset
import gohub.client.PresenceEvent
import gohub.client.State
import gohub.client.WelcomeEvent
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.flow.update
import kotlinx.coroutines.launch

private const val HUB = "ws://10.0.2.2:8080/ws"
private const val ROOM = "lobby"

/** So many lines are shown; older ones are in the room's history. */
private const val MOST_LINES = 500

/** A line of the chat. */
sealed interface Line {
    /** Somebody said something. */
    data class Said(
        val offset: Offset,
        val from: String,
        val text: String,
        val mine: Boolean,
    ) : Line

    /** Something is missing here. */
    data class Missing(
        val number: Int,
    ) : Line
}

/** Everything the screen shows. */
data class Chat(
    val lines: List<Line> = emptyList(),
    val people: Long = 0,
    val failure: String? = null,
)

/** The chat of one room. */
class ChatViewModel(
    application: Application,
) : AndroidViewModel(application) {
    // A clock that runs while the phone sleeps.
    private val client = Client(ClientOptions(HUB, clock = SystemClock::elapsedRealtime))
    private val connectivity = application.getSystemService(ConnectivityManager::class.java)
    private val chats = MutableStateFlow(Chat())
    private var gaps = 0

    /** What there is to see. */
    val chat: StateFlow<Chat> = chats.asStateFlow()

    /** Where the connection stands. */
    val state: StateFlow<State> = client.state

    private val network =
        object : ConnectivityManager.NetworkCallback() {
            override fun onAvailable(network: Network) = client.wake()
        }

    init {
        connectivity.registerDefaultNetworkCallback(network)
        viewModelScope.launch(start = CoroutineStart.UNDISPATCHED) { client.events.collect(::show) }
        viewModelScope.launch {
            try {
                client.connect()
                client.join(ROOM)
                load()
            } catch (error: GohubError) {
                chats.update { it.copy(failure = error.code) }
            }
        }
    }

    /** The screen is visible again: whether the connection lives is found out now, not at the next heartbeat. */
    fun wake() = client.wake()

    /** Says something. Without a connection it waits for the next one, for as long as a request may take. */
    fun say(text: String) {
        viewModelScope.launch(start = CoroutineStart.UNDISPATCHED) {
            val failure =
                try {
                    client.publish(ROOM, Data.of(text))
                    null
                } catch (error: GohubError) {
                    error.code
                }
            chats.update { it.copy(failure = failure) }
        }
    }

    override fun onCleared() {
        connectivity.unregisterNetworkCallback(network)
        client.close()
    }

    private suspend fun show(event: ClientEvent) {
        when (event) {
            is Message -> if (event.room == ROOM) add(listOf(event))
            is GapEvent -> {
                chats.update { it.copy(lines = (it.lines + Line.Missing(gaps++)).takeLast(MOST_LINES)) }
                viewModelScope.launch { showingFailure { load() } }
            }
            is PresenceEvent, is WelcomeEvent -> viewModelScope.launch { showingFailure { count() } }
            else -> {}
        }
    }

    /** What was said in the room before, and what a gap left out as far as it is kept. */
    private suspend fun load() {
        add(client.history(ROOM, limit = 50).messages)
        count()
    }

    private suspend fun count() {
        val people = client.presence(ROOM, limit = 1).total
        chats.update { it.copy(people = people) }
    }

    private fun add(messages: List<Message>) =
        chats.update { chat ->
            val known = chat.lines.filterIsInstance<Line.Said>().mapTo(HashSet()) { it.offset }
            val more =
                messages.mapNotNull { message ->
                    val text = message.data?.text
                    // A history holds who came and went as well, and another app of the room may say more than texts.
                    if (text == null || message.offset in known) return@mapNotNull null
                    Line.Said(message.offset, message.from.orEmpty(), text, message.from == client.clientId)
                }
            chat.copy(lines = inOrder(chat.lines, more).takeLast(MOST_LINES))
        }

    /** Late ones, out of a history, go where they belong. */
    private fun inOrder(
        lines: List<Line>,
        more: List<Line.Said>,
    ): List<Line> {
        val sorted = lines.toMutableList()
        for (line in more) {
            val at = sorted.indexOfLast { it is Line.Said && it.offset < line.offset }
            val isNewest = sorted.none { it is Line.Said && it.offset > line.offset }
            sorted.add(if (isNewest) sorted.size else at + 1, line)
        }
        return sorted
    }

    private suspend fun showingFailure(block: suspend () -> Unit) {
        try {
            block()
        } catch (error: GohubError) {
            chats.update { it.copy(failure = error.code) }
        }
    }
}
