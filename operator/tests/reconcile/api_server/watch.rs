//! Watches: what happened since a version, and then what happens, until they are cut.

use futures::Stream;
use serde_json::{Value, json};

use super::ApiServer;
use super::objects::is_inside;

pub(super) fn stream(server: ApiServer, collection: String, from: u64) -> impl Stream<Item = Value> + Send {
    let epoch = server.with(|state| state.watch_epoch);
    futures::stream::unfold((server, collection, from), move |(server, collection, from)| async move {
        loop {
            let changed = std::sync::Arc::clone(&server.changed);
            let notified = changed.notified();
            // Not `with`, which would wake this very watch.
            let next = {
                let state = server.state.lock().unwrap();
                if state.watch_epoch != epoch {
                    return None;
                }
                let mut later = state.objects.history.iter().filter(|(version, ..)| *version > from);
                later.find(|(_, _, path, _)| is_inside(path, &collection)).cloned()
            };
            match next {
                Some((version, kind, _, object)) => {
                    let event = json!({ "type": kind, "object": object });
                    return Some((event, (server, collection, version)));
                }
                None => notified.await,
            }
        }
    })
}
