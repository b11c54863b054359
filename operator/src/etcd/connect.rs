//! How the operator reaches members: by their own stable names, over TLS in both directions.
//!
//! A member is asked by itself and never through the Service, which would answer for another one. Where members are is behind a trait,
//! so that tests reach real etcd processes on loopback.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use etcd_client::{Certificate, Client, ConnectOptions, Identity, TlsOptions};

use crate::reconcile::build::etcd_service;
use crate::reconcile::observed::Certificates;
use crate::reconcile::plan::Owner;

/// How long one connection attempt may take.
const CONNECT: Duration = Duration::from_secs(2);

/// Where members are.
pub trait Addresses: Debug + Send + Sync {
    /// Where a member serves clients.
    fn client_url(&self, member: &str) -> String;
    /// Where a member serves other members.
    fn peer_url(&self, member: &str) -> String;
    /// Whose [`Self::peer_url`] it is; all that is known of a member that has never run.
    fn member_at(&self, peer_url: &str) -> Option<String>;
}

impl Addresses for Owner {
    fn client_url(&self, member: &str) -> String {
        etcd_service::member_client_url(self, member)
    }

    fn peer_url(&self, member: &str) -> String {
        etcd_service::member_peer_url(self, member)
    }

    fn member_at(&self, peer_url: &str) -> Option<String> {
        etcd_service::member_at(self, peer_url)
    }
}

/// Connects to members.
#[derive(Clone, Debug)]
pub struct Connector {
    addresses: Arc<dyn Addresses>,
    tls: TlsOptions,
}

impl Connector {
    /// To the members of a `GoHub`, in its cluster.
    #[must_use]
    pub fn new(owner: &Owner, certificates: &Certificates) -> Self {
        Self::over(Arc::new(owner.clone()), certificates)
    }

    /// To members anywhere.
    #[must_use]
    pub fn over(addresses: Arc<dyn Addresses>, certificates: &Certificates) -> Self {
        let client = &certificates.client;
        let tls = TlsOptions::new()
            .ca_certificate(Certificate::from_pem(certificates.authorities.trusted()))
            .identity(Identity::from_pem(&client.certificate, &client.key));
        Self { addresses, tls }
    }

    /// Where members are.
    #[must_use]
    pub fn addresses(&self) -> &dyn Addresses {
        &*self.addresses
    }

    /// A client of one member. It does not wait for the connection: the first question does.
    ///
    /// # Errors
    /// If the address or the certificates cannot be used.
    pub async fn client(&self, member: &str) -> Result<Client, etcd_client::Error> {
        let options = ConnectOptions::new().with_connect_timeout(CONNECT).with_tls(self.tls.clone());
        Client::connect([self.addresses.client_url(member)], Some(options)).await
    }
}
