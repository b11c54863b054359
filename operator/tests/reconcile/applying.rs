//! What is applied, in which order, and when nothing is.

use gohub_operator::reconcile::Next;
use gohub_operator::reconcile::context::Apis;
use serde_json::json;

use crate::scene::Scene;

#[tokio::test]
async fn the_first_look_writes_every_object_once_and_the_pods_last() {
    let scene = Scene::new();
    scene.look().await.unwrap();
    let writes = scene.server.take_writes();
    assert_eq!(
        writes,
        [
            "PATCH serviceaccounts/chat",
            "PATCH secrets/chat-keys",
            "PATCH configmaps/chat-config",
            "PATCH networkpolicies/chat",
            "PATCH services/chat",
            "PATCH poddisruptionbudgets/chat",
            "PATCH deployments/chat",
            "PATCH gohubs/chat/status",
        ]
    );
}

#[tokio::test]
async fn every_object_is_applied_by_one_manager_without_force() {
    let scene = Scene::new();
    scene.look().await.unwrap();
    for call in scene.server.take_calls().iter().filter(|call| call.is_write() && !call.path.ends_with("/status")) {
        assert!(call.query.contains("fieldManager=gohub-operator"), "{call:?}");
        assert!(!call.query.contains("force=true"), "{call:?}");
    }
}

#[tokio::test]
async fn it_becomes_ready_only_when_the_hubs_say_so() {
    let mut scene = Scene::new();
    scene.look().await.unwrap();
    assert_eq!(scene.condition("Ready"), ("False".to_owned(), "RollingOut".to_owned()));
    scene.server.play_deployment("chat");
    scene.look().await.unwrap();
    assert_eq!(scene.condition("Ready").0, "False", "the pods are ready and no hub has answered");
    scene.settle().await;
    assert_eq!(scene.condition("Ready").0, "True");
    assert_eq!(scene.events(), ["Ready"]);
}

#[tokio::test]
async fn o41_a_steady_state_writes_nothing() {
    let scene = Scene::settled().await;
    for _ in 0..10 {
        assert_eq!(scene.look().await.unwrap(), Next::Later);
    }
    assert_eq!(scene.server.take_writes(), [""; 0]);
    assert_eq!(scene.events().len(), 1, "no event says again what is known");
}

#[tokio::test]
async fn o41_what_kubernetes_writes_beside_ours_is_no_reason_to_write() {
    let scene = Scene::settled().await;
    scene.server.change("deployments", "chat", |deployment| {
        deployment["metadata"]["annotations"] = json!({ "deployment.kubernetes.io/revision": "1" });
        deployment["spec"]["paused"] = json!(false);
    });
    scene.server.play_deployment("chat");
    scene.look().await.unwrap();
    assert_eq!(scene.server.take_writes(), [""; 0]);
    assert_eq!(scene.events(), ["Ready"], "and nothing was reverted");
}

#[tokio::test]
async fn o41_a_restarted_operator_changes_no_resource_version() {
    let mut scene = Scene::settled().await;
    let before = scene.server.versions();
    scene.restart();
    scene.look().await.unwrap();
    assert_eq!(scene.server.versions(), before);
    scene.server.take_calls();
    scene.look().await.unwrap();
    assert_eq!(scene.server.take_writes(), [""; 0], "from the second look on it is silent");
}

#[tokio::test]
async fn ready_is_never_said_of_the_template_before() {
    let mut scene = Scene::settled().await;
    scene.spec(|spec| spec["hub"]["image"] = json!("gohub:next"));
    scene.look().await.unwrap();
    let status = scene.status();
    assert_eq!(status["observedGeneration"], scene.server.at("gohubs", "chat", "/metadata/generation"));
    assert_eq!(scene.condition("Ready"), ("False".to_owned(), "RollingOut".to_owned()));
    scene.settle().await;
    assert_eq!(scene.condition("Ready").0, "True");
}

#[tokio::test]
async fn scaling_edits_the_number_of_pods_and_nothing_else() {
    let mut scene = Scene::settled().await;
    scene.spec(|spec| spec["etcd"]["mode"] = json!("External"));
    scene.spec(|spec| spec["etcd"]["external"] = json!({ "endpoints": ["http://etcd:2379"] }));
    scene.settle().await;
    scene.server.take_calls();
    scene.spec(|spec| spec["hub"]["replicas"] = json!(3));
    scene.look().await.unwrap();
    assert_eq!(scene.server.take_writes(), ["PATCH deployments/chat", "PATCH gohubs/chat/status"]);
    scene.settle().await;
    assert_eq!(scene.status()["hub"]["summary"], "3/3");
}

#[tokio::test]
async fn a_new_configuration_touches_each_pod_once_and_no_template() {
    let mut scene = Scene::settled().await;
    let template = scene.server.at("deployments", "chat", "/spec/template");
    let old = scene.status()["config"]["hash"].clone();
    scene.spec(|spec| spec["config"] = json!({ "heartbeat": { "interval": "20s" } }));
    scene.look().await.unwrap();
    let writes = scene.server.take_writes();
    assert_eq!(writes, ["PATCH configmaps/chat-config", "PATCH gohubs/chat/status"]);
    assert_ne!(scene.status()["config"]["hash"], old);
    assert_eq!(scene.condition("ConfigConverged"), ("False".to_owned(), "ConfigPending".to_owned()));
    assert_eq!(scene.look().await.unwrap(), Next::Shortly, "hubs that load a file are looked at again soon");
    assert_eq!(scene.server.take_writes(), ["PATCH pods/chat-pod-0"], "kubelet has heard of the file by now");
    scene.look().await.unwrap();
    assert_eq!(scene.server.take_writes(), [""; 0], "a pod is not touched at every look");
    scene.settle().await;
    assert_eq!(scene.condition("ConfigConverged").0, "True");
    assert_eq!(scene.server.at("deployments", "chat", "/spec/template"), template, "no hub was restarted");
}

#[tokio::test]
async fn a_configuration_that_hubs_refuse_is_shown_in_their_words() {
    let scene = Scene::settled().await;
    let old = scene.status()["config"]["hash"].as_str().unwrap().to_owned();
    scene.spec(|spec| spec["config"] = json!({ "heartbeat": { "interval": "20s" } }));
    let report = gohub_operator::reconcile::observed::Report {
        config: old,
        refusal: Some("heartbeat.interval: no".to_owned()),
        delivering: true,
        connections: 0,
    };
    scene.hubs.say("10.0.0.1", report);
    scene.look().await.unwrap();
    assert_eq!(scene.condition("ConfigConverged"), ("False".to_owned(), "ConfigRefused".to_owned()));
    assert!(scene.message("Degraded").contains("heartbeat.interval: no"));
}

#[tokio::test]
async fn the_users_own_config_map_is_read_and_never_written() {
    let mut scene = Scene::settled().await;
    scene.spec(|spec| {
        spec["configFrom"] = json!({ "name": "theirs", "key": "config.yaml" });
        spec.as_object_mut().unwrap().remove("config");
    });
    scene.look().await.unwrap();
    assert_eq!(scene.condition("Degraded"), ("True".to_owned(), "ReferenceMissing".to_owned()));
    assert!(scene.server.get("configmaps", "chat-config").is_some(), "what runs is left alone until there is another");
    let map = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "theirs", "namespace": "demo" },
        "data": { "config.yaml": "heartbeat: { interval: 20s }\n" },
    });
    scene.server.put("/api/v1/namespaces/demo/configmaps/theirs", map.clone());
    scene.settle().await;
    assert_eq!(scene.server.at("configmaps", "theirs", "/data"), map["data"]);
    assert!(scene.server.get("configmaps", "chat-config").is_none(), "ours is not wanted any more");
}

#[tokio::test]
async fn o33_objects_of_prometheus_follow_the_kinds_that_there_are() {
    let mut scene = Scene::settled().await;
    assert!(scene.server.get("servicemonitors", "chat").is_none());
    scene.server.serve("servicemonitors", true);
    scene.server.serve("prometheusrules", true);
    scene.apis.send_replace(Apis { service_monitors: true, prometheus_rules: true });
    scene.settle().await;
    assert!(scene.server.get("servicemonitors", "chat").is_some());
    assert!(scene.server.get("prometheusrules", "chat").is_some());
    scene.server.take_calls();
    scene.look().await.unwrap();
    assert_eq!(scene.server.take_writes(), [""; 0]);
    // Its definition was deleted, and its objects with it; the operator has not noticed yet.
    scene.server.delete("servicemonitors", "chat");
    scene.server.serve("servicemonitors", false);
    assert!(scene.look().await.is_err());
    assert_eq!(scene.condition("Ready").0, "True", "a passing failure is not told");
    scene.apis.send_replace(Apis { service_monitors: false, prometheus_rules: true });
    scene.settle().await;
}

#[tokio::test]
async fn o35_what_is_no_longer_wanted_is_deleted_exactly_as_it_was_seen() {
    let mut scene = Scene::settled().await;
    let policy = scene.server.get("networkpolicies", "chat").unwrap();
    scene.spec(|spec| spec["networkPolicy"]["enabled"] = json!(false));
    scene.look().await.unwrap();
    let calls = scene.server.take_calls();
    let delete = calls.iter().find(|call| call.method == "DELETE").unwrap();
    assert_eq!(delete.short(), "DELETE networkpolicies/chat");
    // Neither one that replaced it nor one that changed since.
    assert_eq!(delete.body["preconditions"]["uid"], policy["metadata"]["uid"]);
    assert_eq!(delete.body["preconditions"]["resourceVersion"], policy["metadata"]["resourceVersion"]);
    scene.settle().await;
    assert!(scene.server.get("networkpolicies", "chat").is_none());
}

#[tokio::test]
async fn a_paused_one_is_told_of_and_left_alone() {
    let scene = Scene::settled().await;
    let about = |kind: &str| {
        let conditions = scene.status()["conditions"].as_array().unwrap().clone();
        let condition = conditions.iter().find(|condition| condition["type"] == kind).unwrap();
        condition["observedGeneration"].as_i64().unwrap()
    };
    scene.spec(|spec| spec["paused"] = json!(true));
    scene.look().await.unwrap();
    assert_eq!(about("Ready"), about("Progressing"), "what runs is what was asked for");
    scene.server.take_calls();

    scene.spec(|spec| spec["hub"]["image"] = json!("gohub:next"));
    scene.server.delete("services", "chat");
    scene.look().await.unwrap();
    assert_eq!(scene.server.take_writes(), ["PATCH gohubs/chat/status"]);
    assert_eq!(scene.condition("Progressing").1, "Paused");
    // Nothing of this generation was applied, and `kubectl wait` must not take Ready for an answer about it.
    assert!(about("Ready") < about("Progressing"));
}

#[tokio::test]
async fn o38_a_pod_is_told_of_a_rotated_secret_once() {
    let mut scene = Scene::settled().await;
    let secret = |text: &str| {
        json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "theirs", "namespace": "demo" },
            "data": { "tls.crt": text, "tls.key": text },
        })
    };
    let path = "/api/v1/namespaces/demo/secrets/theirs";
    scene.server.put(path, secret("QQ=="));
    scene.spec(|spec| spec["hub"]["tlsSecret"] = json!("theirs"));
    scene.settle().await;
    scene.server.take_calls();
    scene.look().await.unwrap();
    assert_eq!(scene.server.take_writes(), [""; 0], "a steady state is silent with a Secret, too");
    scene.server.put(path, secret("Qg=="));
    scene.look().await.unwrap();
    assert_eq!(scene.server.take_writes(), ["PATCH pods/chat-pod-0"]);
    scene.look().await.unwrap();
    assert_eq!(scene.server.take_writes(), [""; 0]);
}

#[tokio::test]
async fn o38_a_certificate_that_a_hub_cannot_use_is_told_in_its_words() {
    let mut scene = Scene::settled().await;
    let hash = scene.status()["config"]["hash"].as_str().unwrap().to_owned();
    let refusal = Some("server.tls: keys do not match".to_owned());
    let report =
        gohub_operator::reconcile::observed::Report { config: hash, refusal, delivering: true, connections: 2 };
    scene.hubs.say("10.0.0.1", report);
    scene.look().await.unwrap();
    assert_eq!(scene.condition("ConfigConverged"), ("False".to_owned(), "ConfigRefused".to_owned()));
    assert!(scene.message("Ready").contains("keys do not match"), "{}", scene.message("Ready"));
    scene.settle().await;
    assert_eq!(scene.condition("Ready").0, "True");
}
