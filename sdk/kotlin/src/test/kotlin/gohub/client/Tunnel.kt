/* A network as phones have it: it stops for a while, or breaks. */
package gohub.client

import okhttp3.OkHttpClient
import java.io.FilterInputStream
import java.io.InputStream
import java.net.InetAddress
import java.net.Socket
import java.net.SocketException
import java.util.concurrent.CopyOnWriteArrayList
import java.util.concurrent.locks.ReentrantLock
import javax.net.SocketFactory
import kotlin.concurrent.withLock

/** Makes sockets that a test can stop reading, and break. */
class Tunnel : SocketFactory() {
    private val lock = ReentrantLock()
    private val change = lock.newCondition()
    private var paused = false
    private val sockets = CopyOnWriteArrayList<Socket>()

    /** An OkHttp client that goes through it. */
    val okHttp: OkHttpClient = OkHttpClient.Builder().socketFactory(this).build()

    /** Nothing arrives any more. */
    fun pause() = lock.withLock { paused = true }

    /** What came meanwhile arrives. */
    fun resume() = lock.withLock {
        paused = false
        change.signalAll()
    }

    /** Every connection breaks, and the next ones are as good as new. */
    fun cut() {
        for (socket in sockets) {
            sockets -= socket
            socket.close()
        }
        resume()
    }

    override fun createSocket(): Socket = object : Socket() {
        override fun getInputStream(): InputStream = Gate(super.getInputStream(), this)
    }.also {
        // What waits is to wait at the hub, not here.
        it.receiveBufferSize = 16_384
        sockets += it
    }

    override fun createSocket(host: String, port: Int): Socket = throw UnsupportedOperationException("OkHttp connects by itself")

    override fun createSocket(host: String, port: Int, local: InetAddress, localPort: Int): Socket = createSocket(host, port)

    override fun createSocket(host: InetAddress, port: Int): Socket = createSocket(host.hostName, port)

    override fun createSocket(host: InetAddress, port: Int, local: InetAddress, localPort: Int): Socket = createSocket(host.hostName, port)

    private inner class Gate(input: InputStream, private val socket: Socket) : FilterInputStream(input) {
        override fun read(buffer: ByteArray, offset: Int, length: Int): Int {
            pass()
            val count = super.read(buffer, offset, length)
            // What was under way when the tunnel began is in it as well.
            pass()
            return count
        }

        private fun pass() = lock.withLock {
            while (paused && !socket.isClosed) change.await()
            if (socket.isClosed) throw SocketException("broken")
        }
    }
}
