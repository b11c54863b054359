//! TLS of the public listener: certificate and key from files, read again when they change.

use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwapOption;
use rustls::ServerConfig;
use rustls_pki_types::pem::{self, PemObject};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use gohub_settings::{ServerTls, Settings};

/// Why a certificate could not be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file could not be read or holds no PEM of that kind.
    #[error("{field}: {path}: {source}")]
    File {
        /// The setting.
        field: &'static str,
        /// The file.
        path: String,
        /// Why.
        source: pem::Error,
    },
    /// Certificate and key do not fit, or rustls does not take them.
    #[error("server.tls: {0}")]
    Pair(#[from] rustls::Error),
}

/// The TLS configuration of new handshakes. Empty: plain.
#[derive(Debug, Clone, Default)]
pub struct TlsSlot(Arc<Slot>);

#[derive(Debug, Default)]
struct Slot {
    config: ArcSwapOption<ServerConfig>,
    /// What the files held when they were last looked at, good or bad. A std lock, held over the look: the newest settings come last.
    seen: Mutex<Seen>,
}

/// What a look at the files found.
#[derive(Debug, Default, PartialEq, Eq)]
enum Seen {
    #[default]
    Nothing,
    Pair(Pair),
    Unreadable(String),
}

/// The contents of the two files.
#[derive(Debug, PartialEq, Eq)]
struct Pair {
    certificates: Vec<u8>,
    key: KeyBytes,
}

/// A private key's bytes, which no log may show.
#[derive(PartialEq, Eq)]
struct KeyBytes(Vec<u8>);

impl std::fmt::Debug for KeyBytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

impl TlsSlot {
    /// What the next handshake uses.
    pub fn current(&self) -> Option<Arc<ServerConfig>> {
        self.0.config.load_full()
    }

    /// Reads the files if they have changed since the last look; whether new handshakes use something new. A bad pair changes nothing: the last
    /// good one stays, and is complained of once. The settings are asked for when it is this look's turn.
    ///
    /// # Errors
    /// What is wrong with the files.
    pub fn load(&self, settings: impl FnOnce() -> Arc<Settings>) -> Result<bool, TlsError> {
        let mut seen = self.0.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let settings = settings();
        let tls = settings.server.tls.as_ref();
        let (found, error) = match tls.map(read) {
            None => (Seen::Nothing, None),
            Some(Ok(pair)) => (Seen::Pair(pair), None),
            Some(Err(error)) => (Seen::Unreadable(error.to_string()), Some(error)),
        };
        if *seen == found {
            return Ok(false);
        }
        *seen = found;
        let config = match (error, tls, &*seen) {
            (Some(error), ..) => return Err(error),
            (None, Some(tls), Seen::Pair(pair)) => Some(Arc::new(parse(tls, pair)?)),
            _ => None,
        };
        self.0.config.store(config);
        Ok(true)
    }
}

/// Whether the certificate of these settings would load: the check that a reload makes before it takes them.
///
/// # Errors
/// What is wrong with the files.
pub fn check(settings: &Settings) -> Result<(), gohub_settings::SettingsError> {
    let Some(tls) = &settings.server.tls else { return Ok(()) };
    read(tls).and_then(|pair| parse(tls, &pair)).map(drop).map_err(|error| gohub_settings::SettingsError::Field {
        path: "server.tls".to_owned(),
        message: error.to_string(),
    })
}

fn read(tls: &ServerTls) -> Result<Pair, TlsError> {
    let file = |field, path: &str| {
        let unreadable = |error| broken(field, path, pem::Error::Io(error));
        std::fs::read(path).map_err(unreadable)
    };
    let certificates = file("server.tls.cert", &tls.cert)?;
    let key = KeyBytes(file("server.tls.key", &tls.key)?);
    Ok(Pair { certificates, key })
}

fn broken(field: &'static str, path: &str, source: pem::Error) -> TlsError {
    TlsError::File { field, path: path.to_owned(), source }
}

fn parse(tls: &ServerTls, pair: &Pair) -> Result<ServerConfig, TlsError> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pair.certificates).collect();
    let certificates = certificates.map_err(|error| broken("server.tls.cert", &tls.cert, error))?;
    let key = PrivateKeyDer::from_pem_slice(&pair.key.0).map_err(|error| broken("server.tls.key", &tls.key, error))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(certificates, key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    // Nothing is ever resumed through us but sessions; tickets would be kept per connection.
    config.send_tls13_tickets = 1;
    Ok(config)
}
