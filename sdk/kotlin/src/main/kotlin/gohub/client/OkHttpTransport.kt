/* WebSockets of OkHttp. Addresses and headers hold secrets: none is ever shown. */
package gohub.client

import okhttp3.Dispatcher
import okhttp3.OkHttpClient
import okhttp3.Request
import okhttp3.Response
import okhttp3.WebSocket
import okhttp3.WebSocketListener
import okio.ByteString
import okio.ByteString.Companion.toByteString
import java.util.concurrent.atomic.AtomicBoolean
import kotlin.time.Duration
import kotlin.time.Duration.Companion.seconds

private const val NORMAL = 1000
private const val ABNORMAL = 1006
private const val UPGRADED = 101

/** Codes that a program may send, besides [NORMAL]. */
private val SENDABLE = 3000..4999

/** Opens the sockets of one client. */
internal class OkHttpTransport(okHttp: OkHttpClient?) : Transport {
    private val okHttp = socketsOf(okHttp ?: shared)

    override fun open(connect: Action.Connect, subprotocol: String, ear: Ear): Socket {
        val request = Request.Builder().url(connect.url).header("Sec-WebSocket-Protocol", subprotocol)
        if (connect.token != null) request.header("Authorization", "Bearer ${connect.token}")
        val link = Link(ear, subprotocol)
        return Opened(okHttp.newWebSocket(request.build(), link), link)
    }

    private companion object {
        /** One for all clients that bring none: they share its threads. */
        val shared: OkHttpClient by lazy { OkHttpClient() }

        fun socketsOf(okHttp: OkHttpClient): OkHttpClient {
            // Every socket is a running call, of which a dispatcher allows 64: each client has its own, on the same threads.
            val dispatcher = Dispatcher(okHttp.dispatcher.executorService)
            // A redirect would carry token and ticket to another host. Heartbeat and time for a handshake are this library's own.
            return okHttp
                .newBuilder()
                .dispatcher(dispatcher)
                .followRedirects(false)
                .pingInterval(Duration.ZERO)
                .connectTimeout(Duration.ZERO)
                .readTimeout(Duration.ZERO)
                .build()
        }
    }
}

/** A socket as the client holds it. */
private class Opened(private val socket: WebSocket, private val link: Link) : Socket {
    override fun send(frame: Frame) {
        // What it does not take is lost with the connection, which is then at its end.
        when (frame) {
            is Frame.Text -> socket.send(frame.text)
            is Frame.Binary -> socket.send(frame.bytes.toByteString())
        }
    }

    override fun drop(code: Int) {
        val open = link.leave()
        if (!open || (code != NORMAL && code !in SENDABLE) || !socket.close(code, null)) socket.cancel()
    }
}

/** Hears OkHttp, on its threads, and tells the end once. */
private class Link(private val ear: Ear, private val subprotocol: String) : WebSocketListener() {
    private val over = AtomicBoolean()

    @Volatile private var isOpen = false

    /** Nothing is told any more; whether there was a connection. */
    fun leave(): Boolean {
        over.set(true)
        return isOpen
    }

    override fun onOpen(webSocket: WebSocket, response: Response) {
        isOpen = true
        if (response.header("Sec-WebSocket-Protocol") != subprotocol) {
            webSocket.cancel()
            end(CoreEvent.Closed(ABNORMAL, "the hub did not take the subprotocol $subprotocol"))
        }
    }

    override fun onMessage(webSocket: WebSocket, text: String) = heard(Frame.Text(text))

    override fun onMessage(webSocket: WebSocket, bytes: ByteString) = heard(Frame.Binary(bytes.toByteArray()))

    override fun onClosing(webSocket: WebSocket, code: Int, reason: String) {
        webSocket.close(NORMAL, null)
        end(CoreEvent.Closed(code, reason))
    }

    override fun onFailure(webSocket: WebSocket, t: Throwable, response: Response?) {
        val status = response?.code?.takeIf { it != UPGRADED }
        val retryAfter =
            response
                ?.header("Retry-After")
                ?.toLongOrNull()
                ?.takeIf { it > 0 }
                ?.seconds
        // The exception's own words hold the host at least: they stay here.
        val reason = if (status == null) "the connection failed: ${t.javaClass.simpleName}" else "the hub answered $status"
        end(CoreEvent.Closed(ABNORMAL, reason, status, retryAfter))
    }

    private fun heard(frame: Frame) {
        if (!over.get()) ear.heard(frame)
    }

    private fun end(end: CoreEvent.Closed) {
        if (!over.getAndSet(true)) ear.ended(end)
    }
}
