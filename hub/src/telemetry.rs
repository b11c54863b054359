//! The hub's own log lines: JSON for machines or text for a terminal, level and format both changeable while it runs.
//!
//! ```text
//! event -> level filter (hot) -> line: time, level, target, message, fields of the spans, fields -> redact, escape -> stderr
//! ```
//! A line is one write, so that lines of several threads never mix. What a peer sent may stand in a field: it can neither start a new
//! line, nor steer a terminal, nor grow without bound, and what looks like a token in it is struck out.

mod escape;
mod level;
mod line;

use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use gohub_settings::{LogFormat, Settings};
use tokio::sync::watch;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::reload;
use tracing_subscriber::{Registry, layer::Layered};

pub use level::LevelError;

/// Why logging could not be set up or changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The level is not one.
    #[error(transparent)]
    Level(#[from] LevelError),
    /// Another subscriber serves this process already.
    #[error("installing the log failed: {0}")]
    Install(String),
    /// The subscriber is gone.
    #[error("changing the log level failed: {0}")]
    Change(String),
}

/// Where lines go; each call has one whole line, its end included.
pub type Sink = Arc<dyn Fn(&[u8]) + Send + Sync>;

/// The handle of the log: clones change the same log.
#[derive(Clone)]
pub struct Telemetry {
    filter: Option<reload::Handle<Targets, Registry>>,
    json: Arc<AtomicBool>,
    /// The level in force as it was written. A std lock: held for one copy.
    level: Arc<Mutex<String>>,
}

impl std::fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Telemetry").field("level", &self.level()).finish_non_exhaustive()
    }
}

type Subscriber = Layered<line::Lines, Layered<reload::Layer<Targets, Registry>, Registry>>;

impl Telemetry {
    /// Makes the log of this process; lines go to standard error.
    ///
    /// # Errors
    /// When `settings.level` is not a level, or the process has a log already.
    pub fn install(settings: &gohub_settings::Log) -> Result<Self, Error> {
        let (telemetry, subscriber) = Self::with_sink(settings, stderr())?;
        use tracing_subscriber::util::SubscriberInitExt;
        subscriber.try_init().map_err(|error| Error::Install(error.to_string()))?;
        // The standard hook writes several lines of its own shape; a panic belongs into the log like everything else.
        std::panic::set_hook(Box::new(|panic| {
            let message = panic.payload_as_str().unwrap_or("no message");
            let at = panic.location().map(ToString::to_string).unwrap_or_default();
            let thread = std::thread::current();
            tracing::error!(message_of_panic = message, at, thread = thread.name(), "panicked");
        }));
        Ok(telemetry)
    }

    /// A handle that keeps a level and changes nothing, for a hub inside a program that has a log of its own.
    #[must_use]
    pub fn detached() -> Self {
        Self { filter: None, json: Arc::default(), level: Arc::new(Mutex::new("info".to_owned())) }
    }

    /// A log that writes to `sink`, not yet installed.
    ///
    /// # Errors
    /// When `settings.level` is not a level.
    pub fn with_sink(
        settings: &gohub_settings::Log,
        sink: Sink,
    ) -> Result<(Self, impl tracing::Subscriber + Send + Sync + use<>), Error> {
        let (filter, handle) = reload::Layer::new(level::parse(&settings.level)?);
        let json = Arc::new(AtomicBool::new(settings.format == LogFormat::Json));
        let lines = line::Lines::new(Arc::clone(&json), sink);
        let subscriber: Subscriber = tracing_subscriber::registry().with(filter).with(lines);
        let level = Arc::new(Mutex::new(settings.level.clone()));
        Ok((Self { filter: Some(handle), json, level }, subscriber))
    }

    /// The level in force.
    #[must_use]
    pub fn level(&self) -> String {
        self.level.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts another level in force at once: a level, or levels per module (`info,gohub::bus=debug`).
    ///
    /// # Errors
    /// When `level` is not one; the old one stays.
    pub fn set_level(&self, level: &str) -> Result<(), Error> {
        let filter = level::parse(level)?;
        if let Some(handle) = &self.filter {
            handle.reload(filter).map_err(|error| Error::Change(error.to_string()))?;
        }
        let before =
            std::mem::replace(&mut *self.level.lock().unwrap_or_else(PoisonError::into_inner), level.to_owned());
        tracing::info!(from = %before, to = %level, "log level changed");
        Ok(())
    }

    /// Applies `log` of every new settings, for as long as there are any. A level that was put through the API stays until the file
    /// says another one than before.
    pub async fn follow(self, mut settings: watch::Receiver<Arc<Settings>>) {
        let mut applied = settings.borrow_and_update().log.clone();
        while settings.changed().await.is_ok() {
            let log = settings.borrow_and_update().log.clone();
            if log.format != applied.format {
                self.set_format(log.format);
            }
            if log.level != applied.level
                && let Err(error) = self.set_level(&log.level)
            {
                tracing::error!(%error, "the log level of the settings could not be applied");
            }
            applied = log;
        }
    }

    /// Puts another format in force at once.
    pub fn set_format(&self, format: LogFormat) {
        self.json.store(format == LogFormat::Json, Relaxed);
    }
}

/// Judges a level without putting it in force: a reload refuses a file over it before anything changes.
///
/// # Errors
/// When `level` is not one.
pub fn check_level(level: &str) -> Result<(), LevelError> {
    level::parse(level).map(|_| ())
}

fn stderr() -> Sink {
    Arc::new(|line| {
        // A log that cannot be written to has nowhere to complain.
        let _written = std::io::stderr().lock().write_all(line);
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `work` logged, under a log of its own.
    fn logged(settings: &gohub_settings::Log, work: impl FnOnce(&Telemetry)) -> String {
        let written = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&written);
        let (telemetry, subscriber) =
            Telemetry::with_sink(settings, Arc::new(move |line| sink.lock().unwrap().extend_from_slice(line))).unwrap();
        tracing::subscriber::with_default(subscriber, || work(&telemetry));
        let bytes = written.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    fn settings(level: &str, format: LogFormat) -> gohub_settings::Log {
        gohub_settings::Log { level: level.to_owned(), format }
    }

    const HOSTILE: &str = "a\r\nINFO forged \u{1b}[31m\u{202e} ${jndi:ldap} ?token=s3cr3t-value&x=1";

    #[test]
    fn s20_what_a_peer_sent_cannot_forge_a_line_or_steer_a_terminal() {
        for format in [LogFormat::Json, LogFormat::Human] {
            let text = logged(&settings("info", format), |_| {
                tracing::info!(path = %HOSTILE, agent = ?HOSTILE, origin = HOSTILE, "upgrade refused: {HOSTILE}");
            });
            assert_eq!(text.matches('\n').count(), 1, "one event is one line: {text}");
            assert!(!text.contains(['\r', '\u{1b}', '\u{202e}']), "{text:?}");
            assert!(!text.contains("${"), "{text}");
            assert!(!text.contains("s3cr3t"), "{text}");
        }
    }

    #[test]
    fn a_json_line_carries_typed_fields_and_those_of_its_spans() {
        let text = logged(&settings("info", LogFormat::Json), |_| {
            let span = tracing::info_span!("connection", conn = 17_u64, room = "old");
            let _inside = span.enter();
            tracing::warn!(room = %"lobby", ok = true, level = "mine", "cursor moved on");
        });
        let line: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(line["level"], "warn");
        assert_eq!(line["message"], "cursor moved on");
        assert_eq!((&line["conn"], &line["ok"]), (&17.into(), &true.into()));
        assert_eq!(line["room"], "lobby", "the event's own field wins over its span's");
        assert_eq!(line["field_level"], "mine", "a field must not replace what every line has");
        assert_eq!(line["target"], "gohub::telemetry::tests");
        assert!(line["ts"].as_str().unwrap().ends_with('Z'));
    }

    #[test]
    fn the_level_changes_while_the_hub_runs() {
        let text = logged(&settings("warn", LogFormat::Human), |telemetry| {
            tracing::info!("too early");
            telemetry.set_level("info").unwrap();
            tracing::info!("now");
            telemetry.set_level("warn,gohub=debug").unwrap();
            tracing::debug!("here too");
            assert!(telemetry.set_level("lound").is_err());
            assert_eq!(telemetry.level(), "warn,gohub=debug", "a refused level changes nothing");
        });
        assert!(!text.contains("too early"), "{text}");
        assert!(text.contains("now") && text.contains("here too"), "{text}");
    }

    #[tokio::test]
    async fn the_settings_change_level_and_format_and_leave_an_operators_level_alone() {
        let telemetry = Telemetry::detached();
        let (sender, receiver) = watch::channel(Arc::new(Settings::default()));
        let following = telemetry.clone().follow(receiver);
        telemetry.set_level("debug").unwrap();
        let mut changed = Settings::default();
        changed.log.format = LogFormat::Human;
        let mut following = std::pin::pin!(following);
        let mut poll = async || {
            tokio::select! { biased; () = &mut following => {}, () = tokio::task::yield_now() => {} }
        };
        poll().await;
        sender.send_replace(Arc::new(changed.clone()));
        poll().await;
        assert_eq!(telemetry.level(), "debug", "the file did not speak of the level");
        changed.log.level = "warn".to_owned();
        sender.send_replace(Arc::new(changed));
        poll().await;
        assert_eq!(telemetry.level(), "warn");
    }

    #[test]
    fn the_format_changes_while_the_hub_runs() {
        let text = logged(&settings("info", LogFormat::Json), |telemetry| {
            tracing::info!(n = 1, "one");
            telemetry.set_format(LogFormat::Human);
            tracing::info!(n = 2, name = "a b", "two");
        });
        let mut lines = text.lines();
        assert!(lines.next().unwrap().starts_with('{'));
        let human = lines.next().unwrap();
        assert!(human.contains("INFO") && human.ends_with(r#"two n=2 name="a b""#), "{human}");
    }
}
