/* Real hubs and a real etcd for the tests, each a process of its own on free ports, and what waits for them. */
package gohub.client

import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.delay
import kotlinx.coroutines.runInterruptible
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import java.io.File
import java.io.IOException
import java.net.InetAddress
import java.net.ServerSocket
import java.net.URI
import java.net.http.HttpClient
import java.net.http.HttpRequest
import java.net.http.HttpResponse
import java.nio.file.Files
import java.util.concurrent.ConcurrentHashMap
import java.util.concurrent.TimeUnit
import kotlin.time.Duration
import kotlin.time.Duration.Companion.seconds
import kotlin.time.TimeSource

/** Nothing here takes longer on a machine that has other work, too. */
val PATIENCE: Duration = 60.seconds

/** A key of the admin API. */
private const val KEY = "a-key-for-the-sdk-tests"

/** Waits until [condition] gives something, and gives that; fails with [what] when it does not in time. */
suspend fun <T : Any> found(what: String, patience: Duration = PATIENCE, condition: suspend () -> T?): T {
    val end = TimeSource.Monotonic.markNow() + patience
    while (true) {
        condition()?.let { return it }
        if (end.hasPassedNow()) throw AssertionError("in vain: $what")
        delay(10)
    }
}

/** Waits until [condition] holds. */
suspend fun until(what: String, patience: Duration = PATIENCE, condition: suspend () -> Boolean) {
    found(what, patience) { if (condition()) Unit else null }
}

/** Ports nobody listens on, all different. */
private fun freePorts(count: Int): List<Int> {
    val sockets = List(count) { ServerSocket(0, 1, InetAddress.getLoopbackAddress()) }
    return sockets.map { it.localPort }.also { sockets.forEach(ServerSocket::close) }
}

private val folder: File = Files.createTempDirectory("gohub-sdk-").toFile()
private val log = System.getenv("SDK_TEST_LOG")?.let(::File) ?: File(folder, "log")
private val running = ConcurrentHashMap.newKeySet<Process>()
private val http = HttpClient.newHttpClient()

private object Cleanup {
    init {
        Runtime.getRuntime().addShutdownHook(
            Thread {
                running.forEach(Process::destroyForcibly)
                folder.deleteRecursively()
            },
        )
    }

    fun start(vararg command: String): Process {
        val builder = ProcessBuilder(*command).redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.appendTo(log))
        // A hub takes every GOHUB_ variable for a setting.
        builder.environment().keys.removeIf { it.startsWith("GOHUB_") }
        return builder.start().also { process ->
            running += process
            process.onExit().thenAccept { running -= it }
        }
    }
}

private fun program(variable: String): String =
    requireNotNull(System.getenv(variable)) { "$variable is not set: run test.sh, or make sdk-test" }

private fun signal(process: Process, name: String) {
    if (name == "KILL") {
        process.destroyForcibly()
        process.waitFor(PATIENCE.inWholeSeconds, TimeUnit.SECONDS)
    } else {
        ProcessBuilder("kill", "-$name", process.pid().toString()).start().waitFor()
    }
}

private fun answers(url: String): Boolean = try {
    http.send(HttpRequest.newBuilder(URI(url)).build(), HttpResponse.BodyHandlers.discarding()).statusCode() == 200
} catch (_: IOException) {
    false
}

private fun parsed(json: String) = Json.parseToJsonElement(json).jsonObject

/** A hub. Settings are JSON by section, as in config/config.yaml. */
class Hub private constructor(private val port: Int, private val admin: Int, private val file: File, private var settings: JsonObject) {
    private var process: Process? = null

    /** Where clients connect. */
    val url: String get() = "ws://127.0.0.1:$port/ws"

    /** Starts the process, again after a kill. */
    suspend fun restart() {
        configure(settings)
        val process = Cleanup.start(program("HUB_PROGRAM"), "--config", file.path)
        this.process = process
        until("the hub is ready") {
            check(process.isAlive) { "the hub ended:\n${log.readText().takeLast(2_000)}" }
            runInterruptible { answers("http://127.0.0.1:$admin/readyz") }
        }
    }

    private fun configure(settings: JsonObject) {
        this.settings = settings
        val own =
            parsed(
                """{"server":{"addr":"127.0.0.1:$port","shards":1},"admin":{"addr":"127.0.0.1:$admin","api_keys":["$KEY"]},
                "drain":{"settle":"0s","deadline":"10s","reconnect_spread":"500ms"},"reload":{"interval":"100ms"}}""",
            )
        val merged = (own.keys + settings.keys).associateWith { section ->
            JsonObject(own[section]?.jsonObject.orEmpty() + settings[section]?.jsonObject.orEmpty())
        }
        // JSON is YAML.
        file.writeText(JsonObject(merged).toString())
    }

    /** A call of the admin API; `null` when nobody answers it. */
    suspend fun call(method: String, path: String): JsonElement? = runInterruptible {
        val request =
            HttpRequest
                .newBuilder(URI("http://127.0.0.1:$admin/api/v1/$path"))
                .header("Authorization", "Bearer $KEY")
                .method(method, HttpRequest.BodyPublishers.noBody())
                .build()
        try {
            val response = http.send(request, HttpResponse.BodyHandlers.ofString())
            check(response.statusCode() < 300) { "$method $path: ${response.statusCode()} ${response.body()}" }
            Json.parseToJsonElement(response.body().ifEmpty { "{}" })
        } catch (_: IOException) {
            null
        }
    }

    /** Sends the process a signal; `KILL` waits for its end. */
    fun signal(name: String) = signal(requireNotNull(process), name)

    /** Ends it at once. */
    fun stop() = signal("KILL")

    companion object {
        private var count = 0

        /** A hub that is ready. */
        suspend fun start(settings: String = "{}", more: String = "{}"): Hub {
            val (port, admin) = freePorts(2)
            val file = File(folder, "hub-${synchronized(this) { count++ }}.yaml")
            return Hub(port, admin, file, JsonObject(parsed(settings) + parsed(more))).also { it.restart() }
        }
    }
}

/** An etcd of one member. */
class Etcd private constructor(private val url: String, private val process: Process) {
    /** Hubs over this etcd that know each other. */
    suspend fun hubs(count: Int, settings: String = "{}"): List<Hub> = coroutineScope {
        val hubs =
            freePorts(count)
                .mapIndexed { index, port ->
                    val cluster =
                        """{"cluster":{"enabled":true,"node":"hub-$index","grpc_addr":"127.0.0.1:$port",
                            "advertise":"127.0.0.1:$port","etcd":{"endpoints":["$url"],"lease_ttl":"2s"}}}"""
                    async { Hub.start(settings, cluster) }
                }.awaitAll()
        for (hub in hubs) {
            until("the hubs know each other") {
                hub.call("GET", "nodes")?.jsonObject?.get("items")?.jsonArray?.size == count
            }
        }
        hubs
    }

    /** Sends the process a signal. */
    fun signal(name: String) = signal(process, name)

    /** Ends it at once. */
    fun stop() = signal("KILL")

    companion object {
        /** An etcd that answers. */
        suspend fun start(): Etcd {
            val (client, peer) = freePorts(2)
            val url = "http://127.0.0.1:$client"
            val peers = "http://127.0.0.1:$peer"
            val data = Files.createTempDirectory(folder.toPath(), "etcd-").toString()
            val process =
                Cleanup.start(
                    *arrayOf(program("ETCD_PROGRAM"), "--name", "one", "--data-dir", data, "--log-level", "error"),
                    *arrayOf("--unsafe-no-fsync", "--listen-client-urls", url, "--advertise-client-urls", url),
                    *arrayOf("--listen-peer-urls", peers, "--initial-advertise-peer-urls", peers),
                    *arrayOf("--initial-cluster", "one=$peers"),
                )
            until("etcd is healthy") { runInterruptible { answers("$url/health") } }
            return Etcd(url, process)
        }
    }
}
