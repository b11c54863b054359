/* What an application says about its client, and the defaults. */
package gohub.client

import okhttp3.OkHttpClient
import kotlin.time.Duration
import kotlin.time.Duration.Companion.seconds

/** Gives the token each time one is needed: before a handshake and when the present one ends. */
public fun interface TokenProvider {
    /** The token. What it throws is told as `token`, without its words, and it is asked again later. */
    public suspend fun token(): String
}

/**
 * The options of a client; only [url] is required.
 *
 * @throws IllegalArgumentException when one is out of its bounds.
 */
public class ClientOptions(
    /** The hub, `wss://hub.example.com/ws`; or several, of which it takes another after each failure. */
    public vararg val url: String,
    /** The name this client wants; not needed with a token that names it. Without either the hub makes one up. */
    public val clientId: String? = null,
    /** A token. With one that nobody replaces the client ends when the token does. */
    public val token: String? = null,
    /** Instead of [token]: asked only when there is none, it ended, or it may be to blame for a failure. */
    public val tokenProvider: TokenProvider? = null,
    /** The form on the wire. */
    public val form: Form = Form.JSON,
    /** Time for the token, and then for handshake and welcome. */
    public val connectTimeout: Duration = 15.seconds,
    /** Time for a request from call to answer, time without a connection included. */
    public val requestTimeout: Duration = 10.seconds,
    /** Most requests that wait to be sent or answered; one more fails with `queue_full`. */
    public val maxPending: Int = 1_000,
    /** Most bytes of them. */
    public val maxPendingBytes: Int = 1 shl 20,
    /** Most rooms this client wants to be in; the hub has its own limit. */
    public val maxRooms: Int = 1_000,
    /** Most events that wait for one collector of [Client.events]; what is too many is told it as a gap. */
    public val maxBuffered: Int = 10_000,
    /** The application's own OkHttp client: proxies, certificates, DNS. */
    public val okHttp: OkHttpClient? = null,
    /**
     * Milliseconds since any fixed point, by a clock that runs while the device sleeps: on Android `SystemClock::elapsedRealtime`.
     * The wall clock without its steps back unless given.
     */
    public val clock: () -> Long = Monotonic(System::currentTimeMillis),
) {
    init {
        require(url.isNotEmpty()) { "at least one address" }
        require(token == null || tokenProvider == null) { "a token or a provider of tokens, not both" }
        require(connectTimeout.isPositive() && connectTimeout.isFinite()) { "connectTimeout must be above 0 and finite" }
        require(requestTimeout.isPositive()) { "requestTimeout must be above 0" }
        require(maxPending > 0 && maxPendingBytes > 0 && maxRooms > 0 && maxBuffered > 0) { "limits must be above 0" }
    }
}
