/** The screen: what [ChatViewModel] holds, and nothing else. */
package gohub.sample

import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.fillMaxSize
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.imePadding
import androidx.compose.foundation.layout.navigationBarsPadding
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.layout.statusBarsPadding
import androidx.compose.foundation.lazy.LazyColumn
import androidx.compose.foundation.lazy.items
import androidx.compose.foundation.lazy.rememberLazyListState
import androidx.compose.foundation.text.KeyboardActions
import androidx.compose.foundation.text.KeyboardOptions
import androidx.compose.material3.Button
import androidx.compose.material3.Card
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.OutlinedTextField
import androidx.compose.material3.Scaffold
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.runtime.LaunchedEffect
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.saveable.rememberSaveable
import androidx.compose.runtime.setValue
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.res.stringResource
import androidx.compose.ui.text.input.ImeAction
import androidx.compose.ui.unit.dp
import gohub.client.State

/** The chat. */
@Composable
fun ChatScreen(
    chat: Chat,
    state: State,
    say: (String) -> Unit,
) {
    Scaffold(
        topBar = { Status(state, chat.people) },
        bottomBar = { Entry(chat.failure, say) },
    ) { padding -> Lines(chat.lines, Modifier.padding(padding)) }
}

@Composable
private fun Status(
    state: State,
    people: Long,
) {
    Row(
        Modifier.fillMaxWidth().statusBarsPadding().padding(16.dp),
        horizontalArrangement = Arrangement.SpaceBetween,
    ) {
        // The word, and not a colour alone.
        Text(state.name.lowercase(), style = MaterialTheme.typography.titleMedium)
        Text(stringResource(R.string.people, people))
    }
}

@Composable
private fun Lines(
    lines: List<Line>,
    modifier: Modifier,
) {
    val list = rememberLazyListState()
    LaunchedEffect(lines.size) { if (lines.isNotEmpty()) list.animateScrollToItem(lines.lastIndex) }
    LazyColumn(
        modifier.fillMaxSize().padding(horizontal = 16.dp),
        state = list,
        verticalArrangement = Arrangement.spacedBy(8.dp),
    ) {
        items(lines) { line ->
            when (line) {
                is Line.Missing -> Text(stringResource(R.string.missing), color = MaterialTheme.colorScheme.error)
                is Line.Said ->
                    Column(
                        Modifier.fillMaxWidth(),
                        horizontalAlignment = if (line.mine) Alignment.End else Alignment.Start,
                    ) {
                        Text(line.from, style = MaterialTheme.typography.labelSmall)
                        Card { Text(line.text, Modifier.padding(12.dp)) }
                    }
            }
        }
    }
}

@Composable
private fun Entry(
    failure: String?,
    say: (String) -> Unit,
) {
    var text by rememberSaveable { mutableStateOf("") }
    val send = {
        if (text.isNotBlank()) say(text.trim())
        text = ""
    }
    Column(Modifier.fillMaxWidth().navigationBarsPadding().imePadding().padding(16.dp)) {
        if (failure != null) {
            Text(stringResource(R.string.not_sent, failure), color = MaterialTheme.colorScheme.error)
        }
        Row(
            horizontalArrangement = Arrangement.spacedBy(8.dp),
            verticalAlignment = Alignment.CenterVertically,
        ) {
            OutlinedTextField(
                value = text,
                onValueChange = { text = it },
                label = { Text(stringResource(R.string.message)) },
                modifier = Modifier.weight(1f),
                keyboardOptions = KeyboardOptions(imeAction = ImeAction.Send),
                keyboardActions = KeyboardActions(onSend = { send() }),
            )
            Button(onClick = send, enabled = text.isNotBlank()) { Text(stringResource(R.string.send)) }
        }
    }
}
