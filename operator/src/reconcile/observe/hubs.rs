//! What each hub says of itself, read from its admin API at its pod's address: the hubs' own answers decide, not what was written last.

use std::time::Duration;

use futures::StreamExt;
use futures::future::BoxFuture;
use serde::Deserialize;

use super::found::HubAddress;
use crate::reconcile::build::hub_environment::ADMIN_PORT;
use crate::reconcile::observed::{HubPod, Report};

/// Time a hub has for each answer: it is as long as its own readiness probe has.
const PATIENCE: Duration = Duration::from_secs(3);
/// Hubs that are asked at once.
const AT_ONCE: usize = 32;
/// Longest answer that is read; a hub with every metric has a tenth of it.
const LONGEST: usize = 4 << 20;

/// Whoever can ask a hub. Tests put their own in place of HTTP.
pub trait Hubs: Send + Sync {
    /// What the hub at this address says, or `None` if it says nothing or has not begun yet.
    fn report<'a>(&'a self, address: &'a str, key: &'a str) -> BoxFuture<'a, Option<Report>>;
}

/// Asks every hub at once.
pub(super) async fn reports(hubs: &dyn Hubs, addresses: &[HubAddress], key: &str) -> Vec<HubPod> {
    let ask = |hub: HubAddress| async move {
        let report = match &hub.address {
            Some(address) => hubs.report(address, key).await,
            None => None,
        };
        HubPod { name: hub.name, ready: hub.ready, report }
    };
    futures::stream::iter(addresses.iter().cloned().map(ask)).buffered(AT_ONCE).collect().await
}

/// Asks by HTTP.
#[derive(Clone, Debug)]
pub struct HttpHubs(reqwest::Client);

impl HttpHubs {
    /// A client that keeps connections.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn new() -> Result<Self, reqwest::Error> {
        // Pods are reached directly: a proxy of the environment is for the world outside.
        let client = reqwest::Client::builder().timeout(PATIENCE).connect_timeout(PATIENCE).no_proxy();
        client.redirect(reqwest::redirect::Policy::none()).build().map(Self)
    }

    async fn get(&self, base: &str, path: &str, key: &str) -> Option<(u16, Vec<u8>)> {
        let mut answer = self.0.get(format!("{base}{path}")).bearer_auth(key).send().await.ok()?;
        let mut body = Vec::new();
        while let Some(part) = answer.chunk().await.ok()? {
            body.extend_from_slice(&part);
            if body.len() > LONGEST {
                return None;
            }
        }
        Some((answer.status().as_u16(), body))
    }
}

impl Hubs for HttpHubs {
    fn report<'a>(&'a self, address: &'a str, key: &'a str) -> BoxFuture<'a, Option<Report>> {
        let host = if address.contains(':') { format!("[{address}]") } else { address.to_owned() };
        let base = format!("http://{host}:{ADMIN_PORT}");
        Box::pin(async move {
            let (config, probe, metrics) = futures::join!(
                self.get(&base, "/api/v1/config", key),
                self.get(&base, "/readyz", key),
                self.get(&base, "/metrics", key)
            );
            read(config?, probe?, metrics?)
        })
    }
}

#[derive(Deserialize)]
struct Config {
    status: Status,
}

#[derive(Deserialize)]
struct Status {
    loaded_hash: String,
    last_error: Option<Refusal>,
}

#[derive(Deserialize)]
struct Refusal {
    message: String,
}

#[derive(Deserialize)]
struct Probe {
    ok: bool,
    phase: String,
}

/// The three answers together; `None` if one is not what a hub that runs says.
fn read(config: (u16, Vec<u8>), probe: (u16, Vec<u8>), metrics: (u16, Vec<u8>)) -> Option<Report> {
    let status = serde_json::from_slice::<Config>(&config.1).ok().filter(|_| config.0 == 200)?.status;
    let probe: Probe = serde_json::from_slice(&probe.1).ok()?;
    // Whether it delivers is not known before it has begun, and no longer asked once it drains.
    if probe.phase != "ready" {
        return None;
    }
    let text = std::str::from_utf8(&metrics.1).ok().filter(|_| metrics.0 == 200)?;
    Some(Report {
        config: status.loaded_hash,
        refusal: status.last_error.map(|refusal| refusal.message),
        delivering: probe.ok,
        connections: sum(text, "gohub_connections"),
    })
}

/// The sum of a metric over its labels.
fn sum(text: &str, metric: &str) -> i64 {
    let value = |line: &str| {
        let rest = line.strip_prefix(metric)?;
        let number = if rest.starts_with('{') { rest.rsplit_once('}')?.1 } else { rest.strip_prefix(' ')? };
        number.split_whitespace().next()?.parse::<f64>().ok()
    };
    // Whole numbers, and far below what a float tells apart.
    #[expect(clippy::cast_possible_truncation, reason = "connections are whole numbers far below 2^53")]
    let sum = text.lines().filter_map(value).sum::<f64>() as i64;
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ok(text: &str) -> (u16, Vec<u8>) {
        (200, text.as_bytes().to_vec())
    }

    const CONFIG: &str = r#"{"status":{"loaded_hash":"abc","loaded_at":1,"restart_required":[]},"settings":"a: b"}"#;
    const METRICS: &str = "# HELP gohub_connections Open.\ngohub_connections_total 9\ngohub_connections{shard=\"0\"} 3\ngohub_connections 4\n";

    #[test]
    fn a_hubs_answers_become_a_report() {
        let read = read(ok(CONFIG), ok(r#"{"ok":true,"phase":"ready"}"#), ok(METRICS)).unwrap();
        assert_eq!(read, Report { config: "abc".to_owned(), refusal: None, delivering: true, connections: 7 });
    }

    #[test]
    fn a_refusal_and_a_silent_canary_are_told() {
        let config = CONFIG.replace(
            "\"restart_required\":[]",
            r#""restart_required":[],"last_error":{"message":"log.level: no","since":1}"#,
        );
        let probe = (503, br#"{"ok":false,"phase":"ready","reason":"the canary is late"}"#.to_vec());
        let read = read(ok(&config), probe, ok(METRICS)).unwrap();
        assert_eq!((read.refusal.as_deref(), read.delivering), (Some("log.level: no"), false));
    }

    #[test]
    fn a_hub_that_has_not_begun_or_does_not_know_the_key_reports_nothing() {
        let ready = || ok(r#"{"ok":true,"phase":"ready"}"#);
        assert_eq!(read(ok(CONFIG), ok(r#"{"ok":false,"phase":"starting"}"#), ok(METRICS)), None);
        assert_eq!(read((401, b"{}".to_vec()), ready(), ok(METRICS)), None);
        assert_eq!(read(ok("<html>"), ready(), ok(METRICS)), None);
    }
}
