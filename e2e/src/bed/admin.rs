//! What a hub says of itself on its admin listener.

use super::namespace::Bed;

const ADMIN: u16 = 9090;

/// The figures of `/metrics` at one moment.
#[derive(Clone, Debug, Default)]
pub struct Figures(String);

impl Figures {
    /// The value of a metric without labels; `None`: it is not there.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<f64> {
        self.0.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
    }

    /// The value of a label of a metric that has one series.
    #[must_use]
    pub fn label(&self, name: &str, label: &str) -> Option<&str> {
        let labels = self.0.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('{'))?;
        labels.split(&format!("{label}=\"")).nth(1)?.split('"').next()
    }

    /// Hash of the configuration that the hub runs.
    #[must_use]
    pub fn config_hash(&self) -> Option<&str> {
        self.label("gohub_config_info", "hash")
    }
}

impl Bed {
    /// A hub's metrics; empty while it does not answer.
    pub async fn figures(&self, pod: &str) -> Figures {
        Figures(self.get(pod, ADMIN, "/metrics", &[]).await.map(|(_, body)| body).unwrap_or_default())
    }
}
