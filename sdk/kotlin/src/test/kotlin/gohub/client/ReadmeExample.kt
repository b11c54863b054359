/* The example of the README, as it stands there: this compiles it, and [ReadmeTest] runs it. */
package gohub.client.example

import gohub.client.Client
import gohub.client.ClientOptions
import gohub.client.ClosedEvent
import gohub.client.Data
import gohub.client.GapEvent
import gohub.client.Message
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking

fun example(url: String = "ws://127.0.0.1:8080/ws") = runBlocking {
    val client = Client(ClientOptions(url, clientId = "alice"))
    val listening =
        launch {
            client.events.collect { event ->
                when (event) {
                    is Message -> println("${event.from}: ${event.data?.text}")
                    is GapEvent -> println("something is missing: ${event.reason}")
                    is ClosedEvent -> println("not coming back: ${event.code} ${event.reason}")
                    else -> {}
                }
            }
        }
    client.connect()
    client.join("lobby")
    val ack = client.publish("lobby", Data.of("hello"))
    println("everybody gets it, at ${ack.offset}")
    client.close()
    listening.cancel()
}
