//! The steps of a drain, as this hub does them.

use std::time::Duration;

use super::Inner;
use crate::bus::MessageBus;
use crate::drain::{Drainable, Pace};
use crate::shard::Command;

/// How often an ending hub looks whether all are gone.
const LOOK: Duration = Duration::from_millis(20);

impl Drainable for Inner {
    async fn stop_accepting(&self) {
        self.admission.set_accepting(false);
        let tasks = self.listening().tasks.clone();
        if let Err(late) = tasks.stop(Duration::from_secs(1)).await {
            tracing::warn!(%late, "listener did not stop in time");
        }
    }

    async fn close_connections(&self, pace: Pace) {
        let part = pace.split(self.shards.len());
        self.shards.tell(|| Command::Drain { pace: part, reason: "shutdown".to_owned() });
        while self.metrics.connections() > 0 {
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn cut_connections(&self) -> Vec<String> {
        let late = self.shards.clients().await;
        self.shards.stop();
        late.into_iter().map(|row| format!("{} ({})", row.client, row.connection)).collect()
    }

    async fn close_bus(&self) {
        self.bus.close().await;
        if let Some(cluster) = self.census.cluster.swap(None) {
            cluster.close().await;
        }
    }

    async fn close_admin(&self) {
        if let Some((_, tasks)) = self.admin.get()
            && let Err(late) = tasks.stop(Duration::from_secs(1)).await
        {
            tracing::warn!(%late, "admin listener did not stop in time");
        }
    }
}
