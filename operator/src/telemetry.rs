//! The operator's log: one line per event on standard error, JSON for machines or text for a terminal.

use clap::ValueEnum;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt;

/// The form of a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// An object per line.
    #[default]
    Json,
    /// For people.
    Human,
}

/// Why there is no log.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The level is not one.
    #[error("--log {level:?} is not a level or a list of levels per module: {error}")]
    Level {
        /// What was given.
        level: String,
        /// What is wrong with it.
        error: tracing_subscriber::filter::ParseError,
    },
    /// Another subscriber serves this process already.
    #[error("installing the log failed: {0}")]
    Install(#[from] tracing_subscriber::util::TryInitError),
}

/// Makes the log of this process.
///
/// # Errors
/// When the level is not one, or the process has a log already.
pub fn install(level: &str, format: Format) -> Result<(), Error> {
    let filter = EnvFilter::builder().parse(level).map_err(|error| Error::Level { level: level.to_owned(), error })?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(true);
    match format {
        Format::Json => builder.json().flatten_event(true).with_span_list(false).finish().try_init()?,
        Format::Human => builder.with_ansi(false).finish().try_init()?,
    }
    Ok(())
}
