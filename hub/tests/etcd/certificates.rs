//! An authority, a server's and a client's certificate, made for one test.

use std::path::{Path, PathBuf};

use etcd_client::{Certificate, Identity, TlsOptions};
use gohub_settings::EtcdTls;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

/// Where the PEM files are.
pub(crate) struct Certificates {
    directory: PathBuf,
}

impl Certificates {
    /// Writes `ca.crt`, `server.{crt,key}` and `client.{crt,key}`.
    pub(crate) fn create(directory: &Path) -> Self {
        let mut authority = CertificateParams::new(Vec::new()).unwrap();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        std::fs::write(directory.join("ca.crt"), authority.self_signed(&key).unwrap().pem()).unwrap();
        let issuer = Issuer::new(authority, key);
        for name in ["server", "client"] {
            let params = CertificateParams::new(vec!["127.0.0.1".to_owned(), "localhost".to_owned()]).unwrap();
            let key = KeyPair::generate().unwrap();
            let certificate = params.signed_by(&key, &issuer).unwrap();
            std::fs::write(directory.join(format!("{name}.crt")), certificate.pem()).unwrap();
            std::fs::write(directory.join(format!("{name}.key")), key.serialize_pem()).unwrap();
        }
        Self { directory: directory.to_owned() }
    }

    /// The path of one of the files.
    pub(crate) fn path(&self, name: &str) -> String {
        self.directory.join(name).display().to_string()
    }

    /// What a hub's settings say.
    pub(crate) fn settings(&self) -> EtcdTls {
        EtcdTls {
            ca: self.path("ca.crt"),
            cert: self.path("client.crt"),
            key: self.path("client.key"),
            server_name: String::new(),
        }
    }

    pub(super) fn client_options(&self) -> TlsOptions {
        let read = |name| std::fs::read(self.path(name)).unwrap();
        TlsOptions::new()
            .ca_certificate(Certificate::from_pem(read("ca.crt")))
            .identity(Identity::from_pem(read("client.crt"), read("client.key")))
    }

    pub(super) fn server_arguments(&self) -> Vec<String> {
        vec![
            format!("--cert-file={}", self.path("server.crt")),
            format!("--key-file={}", self.path("server.key")),
            format!("--trusted-ca-file={}", self.path("ca.crt")),
            "--client-cert-auth".to_owned(),
        ]
    }
}
