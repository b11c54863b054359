//! Which `GoHub` takes its configuration from which ConfigMap of a user's: a change of that one concerns it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// By the namespace and name of the `GoHub`: the name of its ConfigMap. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct References(Arc<Mutex<HashMap<(String, String), String>>>);

impl References {
    /// A std lock: held for one look-up, never across an await.
    fn with<T>(&self, work: impl FnOnce(&mut HashMap<(String, String), String>) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What this `GoHub` names now.
    pub fn set(&self, namespace: &str, name: &str, config_map: Option<&str>) {
        let key = (namespace.to_owned(), name.to_owned());
        self.with(|all| match config_map {
            Some(config_map) => all.insert(key, config_map.to_owned()),
            None => all.remove(&key),
        });
    }

    /// Forgets those that are gone.
    pub fn keep(&self, is_there: impl Fn(&str, &str) -> bool) {
        self.with(|all| all.retain(|(namespace, name), _| is_there(namespace, name)));
    }

    /// Names of the `GoHub`s of the namespace that name this ConfigMap.
    #[must_use]
    pub fn to(&self, namespace: &str, config_map: &str) -> Vec<String> {
        let names = |all: &mut HashMap<(String, String), String>| {
            let concerned = all.iter().filter(|((there, _), named)| there == namespace && *named == config_map);
            concerned.map(|((_, name), _)| name.clone()).collect()
        };
        self.with(names)
    }
}
