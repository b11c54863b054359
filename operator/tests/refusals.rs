//! Bad specs, and what each is told. What the schema or CEL refuses at the API server is refused here again when it slips in.

use gohub_operator::api::v1alpha1::GoHub;
use gohub_operator::reconcile::observed::{Keys, Observed};
use gohub_operator::reconcile::validate::validate;

/// What the spec is told; an empty text if nothing is wrong with it.
fn told(name: &str, spec: &str) -> String {
    told_with(None, name, spec)
}

/// The same, with a ConfigMap of the user's.
fn told_with(config_from: Option<&str>, name: &str, spec: &str) -> String {
    let text = format!(
        "apiVersion: gohub.io/v1alpha1\nkind: GoHub\nmetadata: {{ name: {name}, namespace: demo, uid: u }}\nspec: {spec}\n"
    );
    let keys = Keys { peer: "peer-key-for-the-tests".to_owned(), admin: "admin-key-for-the-tests".to_owned() };
    let observed = Observed { keys, config_from: config_from.map(str::to_owned), ..Observed::default() };
    match serde_yaml::from_str::<GoHub>(&text) {
        Err(error) => error.to_string(),
        Ok(gohub) => validate(&gohub, &observed).err().map(|invalid| invalid.to_string()).unwrap_or_default(),
    }
}

/// A spec in YAML's flow form, and a part of what it is told.
const BAD: &[(&str, &str)] = &[
    // Numbers past their limits.
    ("{hub: {replicas: -1}}", "spec.hub.replicas: must be from 0 to 1000, got -1"),
    ("{hub: {replicas: 1001}}", "spec.hub.replicas: must be from 0 to 1000, got 1001"),
    ("{service: {port: 0}}", "spec.service.port: must be from 1 to 65535, got 0"),
    ("{service: {port: 70000}}", "spec.service.port: must be from 1 to 65535, got 70000"),
    ("{rollout: {maxSurge: 0}}", "spec.rollout.maxSurge: must be from 1 to 100, got 0"),
    ("{rollout: {minReadySeconds: -1}}", "spec.rollout.minReadySeconds: must be from 0 to 3600, got -1"),
    (
        "{rollout: {progressDeadlineSeconds: 5}}",
        "spec.rollout.progressDeadlineSeconds: must be from 60 to 86400, got 5",
    ),
    ("{rollout: {minReadySeconds: 900}}", "spec.rollout.progressDeadlineSeconds: must be above minReadySeconds"),
    ("{monitoring: {intervalSeconds: 0}}", "spec.monitoring.intervalSeconds: must be from 1 to 3600, got 0"),
    // Images.
    ("{hub: {image: ''}}", "spec.hub.image: must be the name of an image"),
    ("{hub: {image: 'gohub latest'}}", "spec.hub.image: must be the name of an image, got \"gohub latest\""),
    ("{etcd: {managed: {image: ''}}}", "spec.etcd.managed.image: must be the name of an image"),
    // etcd.
    ("{etcd: {managed: {replicas: 0}}}", "spec.etcd.managed.replicas: must be 1, 3 or 5, got 0"),
    ("{etcd: {managed: {replicas: 2}}}", "spec.etcd.managed.replicas: must be 1, 3 or 5, got 2"),
    ("{etcd: {managed: {replicas: 4}}}", "spec.etcd.managed.replicas: must be 1, 3 or 5, got 4"),
    ("{etcd: {managed: {replicas: 7}}}", "spec.etcd.managed.replicas: must be 1, 3 or 5, got 7"),
    (
        "{etcd: {managed: {storage: {size: 1Mi}}}}",
        "spec.etcd.managed.storage.size: must be at least 512Mi, got \"1Mi\"",
    ),
    ("{etcd: {managed: {storage: {size: 4GB}}}}", "must be a number of Mi or Gi such as \"4Gi\", got \"4GB\""),
    ("{etcd: {managed: {storage: {size: -4Gi}}}}", "must be a number of Mi or Gi"),
    (
        "{etcd: {managed: {storage: {className: Fast SSD}}}}",
        "spec.etcd.managed.storage.className: must be an object's name",
    ),
    ("{etcd: {mode: External}}", "spec.etcd.external: must name the endpoints when mode is External"),
    (
        "{etcd: {mode: External, external: {endpoints: []}}}",
        "spec.etcd.external.endpoints: must name at least one member",
    ),
    ("{etcd: {external: {endpoints: ['http://e:2379']}}}", "spec.etcd.external: is only for mode External"),
    (
        "{etcd: {mode: External, external: {endpoints: ['http://e:2379'], tlsSecret: s}}}",
        "spec.etcd.external.endpoints[0]: must begin with https://",
    ),
    (
        "{etcd: {mode: External, external: {endpoints: ['http://a:1,http://b:1']}}}",
        "spec.etcd.external.endpoints[0]: is one endpoint",
    ),
    ("{etcd: {mode: External, external: {endpoints: ['e:2379']}}}", "cluster.etcd.endpoints[0]"),
    ("{etcd: {mode: Disabled}, hub: {replicas: 2}}", "spec.hub.replicas: more than one hub needs etcd"),
    ("{etcd: {mode: Disabled}, hub: {autoscaling: {maxReplicas: 2}}}", "spec.hub.autoscaling: needs etcd"),
    ("{etcd: {mode: managed}}", "unknown variant `managed`, expected one of `Disabled`, `Managed`, `External`"),
    // Autoscaling and resources.
    ("{hub: {autoscaling: {maxReplicas: 3}}}", "spec.hub.autoscaling: needs hub.resources.requests.cpu"),
    ("{hub: {autoscaling: {minReplicas: 5, maxReplicas: 3}}}", "must not be above maxReplicas (3), got 5"),
    (
        "{hub: {autoscaling: {minReplicas: 0, maxReplicas: 3}}}",
        "spec.hub.autoscaling.minReplicas: must be from 1 to 1000, got 0",
    ),
    ("{hub: {autoscaling: {maxReplicas: 3, targetCpuPercent: 0}}}", "targetCpuPercent: must be from 1 to 100, got 0"),
    ("{hub: {autoscaling: {}}}", "missing field `maxReplicas`"),
    ("{hub: {resources: {requests: {cpu: a lot}}}}", "spec.hub.resources.requests.cpu: must be a quantity"),
    (
        "{hub: {resources: {requests: {memory: 2Gi}, limits: {memory: 1Gi}}}}",
        "spec.hub.resources.limits.memory: must be at least what is requested (2Gi), got 1Gi",
    ),
    ("{hub: {resources: {claims: [{name: gpu}]}}}", "spec.hub.resources.claims: are not passed on"),
    // Names, labels and annotations.
    ("{hub: {tlsSecret: 'My Secret'}}", "spec.hub.tlsSecret: must be an object's name"),
    ("{hub: {podAnnotations: {gohub.io/restart: now}}}", "annotations of gohub.io are the operator's"),
    ("{hub: {podAnnotations: {'a b': c}}}", "\"a b\" is not a key such as \"example.com/name\""),
    ("{hub: {nodeSelector: {disk: 'very fast'}}}", "spec.hub.nodeSelector[disk]: must be a label's value"),
    ("{monitoring: {labels: {'/x': y}}}", "spec.monitoring.labels: \"/x\" is not a key"),
    ("{configFrom: {name: Mine}}", "spec.configFrom.name: must be an object's name"),
    ("{configFrom: {name: mine}}", "spec.configFrom: ConfigMap \"mine\" with the key \"config.yaml\" does not exist"),
    ("{config: {}, configFrom: {name: mine}}", "spec.configFrom: config and configFrom exclude each other"),
    // What the hub would refuse.
    ("{config: {heartbeat: {interval: 0s}}}", "spec.config: heartbeat.interval"),
    ("{config: {heartbeat: {interval: 30}}}", "30"),
    ("{config: {hartbeat: {}}}", "unknown field `hartbeat`"),
    (
        "{config: {limits: {max_message: 2MiB}, slow_client: {max_pending: 4MiB}}}",
        "limits.max_message: must be at most 1MiB with cluster.enabled",
    ),
    ("{config: {auth: {tokens: [{token: '***'}]}}}", "stands for a secret"),
    ("{config: {auth: {tokens: [{token: short}]}}}", "spec.config: auth.tokens[0]"),
    // What the operator sets.
    ("{config: {server: {addr: '0.0.0.0:80'}}}", "spec.config.server.addr: is set by the operator: leave it out"),
    ("{config: {server: {tls: {cert: a, key: b}}}}", "spec.config.server.tls: is set by the operator"),
    ("{config: {admin: {addr: '0.0.0.0:1'}}}", "spec.config.admin.addr: is set by the operator"),
    ("{config: {admin: {api_keys: [a-long-random-key-01]}}}", "spec.config.admin.api_keys: is set by the operator"),
    ("{config: {cluster: {enabled: true}}}", "spec.config.cluster.enabled: is set by the operator"),
    ("{config: {cluster: {node: a}}}", "spec.config.cluster.node: is set by the operator"),
    (
        "{config: {cluster: {etcd: {endpoints: ['http://e:1']}}}}",
        "spec.config.cluster.etcd.endpoints: is set by the operator",
    ),
    ("{config: {cluster: {peer_key: a-long-random-key-01}}}", "spec.config.cluster.peer_key: is set by the operator"),
    // What is not a spec at all.
    ("{hubs: {}}", "unknown field `hubs`"),
    ("{hub: {replicas: three}}", "invalid type"),
    ("{hub: {podTemplate: {}}}", "unknown field `podTemplate`"),
    ("{service: {type: Public}}", "unknown variant `Public`"),
];

#[test]
fn a_bad_spec_is_told_what_is_wrong() {
    assert!(BAD.len() >= 40);
    for (spec, expected) in BAD {
        let found = told("chat", spec);
        assert!(found.contains(expected), "{spec}\n  told: {found:?}\n  not:  {expected:?}");
    }
}

#[test]
fn a_bad_name_is_told_what_is_wrong() {
    let names = [
        ("chat.eu", "metadata.name: must begin with a letter"),
        ("1chat", "metadata.name: must begin with a letter"),
        ("chat-", "metadata.name: must begin with a letter"),
        ("Chat", "metadata.name: must begin with a letter"),
        ("a23456789-123456789-123456789-123456789-1", "metadata.name: must have at most 40 characters, got 41"),
    ];
    for (name, expected) in names {
        let found = told(name, "{}");
        assert!(found.contains(expected), "{name}: {found:?}");
    }
}

#[test]
fn a_bad_config_map_is_told_what_is_wrong() {
    let table = [
        ("heartbeat: [", "spec.configFrom: the settings are not valid YAML"),
        ("just text", "expected sections such as `server:`"),
        ("hartbeat: {}", "spec.configFrom: hartbeat: unknown field, expected one of"),
        ("limits: { max_rooms: 0 }", "spec.configFrom: limits.max_rooms: must be at least 1, got 0"),
        ("server:\n  addr: 0.0.0.0:80\nlog:\n", "spec.configFrom.server.addr: is set by the operator"),
        ("cluster: { enabled: true }", "spec.configFrom.cluster.enabled: is set by the operator"),
        ("admin: { api_keys: [short] }", "is set by the operator"),
    ];
    for (text, expected) in table {
        let found = told_with(Some(text), "chat", "{configFrom: {name: mine}}");
        assert!(found.contains(expected), "{text:?}\n  told: {found:?}\n  not:  {expected:?}");
    }
    for text in ["", "# nothing\n", "server:\nlog:\n", "heartbeat: { interval: 20s }"] {
        assert_eq!(told_with(Some(text), "chat", "{configFrom: {name: mine}}"), "", "{text:?}");
    }
}

#[test]
fn a_good_spec_is_told_nothing() {
    let good = [
        "{}",
        "{hub: {replicas: 0}}",
        "{hub: {replicas: 3}, etcd: {managed: {replicas: 3}}}",
        "{hub: {resources: {requests: {cpu: '0.5', memory: 512Mi}, limits: {cpu: 500m, memory: 1Gi}}}}",
        "{config: {rooms: {defaults: {on_partition: local_only}}}}",
        "{etcd: {mode: External, external: {endpoints: ['http://e:2379']}}}",
        "{etcd: {mode: Disabled}}",
    ];
    for spec in good {
        assert_eq!(told("chat", spec), "", "{spec}");
    }
}
