//! TLS of the public listener: certificate and key from files, read again when they change.

use std::path::Path;
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use rustls::ServerConfig;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use gohub_settings::ServerTls;

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
        source: rustls_pki_types::pem::Error,
    },
    /// Certificate and key do not fit, or rustls does not take them.
    #[error("server.tls: {0}")]
    Pair(#[from] rustls::Error),
}

/// The TLS configuration of new handshakes. Empty: plain.
#[derive(Debug, Clone, Default)]
pub struct TlsSlot(Arc<ArcSwapOption<ServerConfig>>);

impl TlsSlot {
    /// What the next handshake uses.
    pub fn current(&self) -> Option<Arc<ServerConfig>> {
        self.0.load_full()
    }

    /// Reads the files again. A bad pair changes nothing: the last good one stays.
    ///
    /// # Errors
    /// What is wrong with the files.
    pub fn load(&self, tls: Option<&ServerTls>) -> Result<(), TlsError> {
        let config = tls.map(read).transpose()?;
        self.0.store(config.map(Arc::new));
        Ok(())
    }
}

/// Whether the certificate of these settings would load: the check that a reload makes before it takes them.
///
/// # Errors
/// What is wrong with the files.
pub fn check(settings: &gohub_settings::Settings) -> Result<(), gohub_settings::SettingsError> {
    let Some(tls) = &settings.server.tls else { return Ok(()) };
    read(tls).map(drop).map_err(|error| gohub_settings::SettingsError::Field {
        path: "server.tls".to_owned(),
        message: error.to_string(),
    })
}

fn read(tls: &ServerTls) -> Result<ServerConfig, TlsError> {
    let file = |field, path: &str| {
        let path = path.to_owned();
        move |source| TlsError::File { field, path, source }
    };
    let certificates =
        CertificateDer::pem_file_iter(Path::new(&tls.cert)).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let certificates = certificates.map_err(file("server.tls.cert", &tls.cert))?;
    let key = PrivateKeyDer::from_pem_file(Path::new(&tls.key)).map_err(file("server.tls.key", &tls.key))?;
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
