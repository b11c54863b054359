//! Settings as YAML: redacted for people, and with the true secrets for a hub's file.

use serde_yaml::{Mapping, Value};

use crate::{
    Settings,
    secret::{Writing, writing_secrets},
};

impl Settings {
    /// All settings as YAML, defaults included and each secret as `***`: for `--print-config` and whatever else people see.
    pub fn to_yaml(&self) -> String {
        writing_secrets(Writing::Redacted, || text(&self.to_value()))
    }

    /// What differs from the defaults as YAML, **with the secrets in clear**: what the operator writes into the file a hub reads,
    /// which is why that file belongs into a Secret as soon as there is one in it. Fields at their default are left out, so that a
    /// hub of an older version can read the file as long as nothing new is used.
    pub fn to_yaml_with_secrets(&self) -> String {
        let (value, defaults) = writing_secrets(Writing::Exposed, || (self.to_value(), Self::default().to_value()));
        text(&without(value, &defaults).unwrap_or_else(|| Value::Mapping(Mapping::new())))
    }

    /// The settings as a value, its secrets written as the surrounding [`writing_secrets`] says.
    pub(crate) fn to_value(&self) -> Value {
        serde_yaml::to_value(self).expect("texts, numbers and lists always have a YAML form")
    }
}

/// What of `value` differs from `defaults`.
fn without(value: Value, defaults: &Value) -> Option<Value> {
    match (value, defaults) {
        (Value::Mapping(mapping), Value::Mapping(defaults)) => {
            let differing = mapping.into_iter().filter_map(|(key, value)| match defaults.get(&key) {
                Some(default) => without(value, default).map(|value| (key, value)),
                None => Some((key, value)),
            });
            let differing: Mapping = differing.collect();
            (!differing.is_empty()).then_some(Value::Mapping(differing))
        }
        (value, default) => (value != *default).then_some(value),
    }
}

fn text(value: &Value) -> String {
    serde_yaml::to_string(value).expect("texts, numbers and lists always have a YAML form")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Secret;

    fn with_secrets() -> Settings {
        let mut settings = Settings::default();
        settings.admin.api_keys = vec![Secret::new("0123456789abcdef")];
        settings.cluster.etcd.username = "hub".to_owned();
        settings.cluster.etcd.password = Secret::new("'quoted': #");
        settings
    }

    #[test]
    fn printed_settings_have_no_secret_and_cannot_be_loaded_as_if_they_had() {
        let printed = with_secrets().to_yaml();
        assert!(!printed.contains("0123456789abcdef") && !printed.contains("quoted"), "{printed}");
        let error = Settings::from_yaml(&printed, std::iter::empty()).unwrap_err();
        assert_eq!(error.path(), Some("admin.api_keys[0]"));
        assert!(!format!("{:?}", with_secrets()).contains("0123456789abcdef"));
    }

    #[test]
    fn a_webhook_is_printed_without_its_query() {
        let text = "routes: [{id: 1000, to: webhook, url: 'https://app.example.com/in?token=t0p-secret'}]";
        let settings = Settings::from_yaml(text, std::iter::empty()).unwrap();
        let printed = settings.to_yaml();
        assert!(printed.contains("https://app.example.com/in?***"), "{printed}");
        let error = Settings::from_yaml(&printed, std::iter::empty()).unwrap_err();
        assert_eq!(error.path(), Some("routes[0].url"), "{error}");
        assert_eq!(Settings::from_yaml(&settings.to_yaml_with_secrets(), std::iter::empty()).unwrap(), settings);
    }

    #[test]
    fn the_file_for_a_hub_has_the_secrets_and_only_what_differs() {
        let file = with_secrets().to_yaml_with_secrets();
        assert_eq!(Settings::from_yaml(&file, std::iter::empty()).unwrap(), with_secrets());
        assert!(!file.contains("heartbeat"), "{file}");
        assert_eq!(Settings::default().to_yaml_with_secrets(), "{}\n");
    }

    #[test]
    fn an_optional_section_at_its_defaults_is_not_lost() {
        let mut settings = Settings::default();
        settings.cluster.etcd.tls = Some(crate::EtcdTls::default());
        let file = settings.to_yaml_with_secrets();
        assert_eq!(Settings::from_yaml(&file, std::iter::empty()).unwrap(), settings);
    }
}
