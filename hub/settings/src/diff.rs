//! What a reload changes, and whether it can be done without a restart.

use std::collections::BTreeMap;

use serde_yaml::Value;

use crate::{
    Settings, hash,
    secret::{Writing, writing_secrets},
};

/// What cannot change in a running process: a connection's socket belongs to its shard's thread, and rooms and cursors are counted
/// per shard, so their number is fixed when the threads start. Everything else is hot.
const RESTART: [&str; 1] = ["server.shards"];

/// The difference between two settings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diff {
    /// Paths of all fields that differ, sorted. A list counts as one field.
    pub changed: Vec<String>,
    /// Those of them that count only after a restart.
    pub restart: Vec<String>,
}

impl Diff {
    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        self.changed.is_empty()
    }

    /// Whether the field, or anything in the section, differs: `touches("cluster.etcd")`.
    pub fn touches(&self, path: &str) -> bool {
        self.changed
            .iter()
            .any(|changed| changed.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
    }
}

/// The fields in which `new` differs from `old`. Secrets are compared and not shown.
pub fn diff(old: &Settings, new: &Settings) -> Diff {
    let (old, new) = (leaves(old, Writing::Exposed), leaves(new, Writing::Exposed));
    let differs = |path: &&String| old.get(*path) != new.get(*path);
    let mut changed: Vec<String> = old.keys().chain(new.keys()).filter(differs).cloned().collect();
    changed.sort_unstable();
    changed.dedup();
    let restart = changed.iter().filter(|path| RESTART.contains(&path.as_str())).cloned().collect();
    Diff { changed, restart }
}

impl Settings {
    /// Which settings these are, as 16 hexadecimal digits: equal for every way of writing the same settings, different when
    /// anything differs, a secret included, of which it has too little to be found from it.
    ///
    /// Only what differs from the defaults enters, so a version that adds a field does not change the hash of a file that lacks it.
    pub fn hash(&self) -> String {
        let defaults = leaves(&Self::default(), Writing::Fingerprint);
        let mut canonical = String::new();
        for (path, value) in leaves(self, Writing::Fingerprint) {
            if defaults.get(&path) != Some(&value) {
                canonical.push_str(&path);
                canonical.push('=');
                canonical.push_str(&value);
            }
        }
        format!("{:016x}", hash::fnv1a(canonical.as_bytes()))
    }
}

/// Every field by its path, as canonical text.
fn leaves(settings: &Settings, secrets: Writing) -> BTreeMap<String, String> {
    let mut leaves = BTreeMap::new();
    let value = writing_secrets(secrets, || settings.to_value());
    collect(&value, String::new(), &mut leaves);
    leaves
}

fn collect(value: &Value, path: String, leaves: &mut BTreeMap<String, String>) {
    match value {
        Value::Mapping(mapping) => {
            for (key, value) in mapping {
                let name = key.as_str().unwrap_or_default();
                collect(value, crate::check::at(&path, name), leaves);
            }
        }
        // A value always has a YAML form; an empty one would only make two lists look equal.
        other => {
            leaves.insert(path, serde_yaml::to_string(other).unwrap_or_default());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Secret;

    fn settings(yaml: &str) -> Settings {
        Settings::from_yaml(yaml, std::iter::empty()).unwrap()
    }

    #[test]
    fn only_the_number_of_shards_needs_a_restart() {
        let old = Settings::default();
        let new = settings("server: {shards: 2, read_timeout: 1s}\nlog: {level: debug}");
        let diff = diff(&old, &new);
        assert_eq!(diff.changed, ["log.level", "server.read_timeout", "server.shards"]);
        assert_eq!(diff.restart, ["server.shards"]);
    }

    #[test]
    fn equal_settings_have_no_difference() {
        assert!(diff(&settings("heartbeat: {interval: 60s}"), &settings("heartbeat:\n  interval: 1m")).is_empty());
    }

    #[test]
    fn a_rotated_secret_and_a_new_section_are_differences() {
        let mut old = Settings::default();
        old.cluster.etcd.password = Secret::new("one");
        let mut new = old.clone();
        new.cluster.etcd.password = Secret::new("two");
        new.server.tls = Some(crate::ServerTls { cert: "a".into(), key: "b".into(), client_ca: String::new() });
        let diff = diff(&old, &new);
        assert_eq!(diff.changed, ["cluster.etcd.password", "server.tls.cert", "server.tls.key"]);
        assert!(diff.touches("server.tls") && diff.touches("cluster") && diff.touches("cluster.etcd.password"));
        assert!(!diff.touches("server.t") && !diff.touches("log"));
    }

    #[test]
    fn reformatting_a_file_does_not_change_its_hash() {
        let one = settings("server: {addr: '0.0.0.0:8081'}\nheartbeat: {interval: 60s}\n");
        let other = settings(
            "# moved\nheartbeat:\n  interval: \"1m\"\nserver:\n  addr: 0.0.0.0:8081\n  path: /ws # as by default\n",
        );
        assert_eq!(one.hash(), other.hash());
        assert_ne!(one.hash(), Settings::default().hash());
        assert_eq!(one.hash().len(), 16);
    }

    #[test]
    fn the_hash_is_the_same_in_every_version() {
        assert_eq!(Settings::default().hash(), "cbf29ce484222325");
        assert_eq!(settings("log: {level: debug}").hash(), format!("{:016x}", hash::fnv1a(b"log.level=debug\n")));
    }

    #[test]
    fn a_rotated_secret_changes_the_hash() {
        let keys = |key: &str| settings(&format!("admin: {{api_keys: [{key}]}}")).hash();
        assert_ne!(keys("0123456789abcdef"), keys("0123456789abcdeg"));
    }
}
