//! The part of a live object that the operator wrote: whether it is as it was, whatever others added beside it.

use kube::api::DynamicObject;
use serde_json::{Map, Value, json};

use crate::reconcile::memory::digest;

/// A digest of what the live object has where `applied` has something. Another object of the same name has another one.
pub(super) fn digest_of(live: &DynamicObject, applied: &Value) -> u64 {
    let mut whole = live.data.clone();
    whole["metadata"] = json!({
        "labels": live.metadata.labels,
        "annotations": live.metadata.annotations,
        "ownerReferences": live.metadata.owner_references,
    });
    digest((&live.metadata.uid, part(&whole, applied).to_string()))
}

/// Of maps the keys that were applied; lists as they are, because what the API server adds to their items stays as it is.
fn part(live: &Value, applied: &Value) -> Value {
    match (live, applied) {
        (Value::Object(live), Value::Object(applied)) => {
            let both = applied.iter().filter_map(|(key, applied)| Some((key.clone(), part(live.get(key)?, applied))));
            Value::Object(both.collect::<Map<_, _>>())
        }
        (live, _) => live.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn live(value: &Value) -> DynamicObject {
        serde_json::from_value(value.clone()).unwrap()
    }

    #[test]
    fn what_others_add_is_not_our_part_and_what_they_change_is() {
        let applied = json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": { "name": "chat", "labels": { "ours": "1" } },
            "spec": { "replicas": 1, "template": { "containers": [{ "name": "hub" }] } },
        });
        let mut object = applied.clone();
        object["metadata"]["uid"] = json!("1");
        let begin = digest_of(&live(&object), &applied);
        object["metadata"]["annotations"] = json!({ "deployment.kubernetes.io/revision": "1" });
        object["metadata"]["labels"]["theirs"] = json!("2");
        object["metadata"]["resourceVersion"] = json!("7");
        object["status"] = json!({ "replicas": 1 });
        object["spec"]["paused"] = json!(false);
        assert_eq!(digest_of(&live(&object), &applied), begin);
        for (pointer, value) in [
            ("/metadata/labels/ours", json!("2")),
            ("/spec/replicas", json!(2)),
            ("/spec/template/containers/0/name", json!("other")),
            ("/metadata/uid", json!("2")),
        ] {
            let mut changed = object.clone();
            *changed.pointer_mut(pointer).unwrap() = value;
            assert_ne!(digest_of(&live(&changed), &applied), begin, "{pointer}");
        }
        object["spec"].as_object_mut().unwrap().remove("replicas");
        assert_ne!(digest_of(&live(&object), &applied), begin);
    }
}
