//! Settings that follow their file.
//!
//! ```text
//! file (its directory's entry, polled) -> stable? -> read -> parse, validate, judge -> diff -> swap all at once -> watchers
//!                                                        \-> refused: the last good ones stay; metric, line, status say why
//! ```
//! Polled, not watched: kubelet replaces a ConfigMap by swapping a symlink beside the file, after which a watch on the file is deaf. A
//! changed file counts once it has read the same twice, so a file that is being written, or swapped a hundred times a second, is taken
//! when it has come to rest (or after a second at the latest).

mod source;
mod status;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gohub_settings::{Diff, Settings, SettingsError};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use crate::metrics::ConfigStats;
use crate::telemetry;

pub use source::Source;
pub use status::{Refusal, Status};

/// How long a changed file must stay the same before it counts.
const AT_REST: Duration = Duration::from_millis(100);
/// How often that is tried before whatever is there counts.
const TRIES: u32 = 10;

/// Why settings could not be taken from their file.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file is not there, or may not be read.
    #[error("reading the configuration {path} failed: {error}")]
    Read {
        /// The file.
        path: String,
        /// What the system said.
        error: std::io::Error,
    },
    /// There is no such file, or it is something else than text of a sensible size.
    #[error("the configuration {path} {fault}")]
    NotConfiguration {
        /// The file.
        path: String,
        /// What is wrong with it as a whole.
        fault: &'static str,
    },
    /// A setting is wrong.
    #[error(transparent)]
    Settings(#[from] SettingsError),
}

impl Error {
    /// The setting that was refused, if it was one.
    #[must_use]
    pub fn field(&self) -> Option<&str> {
        match self {
            Self::Settings(error) => error.path(),
            Self::Read { .. } | Self::NotConfiguration { .. } => None,
        }
    }
}

/// A check of the hub's that the settings crate cannot make, because it needs files: do the certificates load?
pub type Judge = Box<dyn Fn(&Settings) -> Result<(), SettingsError> + Send + Sync>;

/// What a text would do if it were the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// The hash it would be known by.
    pub hash: String,
    /// What it changes.
    pub diff: Diff,
}

/// The settings in force, and the file they follow.
pub struct Reload {
    source: Source,
    judge: Judge,
    /// What the process started with: fields that need a restart are still those of this one.
    booted: Arc<Settings>,
    settings: watch::Sender<Arc<Settings>>,
    status: watch::Sender<Status>,
    /// What was last looked at, so that one fault is told once. A std lock: held for one comparison.
    seen: Mutex<Seen>,
    nudge: Notify,
    metrics: Arc<ConfigStats>,
}

/// What a look at the file found: its text, or why there is none.
type Seen = Result<Option<String>, String>;

impl std::fmt::Debug for Reload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reload").field("source", &self.source).field("status", &self.status()).finish_non_exhaustive()
    }
}

impl Reload {
    /// Takes the first settings from `source`.
    ///
    /// # Errors
    /// Whatever is wrong with them: a hub starts with valid settings or not at all.
    pub fn open(source: Source, judge: Judge, metrics: Arc<ConfigStats>) -> Result<Self, Error> {
        let text = source.read()?;
        let settings = Arc::new(judged(&source, &judge, text.as_deref())?);
        let hash = hash(text.as_deref(), &settings);
        metrics.loaded(&hash);
        Ok(Self {
            source,
            judge,
            booted: Arc::clone(&settings),
            settings: watch::Sender::new(settings),
            status: watch::Sender::new(Status::loaded(hash, Vec::new())),
            seen: Mutex::new(Ok(text)),
            nudge: Notify::new(),
            metrics,
        })
    }

    /// Settings that follow no file: those of a program that uses the library. They change by [`replace`](Self::replace).
    #[must_use]
    pub fn fixed(settings: Settings, metrics: Arc<ConfigStats>) -> Self {
        let hash = settings.hash();
        metrics.loaded(&hash);
        let settings = Arc::new(settings);
        Self {
            source: Source::new(None, Vec::new()),
            judge: Box::new(|_| Ok(())),
            booted: Arc::clone(&settings),
            settings: watch::Sender::new(settings),
            status: watch::Sender::new(Status::loaded(hash, Vec::new())),
            seen: Mutex::new(Ok(None)),
            nudge: Notify::new(),
            metrics,
        }
    }

    /// Records that `setting`, although loaded, could not be carried out: shown like a refusal until it is.
    pub fn complain(&self, setting: &'static str, error: &dyn std::fmt::Display) {
        let message = format!("{setting}: {error}");
        if self.carry_out(setting, Some(message.clone())) {
            self.metrics.refused.inc();
            tracing::error!(error = %message, "a setting could not be carried out, trying again");
        }
    }

    /// Records that `setting` is carried out.
    pub fn content(&self, setting: &'static str) {
        if self.carry_out(setting, None) {
            tracing::info!(setting, "carried out after all");
        }
    }

    fn carry_out(&self, setting: &'static str, message: Option<String>) -> bool {
        let mut is_news = false;
        self.status.send_if_modified(|status| {
            is_news = status.carry_out(setting, message);
            self.metrics.stale.set(u64::from(status.last_error.is_some()));
            is_news
        });
        is_news
    }

    /// Puts `settings` in force, as a changed file would.
    ///
    /// # Errors
    /// What is wrong with them; then nothing changes.
    pub fn replace(&self, settings: Settings) -> Result<(), SettingsError> {
        settings.validate()?;
        (self.judge)(&settings)?;
        let hash = settings.hash();
        let restart = gohub_settings::diff(&self.booted, &settings).restart;
        self.loaded(hash, restart);
        self.settings.send_replace(Arc::new(settings));
        Ok(())
    }

    /// The settings in force.
    #[must_use]
    pub fn settings(&self) -> Arc<Settings> {
        Arc::clone(&self.settings.borrow())
    }

    /// The settings in force, waking at every change.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Arc<Settings>> {
        self.settings.subscribe()
    }

    /// What is loaded and what was refused.
    #[must_use]
    pub fn status(&self) -> Status {
        self.status.borrow().clone()
    }

    /// The same, waking at every change (the node's entry in the cluster carries it).
    #[must_use]
    pub fn watch_status(&self) -> watch::Receiver<Status> {
        self.status.subscribe()
    }

    /// Looks at the file now and not at the next interval (SIGHUP).
    pub fn nudge(&self) {
        self.nudge.notify_one();
    }

    /// Judges `text` as if it were the file, under this process's environment; nothing changes.
    ///
    /// # Errors
    /// What the file would be refused for.
    pub fn check(&self, text: &str) -> Result<Checked, Error> {
        let settings = judged(&self.source, &self.judge, Some(text))?;
        let diff = gohub_settings::diff(&self.settings(), &settings);
        Ok(Checked { hash: hash(Some(text), &settings), diff })
    }

    /// Follows the file until `stop`.
    pub async fn run(&self, stop: CancellationToken) {
        loop {
            let interval = self.settings().reload.interval.as_std();
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.nudge.notified() => {}
                () = tokio::time::sleep(interval) => {}
            }
            if let Some(seen) = self.changed().await {
                self.take(seen);
            }
        }
    }

    /// What the file has become, once it is at rest; `None` while it is what was seen last.
    async fn changed(&self) -> Option<Seen> {
        let mut seen = self.source.look().await;
        for _ in 0..TRIES {
            if *self.lock() == seen {
                return None;
            }
            tokio::time::sleep(AT_REST).await;
            let again = self.source.look().await;
            if again == seen {
                break;
            }
            seen = again;
        }
        Some(seen)
    }

    /// Puts what was seen in force as a whole, or says why not.
    fn take(&self, seen: Seen) {
        *self.lock() = seen.clone();
        let outcome = match seen {
            Err(fault) => Err((fault, None)),
            Ok(text) => {
                self.swap(text.as_deref()).map_err(|error| (error.to_string(), error.field().map(str::to_owned)))
            }
        };
        if let Err((error, field)) = outcome {
            self.metrics.refuse();
            tracing::warn!(%error, field, loaded = %self.status.borrow().loaded_hash, "configuration refused, keeping the last good one");
            self.status.send_modify(|status| status.refuse(error, field));
        }
    }

    fn swap(&self, text: Option<&str>) -> Result<(), Error> {
        let settings = Arc::new(judged(&self.source, &self.judge, text)?);
        let hash = hash(text, &settings);
        let diff = gohub_settings::diff(&self.settings(), &settings);
        let restart = gohub_settings::diff(&self.booted, &settings).restart;
        tracing::info!(%hash, changed = %diff.changed.join(", "), restart_required = %restart.join(", "), "configuration loaded");
        self.loaded(hash, restart);
        // Equal settings (a comment was edited) wake nobody.
        self.settings.send_if_modified(|now| {
            let differs = !diff.is_empty();
            if differs {
                *now = settings;
            }
            differs
        });
        Ok(())
    }

    fn loaded(&self, hash: String, restart: Vec<String>) {
        self.metrics.loaded(&hash);
        self.status.send_modify(|status| {
            status.load(hash, restart);
            self.metrics.stale.set(u64::from(status.last_error.is_some()));
        });
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The settings of `text`, judged by the settings crate, by the log, and by the hub.
fn judged(source: &Source, judge: &Judge, text: Option<&str>) -> Result<Settings, Error> {
    // A mounted file that was truncated before it is written again: all defaults would mean no keys, no tokens, no limits of theirs.
    if text.is_some_and(|text| text.trim().is_empty()) {
        return Err(source.fault("is empty; write {} if all defaults are meant"));
    }
    let settings = Settings::from_yaml(text.unwrap_or_default(), source.environment())?;
    telemetry::check_level(&settings.log.level)
        .map_err(|error| SettingsError::Field { path: "log.level".to_owned(), message: error.to_string() })?;
    judge(&settings)?;
    Ok(settings)
}

/// The hash of the file alone, which the operator can compute too; without a file that of the settings.
fn hash(text: Option<&str>, settings: &Settings) -> String {
    text.and_then(|text| Settings::hash_of_text(text).ok()).unwrap_or_else(|| settings.hash())
}
