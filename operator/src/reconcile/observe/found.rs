//! The live objects of one `GoHub`, as the API server gave them.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::core::v1::{Pod, Secret};
use kube::ResourceExt;
use kube::api::DynamicObject;

use super::pods;
use crate::reconcile::build::meta;
use crate::reconcile::plan::Owner;

/// The live objects of one `GoHub`.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// By kind and name.
    pub children: BTreeMap<(String, String), DynamicObject>,
    /// The hub pods that are to stay.
    pub hubs: Vec<HubAddress>,
    /// What keeps a hub pod from running, as `pod: reason`.
    pub troubled_pods: Vec<String>,
    /// What a hub pod that runs is not ready for, as `pod: reason`.
    pub unready_pods: Vec<String>,
    /// Which versions of a user's own Secrets hub pods are to have mounted; empty if they mount none.
    pub secrets: String,
    /// Whether an autoscaler that is not ours steers our Deployment: its number of pods is not ours to write then.
    pub scaled_by_other: bool,
}

/// A hub pod and where its hub answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HubAddress {
    /// The pod's name.
    pub name: String,
    /// The pod's uid.
    pub uid: String,
    /// Its address, once it has one and runs.
    pub address: Option<String>,
    /// Whether it is ready.
    pub ready: bool,
    /// What it was last told to look at.
    pub nudged: Option<String>,
    /// The same of Secrets.
    pub secrets: Option<String>,
}

impl Found {
    pub(super) fn new(owner: &Owner, objects: impl Iterator<Item = DynamicObject>, pods: Vec<Pod>) -> Self {
        let mut found = Self::default();
        for object in objects {
            if !is_labelled(owner, &object) {
                found.scaled_by_other |= steers(owner, &object);
            } else {
                found.add(object);
            }
        }
        let staying = || pods.iter().filter(|pod| pods::is_staying(pod));
        found.hubs = staying().map(pods::address).collect();
        found.hubs.sort_by(|a, b| a.name.cmp(&b.name));
        found.troubled_pods = staying().filter_map(pods::trouble).collect();
        found.troubled_pods.sort();
        found.unready_pods = staying().filter_map(pods::unready).collect();
        found.unready_pods.sort();
        found
    }

    /// Takes an object in, under its kind and name.
    pub fn add(&mut self, object: DynamicObject) {
        let kind = object.types.as_ref().map(|types| types.kind.clone()).unwrap_or_default();
        self.children.insert((kind, object.name_any()), object);
    }

    /// The object of a kind and name.
    #[must_use]
    pub fn get(&self, kind: &str, name: &str) -> Option<&DynamicObject> {
        self.children.get(&(kind.to_owned(), name.to_owned()))
    }

    /// The Secret of a name.
    #[must_use]
    pub fn secret(&self, name: &str) -> Option<Secret> {
        self.get("Secret", name)?.clone().try_parse().ok()
    }

    /// The Secret of a name, unless it is of an older `GoHub` of the same name: that one is about to be collected, and what is in it was
    /// known to others.
    #[must_use]
    pub fn own_secret(&self, owner: &Owner, name: &str) -> Option<Secret> {
        self.secret(name).filter(|secret| {
            let mut owners = secret.metadata.owner_references.iter().flatten();
            owners.all(|reference| reference.controller != Some(true) || reference.uid == owner.uid)
        })
    }

    /// The hubs' Deployment.
    #[must_use]
    pub fn deployment(&self) -> Option<Deployment> {
        let mut all = self.children.iter().filter(|((kind, _), _)| kind == "Deployment");
        all.next()?.1.clone().try_parse().ok()
    }
}

fn is_labelled(owner: &Owner, object: &DynamicObject) -> bool {
    let labels = object.labels();
    labels.get(meta::INSTANCE) == Some(&owner.name)
        && labels.get(meta::MANAGED_BY).is_some_and(|manager| manager == meta::OPERATOR)
}

/// Whether the object is an autoscaler whose target is our Deployment.
fn steers(owner: &Owner, object: &DynamicObject) -> bool {
    let autoscaler = object.clone().try_parse::<HorizontalPodAutoscaler>();
    let target = autoscaler.ok().and_then(|autoscaler| autoscaler.spec).map(|spec| spec.scale_target_ref);
    target.is_some_and(|target| target.kind == "Deployment" && target.name == owner.name)
}
