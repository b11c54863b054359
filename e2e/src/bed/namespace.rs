//! The namespace of a test, and the test's frame: context, namespace, body, logs when it failed, and everything deleted again.

use std::panic::AssertUnwindSafe;

use futures::FutureExt;
use futures::future::join_all;
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{Api, DeleteParams, ObjectMeta, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};

use super::dump::dump;
use super::wait::eventually;

/// A namespace of a cluster.
#[derive(Clone)]
pub struct Bed {
    /// Speaks to the API server of the context.
    pub client: Client,
    /// The namespace.
    pub namespace: String,
    /// Takes the first answer for good, where `client` waits and asks again when it is told to.
    pub(super) firm: Client,
}

impl std::fmt::Debug for Bed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bed").field("namespace", &self.namespace).finish_non_exhaustive()
    }
}

/// Runs a test in a new namespace whose name begins with `name`. Without `E2E_CONTEXT` it fails: nobody chose a cluster, and a test must
/// not take one that happens to be configured.
///
/// # Panics
/// When the body does, after the logs are kept and the namespace is deleted.
pub async fn test(name: &str, body: impl AsyncFnOnce(&Bed)) {
    tests(name, 1, async |beds| body(&beds[0]).await).await;
}

/// The same in several namespaces at once.
///
/// # Panics
/// When the body does, after the logs are kept and the namespaces are deleted.
#[expect(clippy::disallowed_methods, reason = "a test is told its cluster by the environment")]
pub async fn tests(name: &str, count: usize, body: impl AsyncFnOnce(&[Bed])) {
    let context = std::env::var("E2E_CONTEXT").expect("E2E_CONTEXT names a kube context; scripts/e2e.sh sets it");
    let (client, firm) = (connect(&context, true).await, connect(&context, false).await);
    let bed = async |_| Bed { namespace: create(&client, name).await, client: client.clone(), firm: firm.clone() };
    let beds = join_all((0..count).map(bed)).await;
    let outcome = AssertUnwindSafe(body(&beds)).catch_unwind().await;
    let keep = std::env::var_os("KEEP").is_some();
    if outcome.is_err()
        && let Some(directory) = std::env::var_os("E2E_LOGS")
    {
        join_all(beds.iter().map(|bed| dump(bed, std::path::Path::new(&directory)))).await;
    }
    if outcome.is_ok() || !keep {
        join_all(beds.iter().map(Bed::delete)).await;
    }
    if let Err(panic) = outcome {
        std::panic::resume_unwind(panic);
    }
}

async fn connect(context: &str, again: bool) -> Client {
    let options = KubeConfigOptions { context: Some(context.to_owned()), ..KubeConfigOptions::default() };
    let file = Kubeconfig::read().expect("a kubeconfig");
    let config = Config::from_custom_kubeconfig(file, &options).await;
    let mut config = config.unwrap_or_else(|error| panic!("context {context}: {error}"));
    config.default_retry = again;
    Client::try_from(config).expect("a client")
}

async fn create(client: &Client, name: &str) -> String {
    let metadata = ObjectMeta {
        generate_name: Some(format!("{name}-")),
        labels: Some([("gohub.io/e2e".to_owned(), "true".to_owned())].into()),
        ..ObjectMeta::default()
    };
    let namespace = Namespace { metadata, ..Namespace::default() };
    let created = Api::all(client.clone()).create(&PostParams::default(), &namespace).await;
    created.expect("a namespace is created").metadata.name.expect("it has a name")
}

impl Bed {
    /// The objects of a kind in this namespace.
    #[must_use]
    pub fn api<K>(&self) -> Api<K>
    where
        K: kube::Resource<Scope = kube::core::NamespaceResourceScope, DynamicType: Default>,
    {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    async fn delete(&self) {
        let api: Api<Namespace> = Api::all(self.client.clone());
        // What it holds is deleted in no order; that the operator lets go of it is part of every test.
        drop(api.delete(&self.namespace, &DeleteParams::default()).await);
        let look = async || api.get_opt(&self.namespace).await.map(|left| left.map(|left| left.status));
        drop(eventually("the namespace is gone", look, |left| matches!(left, Ok(None))).await);
    }
}
