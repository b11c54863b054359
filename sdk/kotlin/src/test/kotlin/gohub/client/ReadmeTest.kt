/* The README: its example is the one that is compiled here, and runs against a hub; what is published asks for what it says. */
package gohub.client

import gohub.client.example.example
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.Timeout
import java.io.ByteArrayOutputStream
import java.io.File
import java.io.PrintStream

@Timeout(120)
class ReadmeTest {
    @Test
    fun `the example of the README is the one that is compiled, and says where everybody gets it`() = runBlocking<Unit> {
        val readme = File("README.md").readText()
        val shown = requireNotNull(Regex("```kotlin\n(.*?)```", RegexOption.DOT_MATCHES_ALL).find(readme)).groupValues[1]
        val compiled = File("src/test/kotlin/gohub/client/ReadmeExample.kt").readText()
        assertEquals(compiled.substring(compiled.indexOf("import ")).trim(), shown.trim())
        val hub = Hub.start()
        val before = System.out
        val out = ByteArrayOutputStream()
        System.setOut(PrintStream(out, true))
        try {
            example(hub.url)
        } finally {
            System.setOut(before)
        }
        assertTrue(Regex("everybody gets it, at \\d+-\\d+").containsMatchIn(out.toString()), out.toString())
        hub.stop()
    }

    @Test
    fun `every option of ClientOptions is in the README`() {
        val readme = File("README.md").readText()
        val options = ClientOptions::class.java.declaredFields.map { it.name }.filter { "$" !in it }
        assertEquals(emptyList<String>(), options.filter { "`$it`" !in readme })
    }
}
