//! Which `GoHub` names which ConfigMap or Secret of a user's: a change of that one concerns it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::validate::is_object_name;
use crate::api::v1alpha1::GoHubSpec;

/// The kind of what has the configuration.
pub const CONFIG_MAP: &str = "ConfigMap";
/// The kind of what has certificates.
pub const SECRET: &str = "Secret";

/// An object of a user's that a spec names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// Where it is named.
    pub field: &'static str,
    /// What it is.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// The keys that pods look for in it.
    pub keys: Vec<String>,
}

/// What the spec names and pods cannot do without. A name that can be no object's is left out: the spec is refused for it.
#[must_use]
pub fn named_by(spec: &GoHubSpec) -> Vec<Reference> {
    let secret = |field, name: &Option<String>, keys: &[&str]| {
        let keys = keys.iter().map(|key| (*key).to_owned()).collect();
        name.clone().map(|name| Reference { field, kind: SECRET, name, keys })
    };
    let config = spec.config_from.as_ref().map(|from| Reference {
        field: "spec.configFrom",
        kind: CONFIG_MAP,
        name: from.name.clone(),
        keys: vec![from.key.clone()],
    });
    let hub = secret("spec.hub.tlsSecret", &spec.hub.tls_secret, &["tls.crt", "tls.key"]);
    let external = spec.etcd.external.as_ref();
    let etcd = external.and_then(|external| {
        secret("spec.etcd.external.tlsSecret", &external.tls_secret, &["ca.crt", "tls.crt", "tls.key"])
    });
    [config, hub, etcd].into_iter().flatten().filter(|reference| is_object_name(&reference.name)).collect()
}

/// By the namespace and name of the `GoHub`: what it names. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct References(Arc<Mutex<Named>>);

type Named = HashMap<(String, String), Vec<Reference>>;

impl References {
    /// A std lock: held for one look-up, never across an await.
    fn with<T>(&self, work: impl FnOnce(&mut Named) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What this `GoHub` names now.
    pub fn set(&self, namespace: &str, name: &str, named: Vec<Reference>) {
        let key = (namespace.to_owned(), name.to_owned());
        self.with(|all| if named.is_empty() { all.remove(&key) } else { all.insert(key, named) });
    }

    /// Forgets those that are gone.
    pub fn keep(&self, is_there: impl Fn(&str, &str) -> bool) {
        self.with(|all| all.retain(|(namespace, name), _| is_there(namespace, name)));
    }

    /// Names of the `GoHub`s of the namespace that name this object.
    #[must_use]
    pub fn to(&self, namespace: &str, kind: &str, object: &str) -> Vec<String> {
        let is_it = |named: &Vec<Reference>| named.iter().any(|one| one.kind == kind && one.name == object);
        self.with(|all| {
            let concerned = all.iter().filter(|((there, _), named)| there == namespace && is_it(named));
            concerned.map(|((_, name), _)| name.clone()).collect()
        })
    }
}
