//! A hub of the test's own.

use gohub::{Hub, Settings};

/// The defaults, on a free port of the loopback, with two shards.
pub fn settings() -> Settings {
    let mut settings = Settings::default();
    settings.server.addr = "127.0.0.1:0".parse().expect("an address");
    settings.admin.addr = "127.0.0.1:0".parse().expect("an address");
    settings.server.shards = 2;
    settings
}

/// A running hub with these settings.
///
/// # Panics
/// When it does not start.
pub async fn start(settings: Settings) -> Hub {
    Hub::builder(settings).start().await.expect("the hub starts")
}
