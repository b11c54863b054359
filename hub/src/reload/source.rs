//! Where settings come from: a file, which need not be there, and the environment this process was started with.

use std::io::Read;
use std::path::PathBuf;

use super::Error;

/// Largest file that is taken for a configuration, in bytes: what a ConfigMap can hold.
const LARGEST: u64 = 1 << 20;

/// A file and the variables that go on top of it.
#[derive(Clone)]
pub struct Source {
    path: Option<PathBuf>,
    environment: Vec<(String, String)>,
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The environment holds secrets.
        f.debug_struct("Source").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Source {
    /// Settings of `path` (`None`: the defaults) under the variables of `environment`.
    #[must_use]
    pub fn new(path: Option<PathBuf>, environment: Vec<(String, String)>) -> Self {
        Self { path, environment }
    }

    pub(super) fn environment(&self) -> impl Iterator<Item = (String, String)> {
        self.environment.iter().cloned()
    }

    /// The file's text; `None` when there is no file to follow.
    ///
    /// # Errors
    /// [`Error::Read`] or [`Error::NotConfiguration`].
    pub(super) fn read(&self) -> Result<Option<String>, Error> {
        let Some(path) = &self.path else { return Ok(None) };
        let failed = |error| Error::Read { path: path.display().to_string(), error };
        // Opened first and asked afterwards, so that it is one file that is asked and read; a pipe would make the open wait.
        if !std::fs::metadata(path).map_err(failed)?.is_file() {
            return Err(self.fault("is not a file"));
        }
        let file = std::fs::File::open(path).map_err(failed)?;
        let mut bytes = Vec::new();
        file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(failed)?;
        if bytes.len() as u64 > LARGEST {
            return Err(self.fault("is larger than 1 MiB"));
        }
        String::from_utf8(bytes).map(Some).map_err(|_| self.fault("is not UTF-8 text"))
    }

    /// The same off the runtime's workers, and a fault as its message, which can be compared.
    pub(super) async fn look(&self) -> Result<Option<String>, String> {
        let source = self.clone();
        let looked = tokio::task::spawn_blocking(move || source.read().map_err(|error| error.to_string())).await;
        looked.unwrap_or_else(|_| Err("reading the configuration was cut short".to_owned()))
    }

    pub(super) fn fault(&self, fault: &'static str) -> Error {
        let path = self.path.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
        Error::NotConfiguration { path, fault }
    }
}
