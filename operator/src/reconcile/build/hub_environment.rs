//! The variables that lay the operator's part over the hubs' file.
//!
//! They are the same for every pod and for every size of the etcd cluster: a variable that changed with a scale would restart every hub.

use k8s_openapi::api::core::v1::{EnvVar, EnvVarSource, ObjectFieldSelector, SecretKeySelector};

use super::{etcd_service, meta, secrets};
use crate::api::v1alpha1::Hub;
use crate::reconcile::observed::{Family, Keys};
use crate::reconcile::plan::{Etcd, Owner, Plan};

/// Port of the public listener, in the pod.
pub const PUBLIC_PORT: i32 = 8080;
/// Port of the admin listener.
pub const ADMIN_PORT: i32 = 9090;
/// Port on which hubs ask each other.
pub const PEER_PORT: i32 = 9191;
/// Where the certificate of the public listener is mounted.
pub const TLS_DIRECTORY: &str = "/etc/gohub/tls";
/// Where the certificate towards etcd is mounted.
pub const ETCD_DIRECTORY: &str = "/etc/gohub/etcd";

enum Value {
    Plain(String),
    Key(&'static str),
    /// The pod's address with the port behind it.
    Address(i32),
}

fn variables(owner: &Owner, family: Family, hub: &Hub, etcd: &Etcd) -> Vec<(&'static str, Value)> {
    let any = |port| Value::Plain(format!("{}:{port}", family.any()));
    let file = |directory: &str, name: &str| Value::Plain(format!("{directory}/{name}"));
    let mut all = vec![
        ("GOHUB_SERVER__ADDR", any(PUBLIC_PORT)),
        ("GOHUB_ADMIN__ADDR", any(ADMIN_PORT)),
        ("GOHUB_ADMIN__API_KEYS", Value::Key(secrets::ADMIN_KEY)),
    ];
    if hub.tls_secret.is_some() {
        all.push(("GOHUB_SERVER__TLS__CERT", file(TLS_DIRECTORY, "tls.crt")));
        all.push(("GOHUB_SERVER__TLS__KEY", file(TLS_DIRECTORY, "tls.key")));
    }
    let endpoints = match etcd {
        Etcd::Disabled => return all,
        Etcd::Managed { .. } => etcd_service::client_url(owner),
        Etcd::External(external) => external.endpoints.join(","),
    };
    all.extend([
        ("GOHUB_CLUSTER__ENABLED", Value::Plain("true".to_owned())),
        ("GOHUB_CLUSTER__GRPC_ADDR", any(PEER_PORT)),
        ("GOHUB_CLUSTER__ADVERTISE", Value::Address(PEER_PORT)),
        ("GOHUB_CLUSTER__PEER_KEY", Value::Key(secrets::PEER_KEY)),
        ("GOHUB_CLUSTER__ETCD__ENDPOINTS", Value::Plain(endpoints)),
    ]);
    if tls_secret(owner, etcd).is_some() {
        all.push(("GOHUB_CLUSTER__ETCD__TLS__CA", file(ETCD_DIRECTORY, "ca.crt")));
        all.push(("GOHUB_CLUSTER__ETCD__TLS__CERT", file(ETCD_DIRECTORY, "tls.crt")));
        all.push(("GOHUB_CLUSTER__ETCD__TLS__KEY", file(ETCD_DIRECTORY, "tls.key")));
    }
    if matches!(etcd, Etcd::Managed { .. }) {
        // Nobody else uses this etcd, so a hub may compact all of it.
        all.push(("GOHUB_CLUSTER__ETCD__COMPACT", Value::Plain("true".to_owned())));
    }
    all
}

/// The Secret with the certificate towards etcd.
#[must_use]
pub fn tls_secret(owner: &Owner, etcd: &Etcd) -> Option<String> {
    match etcd {
        Etcd::Disabled => None,
        Etcd::Managed { .. } => Some(meta::name(owner, secrets::CLIENT_TLS)),
        Etcd::External(external) => external.tls_secret.clone(),
    }
}

/// Names and values as a hub will find them, to judge its settings by; a pod's address is only an example.
#[must_use]
pub fn values(owner: &Owner, family: Family, keys: &Keys, hub: &Hub, etcd: &Etcd) -> Vec<(String, String)> {
    let text = |value| match value {
        Value::Plain(text) => text,
        Value::Key(secrets::ADMIN_KEY) => keys.admin.clone(),
        Value::Key(_) => keys.peer.clone(),
        Value::Address(port) => match family {
            Family::V4 => format!("192.0.2.1:{port}"),
            Family::V6 => format!("[2001:db8::1]:{port}"),
        },
    };
    variables(owner, family, hub, etcd).into_iter().map(|(name, value)| (name.to_owned(), text(value))).collect()
}

/// The variables of the container.
#[must_use]
pub fn build(plan: &Plan) -> Vec<EnvVar> {
    let from = |name: &str, source| EnvVar { name: name.to_owned(), value: None, value_from: Some(source) };
    let plain = |name: &str, value: String| EnvVar { name: name.to_owned(), value: Some(value), value_from: None };
    let field = ObjectFieldSelector { api_version: None, field_path: "status.podIP".to_owned() };
    let pod_ip = EnvVarSource { field_ref: Some(field), ..EnvVarSource::default() };
    let mut built = vec![from("POD_IP", pod_ip)];
    for (name, value) in variables(&plan.owner, plan.family, &plan.hub, &plan.etcd) {
        built.push(match value {
            Value::Plain(text) => plain(name, text),
            Value::Address(port) => plain(name, format!("{}:{port}", plan.family.host("$(POD_IP)"))),
            Value::Key(key) => {
                let secret = meta::name(&plan.owner, secrets::KEYS);
                let key = SecretKeySelector { name: secret, key: key.to_owned(), optional: None };
                from(name, EnvVarSource { secret_key_ref: Some(key), ..EnvVarSource::default() })
            }
        });
    }
    built
}
