//! The command line, and the one place that reads the environment.
//!
//! Everything that is not "serve" is answered here as text and an exit code, so that `main` only prints: exit 0, or 64 (`EX_USAGE`) for
//! arguments or settings that are wrong.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Parser, Subcommand};
use gohub_settings::Secret;

use crate::inquiry::{self, Inquiry};
use crate::metrics::ConfigStats;
use crate::reload::{Error, Judge, Reload, Source};

/// The exit code for wrong arguments or settings, as in `sysexits.h`.
pub const EX_USAGE: u8 = 64;
/// The variable that names the settings file where `--config` does not.
const CONFIG: &str = "GOHUB_CONFIG";

/// A WebSocket hub: serves clients on one address and operators on another.
#[derive(Debug, Parser)]
#[command(name = "gohub", version, args_conflicts_with_subcommands = true)]
struct Arguments {
    /// Settings file (YAML), followed while the hub runs; without one the defaults serve. GOHUB_... variables go on top, as in
    /// GOHUB_SERVER__ADDR=127.0.0.1:8080 [env: GOHUB_CONFIG]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print the settings in force, defaults included and secrets struck out, and exit
    #[arg(long)]
    print_config: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Judge a settings file as the hub would, and exit: 0 when it is good, 64 with the field's name when it is not
    CheckConfig {
        /// The file
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Tell what became of a client's connections: when they came and went, what was refused, which limits they hit, why they were closed
    Why {
        /// The client
        #[arg(value_name = "CLIENT")]
        client: String,
        /// Only its connection with this id
        #[arg(long, value_name = "ID")]
        connection: Option<u64>,
        /// Most connections, the newest first
        #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=100))]
        limit: u32,
        /// Address of the admin listener of any hub
        #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:9090")]
        admin: String,
        /// File with an API key of the scope `read`
        #[arg(long, value_name = "FILE")]
        key_file: Option<PathBuf>,
        /// The answer as JSON
        #[arg(long)]
        json: bool,
    },
}

/// What the command line asks for.
#[derive(Debug)]
pub enum Invocation {
    /// Serve with the settings of this source.
    Serve(Source),
    /// Ask a hub, print and exit.
    Ask(Inquiry),
    /// Print and exit.
    Answer(Answer),
}

/// A text for the user, and how the process ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The text, its last line break included.
    pub text: String,
    /// Whether it belongs on standard error.
    pub is_error: bool,
    /// The exit code.
    pub code: u8,
}

impl Answer {
    /// The answer to settings that cannot be used, also for a hub that could not start on them.
    #[must_use]
    pub fn refused(error: &Error) -> Self {
        Self { text: format!("gohub: {error}\n"), is_error: true, code: EX_USAGE }
    }

    /// The answer to an inquiry.
    #[must_use]
    pub fn told(report: Result<String, inquiry::Error>) -> Self {
        match report {
            Ok(text) => Self::good(text),
            Err(error) => {
                let code = if matches!(error, inquiry::Error::Address(_)) { EX_USAGE } else { 1 };
                Self { text: format!("gohub: {error}\n"), is_error: true, code }
            }
        }
    }

    fn good(text: String) -> Self {
        Self { text, is_error: false, code: 0 }
    }
}

impl Invocation {
    /// Reads the command line and the environment of this process.
    #[must_use]
    pub fn of_process(judge: Judge) -> Self {
        let environment = std::env::vars_os()
            .map(|(name, value)| (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()))
            .filter(|(name, _)| name.to_ascii_uppercase().starts_with("GOHUB_"))
            .collect();
        Self::read(std::env::args_os(), environment, judge)
    }

    /// Reads these arguments (the program's name first) and this environment.
    #[must_use]
    pub fn read(
        arguments: impl IntoIterator<Item = OsString>,
        environment: Vec<(String, String)>,
        judge: Judge,
    ) -> Self {
        let arguments = match Arguments::try_parse_from(arguments) {
            Ok(arguments) => arguments,
            // Help and version come as "errors" too.
            Err(error) => {
                let is_error = error.use_stderr();
                let code = if is_error { EX_USAGE } else { 0 };
                return Self::Answer(Answer { text: error.to_string(), is_error, code });
            }
        };
        let named = || environment.iter().find(|(name, _)| name == CONFIG).map(|(_, path)| PathBuf::from(path));
        let path = arguments.config.or_else(|| named().filter(|path| !path.as_os_str().is_empty()));
        match arguments.command {
            Some(Command::CheckConfig { file }) => {
                let shown = file.display().to_string();
                Self::Answer(answer(Source::new(Some(file), environment), judge, |reload| {
                    format!("{shown} is good, hash {}\n", reload.status().loaded_hash)
                }))
            }
            Some(Command::Why { client, connection, limit, admin, key_file, json }) => match key(key_file) {
                Ok(key) => Self::Ask(Inquiry { client, connection, limit, admin, key, json }),
                Err(text) => Self::Answer(Answer { text, is_error: true, code: EX_USAGE }),
            },
            None if arguments.print_config => {
                Self::Answer(answer(Source::new(path, environment), judge, |reload| reload.settings().to_yaml()))
            }
            None => Self::Serve(Source::new(path, environment)),
        }
    }
}

/// The key of a file, without the line break that editors put behind it.
fn key(file: Option<PathBuf>) -> Result<Secret, String> {
    let Some(file) = file else { return Ok(Secret::default()) };
    let text = std::fs::read_to_string(&file);
    text.map(|text| Secret::new(text.trim()))
        .map_err(|error| format!("gohub: --key-file {}: {error}\n", file.display()))
}

/// Opens the settings as the hub would, and says something about them.
fn answer(source: Source, judge: Judge, text: impl FnOnce(&Reload) -> String) -> Answer {
    match Reload::open(source, judge, Arc::new(ConfigStats::default())) {
        Ok(reload) => Answer::good(text(&reload)),
        Err(error) => Answer::refused(&error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(arguments: &[&str], environment: &[(&str, &str)]) -> Invocation {
        let arguments = std::iter::once("gohub").chain(arguments.iter().copied()).map(OsString::from);
        let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Invocation::read(arguments, environment, Box::new(|_| Ok(())))
    }

    fn answered(arguments: &[&str], environment: &[(&str, &str)]) -> Answer {
        match read(arguments, environment) {
            Invocation::Answer(answer) => answer,
            other => panic!("answers nothing but {other:?}"),
        }
    }

    fn file(text: &str) -> (tempfile::TempDir, String) {
        let directory = tempfile::TempDir::new().unwrap();
        let path = directory.path().join("config.yaml");
        std::fs::write(&path, text).unwrap();
        (directory, path.display().to_string())
    }

    #[test]
    fn a_good_file_is_answered_with_its_hash_and_a_bad_one_with_its_field() {
        let (_kept, path) = file("server: {path: /hub}\n");
        let good = answered(&["check-config", &path], &[]);
        assert_eq!((good.code, good.is_error), (0, false));
        assert!(good.text.contains("is good, hash "), "{}", good.text);

        let (_kept, path) = file("server: {paht: /hub}\n");
        let bad = answered(&["check-config", &path], &[]);
        assert_eq!((bad.code, bad.is_error), (64, true));
        assert!(bad.text.starts_with("gohub: server.paht: "), "{}", bad.text);

        let (_kept, path) = file(" \n");
        let empty = answered(&["check-config", &path], &[]);
        assert!(empty.is_error && empty.text.contains("is empty"), "as a reload would refuse it: {}", empty.text);

        assert_eq!(answered(&["check-config", "/nonexistent/config.yaml"], &[]).code, 64);
    }

    #[test]
    fn s42_printed_settings_have_the_environment_on_top_and_no_secret() {
        let (_kept, path) = file("admin: {api_keys: [a-secret-of-the-file-1]}\n");
        let environment = [("GOHUB_CONFIG", path.as_str()), ("GOHUB_SERVER__ADDR", "127.0.0.1:8081")];
        let printed = answered(&["--print-config"], &environment);
        assert_eq!(printed.code, 0);
        assert!(printed.text.contains("127.0.0.1:8081") && printed.text.contains("***"), "{}", printed.text);
        assert!(!printed.text.contains("a-secret-of-the-file"), "{}", printed.text);
        assert!(!format!("{:?}", read(&["--config", &path], &[("GOHUB_AUTH__X", "hidden-value")])).contains("hidden"));
    }

    #[test]
    fn the_argument_wins_over_the_variable_and_neither_is_needed() {
        let serves = |invocation| match invocation {
            Invocation::Serve(source) => format!("{source:?}"),
            other => panic!("{other:?}"),
        };
        assert!(serves(read(&["--config", "a.yaml"], &[("GOHUB_CONFIG", "b.yaml")])).contains("a.yaml"));
        assert!(serves(read(&[], &[("GOHUB_CONFIG", "b.yaml")])).contains("b.yaml"));
        assert!(serves(read(&[], &[("GOHUB_CONFIG", "")])).contains("None"));
    }

    #[test]
    fn s42_the_key_of_an_inquiry_comes_from_a_file_and_is_not_shown() {
        let (_kept, path) = file("a-key-in-a-file-0123\n");
        let Invocation::Ask(inquiry) = read(&["why", "alice", "--key-file", &path, "--connection", "7"], &[]) else {
            panic!("no inquiry");
        };
        assert_eq!((inquiry.client.as_str(), inquiry.connection, inquiry.limit), ("alice", Some(7), 10));
        assert_eq!((inquiry.admin.as_str(), inquiry.key.expose()), ("http://127.0.0.1:9090", "a-key-in-a-file-0123"));
        assert!(!format!("{inquiry:?}").contains("a-key-in"));
        let refused = answered(&["why", "alice", "--key-file", "/nonexistent/key"], &[]);
        assert!(refused.code == 64 && refused.text.contains("/nonexistent/key"), "{}", refused.text);
        assert_eq!(answered(&["why"], &[]).code, 64);
        assert_eq!(answered(&["why", "alice", "--limit", "0"], &[]).code, 64);
    }

    #[test]
    fn help_and_version_end_well_and_nonsense_ends_with_ex_usage() {
        for (arguments, code) in
            [(&["--help"][..], 0), (&["--version"], 0), (&["--nonsense"], 64), (&["check-config"], 64)]
        {
            let answer = answered(arguments, &[]);
            assert_eq!((answer.code, answer.is_error), (code, code != 0), "{arguments:?}");
        }
        assert!(answered(&["--version"], &[]).text.starts_with("gohub "));
    }
}
