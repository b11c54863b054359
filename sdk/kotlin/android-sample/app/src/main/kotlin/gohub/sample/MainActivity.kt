/** The one activity. */
package gohub.sample

import android.os.Bundle
import androidx.activity.ComponentActivity
import androidx.activity.compose.setContent
import androidx.activity.enableEdgeToEdge
import androidx.activity.viewModels
import androidx.compose.material3.MaterialTheme
import androidx.compose.runtime.getValue
import androidx.lifecycle.compose.collectAsStateWithLifecycle

/** Shows the chat. */
class MainActivity : ComponentActivity() {
    private val model: ChatViewModel by viewModels()

    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        enableEdgeToEdge()
        setContent {
            val chat by model.chat.collectAsStateWithLifecycle()
            val state by model.state.collectAsStateWithLifecycle()
            MaterialTheme { ChatScreen(chat, state, model::say) }
        }
    }

    override fun onStart() {
        super.onStart()
        model.wake()
    }
}
