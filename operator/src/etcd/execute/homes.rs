//! Steps that create and delete pods and volumes.

use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod};
use k8s_openapi::api::policy::v1::Eviction;
use k8s_openapi::apimachinery::pkg::apis::meta::v1 as meta_v1;
use kube::ResourceExt;
use kube::api::{Api, DeleteParams, Patch, PatchParams, PostParams, Preconditions};
use serde_json::{Value, json};

use super::super::plan::Start;
use super::super::survey;
use super::{Error, Performed, Scene};
use crate::reconcile::build::{etcd_member, meta};

impl Scene<'_> {
    fn pods(&self) -> Api<Pod> {
        Api::namespaced(self.client.clone(), &self.cluster.owner.namespace)
    }

    fn volumes(&self) -> Api<PersistentVolumeClaim> {
        Api::namespaced(self.client.clone(), &self.cluster.owner.namespace)
    }

    fn object_name(&self, member: &str) -> String {
        etcd_member::name(self.cluster.owner, member)
    }
}

/// The first volume and the first pod. The volume comes first: whoever finds one without a pod goes on from there.
pub(super) async fn bootstrap(scene: &Scene<'_>, name: &str) -> Result<Performed, Error> {
    match create_volume(scene, name).await? {
        Performed::NotYet(why) => Ok(Performed::NotYet(why)),
        _ => post_pod(scene, name, Start::New, &[name]).await,
    }
}

/// A pod over the volume that is there; an empty volume is made only for a member that has never run.
pub(super) async fn create_pod(scene: &Scene<'_>, name: &str, start: Start) -> Result<Performed, Error> {
    let members = scene.seen.members.as_deref();
    if !scene.seen.homes.get(name).is_some_and(|home| home.volume) {
        let is_new = members.unwrap_or_default().iter().any(|member| member.name == name && member.unstarted);
        if !is_new {
            return Ok(Performed::NotYet(format!(
                "the volume of member {name} is gone, and with it what it had voted"
            )));
        }
        if let Performed::NotYet(why) = create_volume(scene, name).await? {
            return Ok(Performed::NotYet(why));
        }
    }
    let peers: Vec<&str> = match (start, members) {
        (Start::New, _) => vec![name],
        (Start::Existing, Some(members)) => members.iter().map(|member| member.name.as_str()).collect(),
        // Nobody can be asked. Over data etcd does not read it, and without data a wrong list keeps it from joining anything.
        (Start::Existing, None) => scene.seen.homes.keys().map(String::as_str).collect(),
    };
    post_pod(scene, name, start, &peers).await
}

/// A pod, and then a volume, of what is no member any more.
pub(super) async fn delete(scene: &Scene<'_>, name: &str) -> Result<Performed, Error> {
    let object = scene.object_name(name);
    let failed = |what| failed(format!("delete the {what} {object}"));
    if let Some(pod) = scene.pods().get_opt(&object).await.map_err(failed("pod"))? {
        if pod.metadata.deletion_timestamp.is_some() {
            return Ok(Performed::NotYet(format!("the pod {object} is being deleted")));
        }
        let deleted = scene.pods().delete(&object, &exactly(&pod)).await.map(drop);
        return changed(deleted, failed("pod"));
    }
    match scene.volumes().get_opt(&object).await.map_err(failed("volume"))? {
        None => Ok(Performed::Already),
        Some(volume) if survey::is_going(scene.cluster.owner, &volume) => {
            Ok(Performed::NotYet(format!("the volume {object} is about to go")))
        }
        Some(volume) => {
            let deleted = scene.volumes().delete(&object, &exactly(&volume)).await.map(drop);
            changed(deleted, failed("volume"))
        }
    }
}

/// Asks for the size of the spec. Whether the class can grow volumes is the API server's to say, which spares a right on classes.
pub(super) async fn grow(scene: &Scene<'_>, name: &str) -> Result<Performed, Error> {
    let object = scene.object_name(name);
    let size = &scene.cluster.spec.storage.size;
    let failed = || {
        failed(format!(
            "grow the volume {object} to {size} (if its class never can: delete pod and volume of one member after the other, \
             and each comes back with that size)"
        ))
    };
    let Some(volume) = scene.volumes().get_opt(&object).await.map_err(failed())? else { return Ok(Performed::Already) };
    let seen = json!({ "uid": volume.uid(), "resourceVersion": volume.resource_version() });
    let patch = json!({ "metadata": seen, "spec": { "resources": { "requests": { "storage": size } } } });
    let params = PatchParams { field_manager: Some(meta::OPERATOR.to_owned()), ..PatchParams::default() };
    let grown = scene.volumes().patch(&object, &params, &Patch::Merge(&patch)).await.map(drop);
    changed(grown, failed())
}

/// Makes the `GoHub` an owner of the volume, or no longer one, and gives it its labels. Other owners and labels stay.
pub(super) async fn own(scene: &Scene<'_>, name: &str) -> Result<Performed, Error> {
    let object = scene.object_name(name);
    let failed = || failed(format!("put owner and labels of the volume {object} right"));
    let Some(volume) = scene.volumes().get_opt(&object).await.map_err(failed())? else { return Ok(Performed::Already) };
    let others = volume.owner_references().iter().filter(|owner| owner.uid != scene.cluster.owner.uid).cloned();
    let ours = etcd_member::volume(scene.cluster, name).metadata;
    let owners: Vec<meta_v1::OwnerReference> = others.chain(ours.owner_references.unwrap_or_default()).collect();
    let metadata = json!({
        "uid": volume.uid(), "resourceVersion": volume.resource_version(), "ownerReferences": owners, "labels": ours.labels,
    });
    let params = PatchParams { field_manager: Some(meta::OPERATOR.to_owned()), ..PatchParams::default() };
    let patch = Patch::Merge(json!({ "metadata": metadata }));
    let owned = scene.volumes().patch(&object, &params, &patch).await.map(drop);
    changed(owned, failed())
}

/// A useless pod is deleted. One that runs is evicted, so that a budget that somebody else is using up is respected.
pub(super) async fn restart(scene: &Scene<'_>, name: &str) -> Result<Performed, Error> {
    let object = scene.object_name(name);
    let failed = || failed(format!("restart the pod {object}"));
    let Some(pod) = scene.pods().get_opt(&object).await.map_err(failed())? else { return Ok(Performed::Already) };
    if pod.metadata.deletion_timestamp.is_some() {
        return Ok(Performed::NotYet(format!("the pod {object} is being deleted")));
    }
    let useless = scene.seen.homes.get(name).and_then(|home| home.pod.as_ref()).is_some_and(|pod| pod.useless);
    let deleted =
        if useless { scene.pods().delete(&object, &exactly(&pod)).await.map(drop) } else { evict(scene, &pod).await };
    changed(deleted, failed())
}

/// Not kube's own `evict`, which sends the preconditions under a name that the API server does not know, and so without effect.
async fn evict(scene: &Scene<'_>, pod: &Pod) -> kube::Result<()> {
    let preconditions = meta_v1::Preconditions { uid: pod.uid(), resource_version: pod.resource_version() };
    let options = meta_v1::DeleteOptions { preconditions: Some(preconditions), ..Default::default() };
    let metadata = meta_v1::ObjectMeta { name: Some(pod.name_any()), namespace: pod.namespace(), ..Default::default() };
    let eviction = Eviction { metadata, delete_options: Some(options) };
    let answer: kube::Result<Value> =
        scene.pods().create_subresource("eviction", &pod.name_any(), &by_us(), &eviction).await;
    answer.map(drop)
}

async fn create_volume(scene: &Scene<'_>, name: &str) -> Result<Performed, Error> {
    let volume = etcd_member::volume(scene.cluster, name);
    let object = volume.name_any();
    let failed = || failed(format!("create the volume {object}"));
    match scene.volumes().create(&by_us(), &volume).await {
        Ok(_) => Ok(Performed::Changed),
        Err(error) if code(&error) == CONFLICT => {
            let there = scene.volumes().get_opt(&object).await.map_err(failed())?;
            let is_going = there.is_none_or(|volume| survey::is_going(scene.cluster.owner, &volume));
            Ok(if is_going {
                Performed::NotYet(format!("an older volume {object} is about to go"))
            } else {
                Performed::Already
            })
        }
        Err(error) => Err(failed()(error)),
    }
}

/// Created and never applied over what is there: a pod of that name that is not this one must be gone before.
async fn post_pod(scene: &Scene<'_>, name: &str, start: Start, peers: &[&str]) -> Result<Performed, Error> {
    let pod = etcd_member::pod(scene.cluster, name, start, peers);
    let object = pod.name_any();
    match scene.pods().create(&by_us(), &pod).await {
        Ok(_) => Ok(Performed::Changed),
        Err(error) if code(&error) == CONFLICT => Ok(Performed::NotYet(format!("there is a pod {object}"))),
        Err(error) => Err(failed(format!("create the pod {object}"))(error)),
    }
}

const NOT_FOUND: u16 = 404;
const CONFLICT: u16 = 409;
/// What an eviction gets that would break a budget.
const TOO_MANY_REQUESTS: u16 = 429;

fn code(error: &kube::Error) -> u16 {
    match error {
        kube::Error::Api(status) => status.code,
        _ => 0,
    }
}

fn failed(action: String) -> impl FnOnce(kube::Error) -> Error {
    move |source| Error::Kubernetes { action, source: Box::new(source) }
}

fn by_us() -> PostParams {
    PostParams { field_manager: Some(meta::OPERATOR.to_owned()), ..PostParams::default() }
}

/// This object in this version and no other under its name.
fn exactly(object: &impl ResourceExt) -> DeleteParams {
    let preconditions = Preconditions { uid: object.uid(), resource_version: object.resource_version() };
    DeleteParams { preconditions: Some(preconditions), ..DeleteParams::default() }
}

/// What is gone needs nothing, and what changed since is looked at again.
fn changed(result: kube::Result<()>, failed: impl FnOnce(kube::Error) -> Error) -> Result<Performed, Error> {
    match result {
        Ok(()) => Ok(Performed::Changed),
        Err(error) => match code(&error) {
            NOT_FOUND => Ok(Performed::Already),
            CONFLICT | TOO_MANY_REQUESTS => Ok(Performed::NotYet(error.to_string())),
            _ => Err(failed(error)),
        },
    }
}
