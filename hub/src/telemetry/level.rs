//! What `log.level` may say. Stricter than the filter's own grammar, in which a misspelt level is the name of a module.

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;

/// A level that is not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no log level: use off, error, warn, info, debug or trace, alone or for a module as in gohub::bus=debug"
)]
pub struct LevelError(String);

/// Reads `level` or `module=level`, separated by commas.
pub(super) fn parse(text: &str) -> Result<Targets, LevelError> {
    let refuse = |part: &str| LevelError(part.chars().take(64).collect());
    let mut targets = Targets::new();
    if text.trim().is_empty() {
        return Err(refuse(text));
    }
    for part in text.split(',').map(str::trim) {
        let (module, level) = part.split_once('=').map_or((None, part), |(module, level)| (Some(module), level));
        let level = named(level.trim()).ok_or_else(|| refuse(part))?;
        targets = match module.map(str::trim) {
            None => targets.with_default(level),
            Some(module) if is_module(module) => targets.with_target(module.to_owned(), level),
            Some(_) => return Err(refuse(part)),
        };
    }
    // Its debug lines quote frames, and frames are what clients told each other.
    Ok(targets.with_target("tungstenite", LevelFilter::WARN))
}

fn named(level: &str) -> Option<LevelFilter> {
    Some(match level.to_ascii_lowercase().as_str() {
        "off" => LevelFilter::OFF,
        "error" => LevelFilter::ERROR,
        "warn" => LevelFilter::WARN,
        "info" => LevelFilter::INFO,
        "debug" => LevelFilter::DEBUG,
        "trace" => LevelFilter::TRACE,
        _ => return None,
    })
}

fn is_module(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | ':' | '-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_level_is_refused_and_not_taken_for_a_module() {
        for good in ["info", "WARN", "off", "info,gohub::bus=debug", " info , h2=off "] {
            parse(good).unwrap();
        }
        for bad in ["", " ", "inof", "info,", "gohub::bus=loud", "=debug", "a b=info", "info\n"] {
            let outcome = parse(bad);
            assert_eq!(outcome.is_err(), bad.trim() != "info", "{bad:?}");
        }
        assert!(parse("inof").unwrap_err().to_string().contains("\"inof\" is no log level"));
    }
}
