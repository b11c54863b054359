//! Names, labels and owner references: the only place that spells them.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta, OwnerReference};

use crate::api::{GROUP, KIND, VERSION};
use crate::reconcile::plan::Owner;

/// The label whose value is the `GoHub`'s name: what is pruned is found by it, and by the owner's uid.
pub const INSTANCE: &str = "app.kubernetes.io/instance";
/// The label that says what a pod is.
pub const COMPONENT: &str = "app.kubernetes.io/component";
const NAME: &str = "app.kubernetes.io/name";
/// The label that says who manages an object.
pub const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// Who manages our objects; also the `name` label of the operator's own pods.
pub const OPERATOR: &str = "gohub-operator";
/// The label with a member's name.
pub const MEMBER: &str = "gohub.io/member";
/// The annotation with the hash of the template that a member's pod was made from.
pub const TEMPLATE: &str = "gohub.io/template";
/// The annotation that says that an etcd cluster was begun once; on the Secret with its authority, which lives as long as the `GoHub`.
pub const BOOTSTRAPPED: &str = "gohub.io/etcd-bootstrapped";
/// The annotation with the spec of the managed etcd cluster that was valid last; on the same Secret. It heals by that while a newer one is refused.
pub const ETCD_SPEC: &str = "gohub.io/etcd-spec";
/// The annotation that changes when a setting did that only a restart can load.
pub const RESTART: &str = "gohub.io/restart";

/// The annotation that is changed on a hub pod so that kubelet brings its volumes up to date at once.
pub const NUDGE: &str = "gohub.io/config-nudge";

/// The same for a user's own Secrets: the versions that a pod was told of.
pub const SECRETS: &str = "gohub.io/secrets-nudge";

/// What an object belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Component {
    /// The hubs.
    Hub,
    /// The etcd cluster.
    Etcd,
}

impl Component {
    fn as_str(self) -> &'static str {
        match self {
            Self::Hub => "hub",
            Self::Etcd => "etcd",
        }
    }
}

/// Labels that select the pods of a component. They never change: a Deployment's selector cannot.
#[must_use]
pub fn selector(owner: &Owner, component: Component) -> BTreeMap<String, String> {
    [(NAME, "gohub"), (INSTANCE, &owner.name), (COMPONENT, component.as_str())]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into()
}

/// [`selector`] as Kubernetes' own type.
#[must_use]
pub fn label_selector(owner: &Owner, component: Component) -> LabelSelector {
    LabelSelector { match_labels: Some(selector(owner, component)), ..LabelSelector::default() }
}

/// [`selector`] as the text that the scale subresource hands to autoscalers.
#[must_use]
pub fn selector_text(owner: &Owner, component: Component) -> String {
    let pairs: Vec<String> = selector(owner, component).iter().map(|(key, value)| format!("{key}={value}")).collect();
    pairs.join(",")
}

/// Labels of every object.
#[must_use]
pub fn labels(owner: &Owner, component: Component) -> BTreeMap<String, String> {
    let mut labels = selector(owner, component);
    labels.insert(MANAGED_BY.to_owned(), OPERATOR.to_owned());
    labels
}

/// The owner's name with a suffix; an empty one gives the name itself.
#[must_use]
pub fn name(owner: &Owner, suffix: &str) -> String {
    if suffix.is_empty() { owner.name.clone() } else { format!("{}-{suffix}", owner.name) }
}

/// Metadata of an object that goes when its `GoHub` goes.
#[must_use]
pub fn owned(owner: &Owner, suffix: &str, component: Component) -> ObjectMeta {
    ObjectMeta { owner_references: Some(vec![owner_reference(owner)]), ..unowned(owner, suffix, component) }
}

/// Metadata of an object that may outlive its `GoHub`: a volume that holds data.
#[must_use]
pub fn unowned(owner: &Owner, suffix: &str, component: Component) -> ObjectMeta {
    ObjectMeta {
        name: Some(name(owner, suffix)),
        namespace: Some(owner.namespace.clone()),
        labels: Some(labels(owner, component)),
        ..ObjectMeta::default()
    }
}

fn owner_reference(owner: &Owner) -> OwnerReference {
    OwnerReference {
        api_version: format!("{GROUP}/{VERSION}"),
        kind: KIND.to_owned(),
        name: owner.name.clone(),
        uid: owner.uid.clone(),
        controller: Some(true),
        block_owner_deletion: Some(true),
    }
}
