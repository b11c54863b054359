//! Vitals: figures that nobody's work produces, looked at once a second.

use std::sync::Arc;
use std::time::Duration;

use super::Inner;
use crate::clock;
use crate::metrics::resident_bytes;

const LOOK: Duration = Duration::from_secs(1);
/// The setting under which a bad certificate is complained of.
pub(super) const CERTIFICATE: &str = "server.tls";

/// A certificate that was renewed in place (cert-manager, a Secret's new version) is used within a second or two.
fn look_at_certificate(hub: &Arc<Inner>) {
    if hub.now().server.tls.is_none() {
        return;
    }
    let looking = Arc::clone(hub);
    hub.tasks.spawn_blocking("certificate", move || match looking.tls.load(|| looking.now()) {
        Ok(true) => {
            tracing::info!("certificate renewed");
            looking.reload.content(CERTIFICATE);
        }
        Ok(false) => {}
        // The last good one stays.
        Err(error) => looking.reload.complain(CERTIFICATE, &error),
    });
}

/// Measures the log and the memory budget until the hub stops.
pub(super) async fn watch(hub: Arc<Inner>) {
    let stop = hub.tasks.token();
    let mut tick = tokio::time::interval(LOOK);
    while stop.run_until_cancelled(tick.tick()).await.is_some() {
        look_at_certificate(&hub);
        hub.auth.revoked().expire(clock::unix_millis());
        hub.metrics.net().revocations.set(hub.auth.revoked().len() as u64);
        hub.metrics.net().certificate_end.set(hub.tls.end());
        let (kept, dropped) = hub.local.archive.figures();
        hub.metrics.net().lives_bytes.set(kept as u64);
        hub.metrics.net().lives_dropped.set(dropped);
        let (bytes, entries) = hub.log.size();
        // The log is one for all shards: its size stands in the first one's figures.
        if let Some(first) = hub.metrics.shards().first() {
            first.log_bytes.set(bytes as u64);
            first.log_entries.set(entries);
        }
        let budget = hub.now().limits.memory.as_u64();
        hub.admission.set_over_memory(budget > 0 && resident_bytes().is_some_and(|resident| resident > budget));
    }
}
