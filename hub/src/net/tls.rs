//! TLS of the public listener: certificate and key from files, read again when they change.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwapOption;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::pem::{self, PemObject};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, UnixTime};

use gohub_settings::{ServerTls, Settings};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;

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
    /// The certificate is not one that can be read.
    #[error("server.tls.cert: {path}: {message}")]
    Certificate {
        /// The file.
        path: String,
        /// Why.
        message: String,
    },
    /// Its time is over.
    #[error("server.tls.cert: {path}: the certificate has expired (at {end}, in seconds since 1970)")]
    Expired {
        /// The file.
        path: String,
        /// When it did.
        end: u64,
    },
    /// Nobody could be let in by these authorities.
    #[error("server.tls.client_ca: {path}: {message}")]
    Authorities {
        /// The file.
        path: String,
        /// Why.
        message: String,
    },
}

/// The TLS configuration of new handshakes. Empty: plain.
#[derive(Debug, Clone, Default)]
pub struct TlsSlot(Arc<Slot>);

#[derive(Debug, Default)]
struct Slot {
    config: ArcSwapOption<ServerConfig>,
    /// When the certificate in use ends, in seconds since 1970; 0 without one.
    end: AtomicU64,
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

/// The contents of the files.
#[derive(Debug, PartialEq, Eq)]
struct Pair {
    certificates: Vec<u8>,
    key: KeyBytes,
    /// Empty: none.
    authorities: Vec<u8>,
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

    /// When the certificate in use ends, in seconds since 1970; 0 without one.
    pub fn end(&self) -> u64 {
        self.0.end.load(Ordering::Relaxed)
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
        let (config, end) = match (error, tls, &*seen) {
            (Some(error), ..) => return Err(error),
            (None, Some(tls), Seen::Pair(pair)) => {
                let (config, end) = parse(tls, pair)?;
                (Some(Arc::new(config)), end)
            }
            _ => (None, 0),
        };
        self.0.config.store(config);
        self.0.end.store(end, Ordering::Relaxed);
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
    let authorities = match tls.client_ca.as_str() {
        "" => Vec::new(),
        path => file("server.tls.client_ca", path)?,
    };
    Ok(Pair { certificates, key, authorities })
}

fn broken(field: &'static str, path: &str, source: pem::Error) -> TlsError {
    TlsError::File { field, path: path.to_owned(), source }
}

/// What handshakes use from now on, and when the certificate ends.
fn parse(tls: &ServerTls, pair: &Pair) -> Result<(ServerConfig, u64), TlsError> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pair.certificates).collect();
    let certificates = certificates.map_err(|error| broken("server.tls.cert", &tls.cert, error))?;
    let key = PrivateKeyDer::from_pem_slice(&pair.key.0).map_err(|error| broken("server.tls.key", &tls.key, error))?;
    let end = end_of(tls, &certificates)?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
    let builder = match pair.authorities.as_slice() {
        [] => builder.with_no_client_auth(),
        authorities => {
            let unfit = |message: String| TlsError::Authorities { path: tls.client_ca.clone(), message };
            let mut roots = RootCertStore::empty();
            for authority in CertificateDer::pem_slice_iter(authorities) {
                let authority = authority.map_err(|error| unfit(error.to_string()))?;
                roots.add(authority).map_err(|error| unfit(error.to_string()))?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            builder.with_client_cert_verifier(verifier.map_err(|error| unfit(error.to_string()))?)
        }
    };
    let mut config = builder.with_single_cert(certificates, key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    // Nothing is ever resumed through us but sessions; tickets would be kept per connection.
    config.send_tls13_tickets = 1;
    Ok((config, end))
}

/// When the leaf ends. One that has ended is refused: no client would take it.
fn end_of(tls: &ServerTls, certificates: &[CertificateDer<'_>]) -> Result<u64, TlsError> {
    let path = || tls.cert.clone();
    let unfit = |message: String| TlsError::Certificate { path: path(), message };
    let leaf = certificates.first().ok_or_else(|| unfit("there is no certificate in it".to_owned()))?;
    let (_, leaf) = X509Certificate::from_der(leaf).map_err(|error| unfit(error.to_string()))?;
    let end = u64::try_from(leaf.validity().not_after.timestamp()).unwrap_or(0);
    if end <= UnixTime::now().as_secs() { Err(TlsError::Expired { path: path(), end }) } else { Ok(end) }
}
