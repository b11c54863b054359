//! What follows from a `GoHub`, as a whole: to compare it with what it was, or with what it is elsewhere.

use std::collections::BTreeMap;

use futures::future::try_join_all;
use gohub_operator::reconcile::kinds;
use kube::ResourceExt;
use kube::api::{Api, ApiResource, DynamicObject, ListParams};
use serde_json::{Value, json};

use super::namespace::Bed;

/// Annotations that Kubernetes' own controllers write, or that follow from keys, which are random.
const NOT_COMPARED: [&str; 4] =
    ["deployment.kubernetes.io/", "pv.kubernetes.io/", "volume.kubernetes.io/", "gohub.io/template"];

impl Bed {
    /// The objects of a `GoHub` by kind and name, its volumes included.
    ///
    /// # Panics
    /// When they cannot be listed.
    pub async fn objects(&self, gohub: &str) -> BTreeMap<String, DynamicObject> {
        let labels = format!("app.kubernetes.io/instance={gohub},app.kubernetes.io/managed-by=gohub-operator");
        let list = async |resource: ApiResource| {
            let api: Api<DynamicObject> = Api::namespaced_with(self.client.clone(), &self.namespace, &resource);
            let listed = api.list(&ListParams::default().labels(&labels)).await?;
            let named = |object: DynamicObject| (format!("{} {}", resource.kind, object.name_any()), object);
            Ok::<_, kube::Error>(listed.items.into_iter().map(named).collect::<Vec<_>>())
        };
        let kinds = kinds::applied().into_iter().chain(kinds::stepped());
        let listed = try_join_all(kinds.map(list)).await.expect("objects are listed");
        listed.into_iter().flatten().collect()
    }

    /// The same without what differs between two `GoHub`s of one spec: uids, versions, status, keys, addresses, nodes, the namespace's name.
    ///
    /// # Panics
    /// When they cannot be listed.
    pub async fn normalised(&self, gohub: &str) -> BTreeMap<String, Value> {
        let objects = self.objects(gohub).await;
        objects.into_iter().map(|(name, object)| (name, self.normal(&object))).collect()
    }

    fn normal(&self, object: &DynamicObject) -> Value {
        let metadata = &object.metadata;
        let compared = |name: &&String| !NOT_COMPARED.iter().any(|prefix| name.starts_with(prefix));
        let annotations: BTreeMap<&String, &String> =
            metadata.annotations.iter().flatten().filter(|(name, _)| compared(name)).collect();
        let owners: Vec<_> =
            metadata.owner_references.iter().flatten().map(|owner| (&owner.kind, &owner.name)).collect();
        let mut data = object.data.clone();
        if let Some(fields) = data.as_object_mut() {
            fields.remove("status");
            if object.types.as_ref().is_some_and(|types| types.kind == "Secret") || fields.contains_key("type") {
                let keys = fields.get("data").and_then(Value::as_object).map(|data| data.keys().cloned().collect());
                fields.insert("data".to_owned(), json!(keys.unwrap_or_else(Vec::<String>::new)));
            }
        }
        if let Some(spec) = data.get_mut("spec").and_then(Value::as_object_mut) {
            for field in ["clusterIP", "clusterIPs", "nodeName", "volumeName"] {
                // Whether a Service is headless is of the operator's making; the rest is the cluster's.
                if spec.get(field).is_some_and(|value| *value != json!("None") && *value != json!(["None"])) {
                    spec.remove(field);
                }
            }
        }
        let normal = json!({
            "labels": metadata.labels, "annotations": annotations, "owners": owners,
            "finalizers": metadata.finalizers, "rest": data,
        });
        let mut text = normal.to_string().replace(&self.namespace, "NAMESPACE");
        for owner in metadata.owner_references.iter().flatten() {
            text = text.replace(&owner.uid, "UID");
        }
        text.parse().expect("JSON as before")
    }
}
