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
        // Where in this text is of no interest.
        Err(error) => error.to_string().split(" at line ").next().unwrap_or_default().to_owned(),
        Ok(gohub) => validate(&gohub, &observed).err().map(|invalid| invalid.to_string()).unwrap_or_default(),
    }
}

/// A spec in YAML's flow form, and what it is told, word for word; `…` stands for a list that grows.
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
    (
        "{rollout: {minReadySeconds: 900}}",
        "spec.rollout.progressDeadlineSeconds: must be above minReadySeconds, or no rollout ever succeeds",
    ),
    ("{monitoring: {intervalSeconds: 0}}", "spec.monitoring.intervalSeconds: must be from 1 to 3600, got 0"),
    // Images.
    ("{hub: {image: ''}}", "spec.hub.image: must be the name of an image, got \"\""),
    ("{hub: {image: 'gohub latest'}}", "spec.hub.image: must be the name of an image, got \"gohub latest\""),
    ("{etcd: {managed: {image: ''}}}", "spec.etcd.managed.image: must be the name of an image, got \"\""),
    // etcd.
    ("{etcd: {managed: {replicas: 0}}}", "spec.etcd.managed.replicas: must be 1, 3 or 5, got 0"),
    ("{etcd: {managed: {replicas: 2}}}", "spec.etcd.managed.replicas: must be 1, 3 or 5, got 2"),
    ("{etcd: {managed: {replicas: 4}}}", "spec.etcd.managed.replicas: must be 1, 3 or 5, got 4"),
    ("{etcd: {managed: {replicas: 7}}}", "spec.etcd.managed.replicas: must be 1, 3 or 5, got 7"),
    (
        "{etcd: {managed: {storage: {size: 1Mi}}}}",
        "spec.etcd.managed.storage.size: must be at least 512Mi, got \"1Mi\"",
    ),
    (
        "{etcd: {managed: {storage: {size: 4GB}}}}",
        "spec.etcd.managed.storage.size: must be a number of Mi or Gi such as \"4Gi\", got \"4GB\"",
    ),
    (
        "{etcd: {managed: {storage: {size: -4Gi}}}}",
        "spec.etcd.managed.storage.size: must be a number of Mi or Gi such as \"4Gi\", got \"-4Gi\"",
    ),
    (
        "{etcd: {managed: {storage: {className: Fast SSD}}}}",
        "spec.etcd.managed.storage.className: must be an object's name, of a-z, 0-9, '-' and '.', got \"Fast SSD\"",
    ),
    ("{etcd: {mode: External}}", "spec.etcd.external: must name the endpoints when mode is External"),
    (
        "{etcd: {mode: External, external: {endpoints: []}}}",
        "spec.etcd.external.endpoints: must name at least one member",
    ),
    (
        "{etcd: {external: {endpoints: ['http://e:2379']}}}",
        "spec.etcd.external: is only for mode External: remove it, or change mode",
    ),
    (
        "{etcd: {mode: External, external: {endpoints: ['http://e:2379'], tlsSecret: s}}}",
        "spec.etcd.external.endpoints[0]: must begin with https:// with tlsSecret: a hub never falls back to plain text",
    ),
    (
        "{etcd: {mode: External, external: {endpoints: ['http://a:1,http://b:1']}}}",
        "spec.etcd.external.endpoints[0]: is one endpoint: write the next one as its own entry",
    ),
    (
        "{etcd: {mode: External, external: {endpoints: ['e:2379']}}}",
        "spec.etcd.external.endpoints[0]: must be http://host:port or https://host:port, without a user or password",
    ),
    (
        "{etcd: {mode: Disabled}, hub: {replicas: 2}}",
        "spec.hub.replicas: more than one hub needs etcd to exchange messages: set etcd.mode to Managed or External",
    ),
    (
        "{etcd: {mode: Disabled}, hub: {autoscaling: {maxReplicas: 2}}}",
        "spec.hub.autoscaling: needs etcd: set etcd.mode to Managed or External",
    ),
    (
        "{etcd: {mode: managed}}",
        "spec.etcd.mode: unknown variant `managed`, expected one of `Disabled`, `Managed`, `External`",
    ),
    // Autoscaling and resources.
    (
        "{hub: {autoscaling: {maxReplicas: 3}}}",
        "spec.hub.autoscaling: needs hub.resources.requests.cpu: the aim is a share of it",
    ),
    (
        "{hub: {autoscaling: {minReplicas: 5, maxReplicas: 3}}}",
        "spec.hub.autoscaling.minReplicas: must not be above maxReplicas (3), got 5",
    ),
    (
        "{hub: {autoscaling: {minReplicas: 0, maxReplicas: 3}}}",
        "spec.hub.autoscaling.minReplicas: must be from 1 to 1000, got 0",
    ),
    (
        "{hub: {autoscaling: {maxReplicas: 3, targetCpuPercent: 0}}}",
        "spec.hub.autoscaling.targetCpuPercent: must be from 1 to 100, got 0",
    ),
    ("{hub: {autoscaling: {}}}", "spec.hub.autoscaling: missing field `maxReplicas`"),
    (
        "{hub: {resources: {requests: {cpu: a lot}}}}",
        "spec.hub.resources.requests.cpu: must be a quantity such as \"500m\" or \"1Gi\", got \"a lot\"",
    ),
    (
        "{hub: {resources: {requests: {memory: 2Gi}, limits: {memory: 1Gi}}}}",
        "spec.hub.resources.limits.memory: must be at least what is requested (2Gi), got 1Gi",
    ),
    (
        "{hub: {resources: {claims: [{name: gpu}]}}}",
        "spec.hub.resources.claims: are not passed on: pods have no resource claims",
    ),
    // Names, labels and annotations.
    (
        "{hub: {tlsSecret: 'My Secret'}}",
        "spec.hub.tlsSecret: must be an object's name, of a-z, 0-9, '-' and '.', got \"My Secret\"",
    ),
    (
        "{hub: {podAnnotations: {gohub.io/restart: now}}}",
        "spec.hub.podAnnotations[gohub.io/restart]: annotations of gohub.io are the operator's",
    ),
    (
        "{hub: {podAnnotations: {'a b': c}}}",
        "spec.hub.podAnnotations: \"a b\" is not a key such as \"example.com/name\"",
    ),
    (
        "{hub: {nodeSelector: {disk: 'very fast'}}}",
        "spec.hub.nodeSelector[disk]: must be a label's value of at most 63 characters, got \"very fast\"",
    ),
    ("{monitoring: {labels: {'/x': y}}}", "spec.monitoring.labels: \"/x\" is not a key such as \"example.com/name\""),
    (
        "{configFrom: {name: Mine}}",
        "spec.configFrom.name: must be an object's name, of a-z, 0-9, '-' and '.', got \"Mine\"",
    ),
    ("{configFrom: {name: mine}}", "spec.configFrom: ConfigMap \"mine\" with the key \"config.yaml\" does not exist"),
    (
        "{config: {}, configFrom: {name: mine}}",
        "spec.configFrom: config and configFrom exclude each other: keep one of them",
    ),
    (
        "{service: {ingress: {host: 'https://chat.example.com'}}}",
        "spec.service.ingress.host: must be a host name such as chat.example.com, without scheme, port or path, got \"https://chat.example.com\"",
    ),
    (
        "{service: {ingress: {host: Chat.example.com}}}",
        "spec.service.ingress.host: must be a host name such as chat.example.com, without scheme, port or path, got \"Chat.example.com\"",
    ),
    (
        "{service: {ingress: {host: chat.example.com, tlsSecret: 'My Secret'}}}",
        "spec.service.ingress.tlsSecret: must be an object's name, of a-z, 0-9, '-' and '.', got \"My Secret\"",
    ),
    (
        "{service: {ingress: {host: chat.example.com, className: Nginx}}}",
        "spec.service.ingress.className: must be an object's name, of a-z, 0-9, '-' and '.', got \"Nginx\"",
    ),
    (
        "{service: {ingress: {host: chat.example.com, annotations: {gohub.io/x: y}}}}",
        "spec.service.ingress.annotations[gohub.io/x]: annotations of gohub.io are the operator's",
    ),
    ("{service: {ingress: {className: nginx}}}", "spec.service.ingress: missing field `host`"),
    (
        "{service: {annotations: {gohub.io/x: y}}}",
        "spec.service.annotations[gohub.io/x]: annotations of gohub.io are the operator's",
    ),
    (
        "{networkPolicy: {monitoringNamespaces: {team: 'the watchers'}}}",
        "spec.networkPolicy.monitoringNamespaces[team]: must be a label's value of at most 63 characters, got \"the watchers\"",
    ),
    // What the hub would refuse.
    ("{config: {heartbeat: {interval: 0s}}}", "spec.config.heartbeat.interval: must be at least 10ms, got 0s"),
    (
        "{config: {heartbeat: {interval: 30}}}",
        "spec.config.heartbeat: \"30\" is not a duration: write a whole number and a unit, such as \"500ms\", \"30s\", \"5m\" or \"1h\"",
    ),
    ("{config: {hartbeat: {}}}", "spec.config: unknown field `hartbeat`, expected one of …"),
    (
        "{config: {limits: {max_message: 2MiB}, slow_client: {max_pending: 4MiB}}}",
        "spec.config.limits.max_message: must be at most 1MiB with cluster.enabled, got 2MiB",
    ),
    (
        "{config: {auth: {tokens: [{token: '***'}]}}}",
        "spec.config.auth.tokens[0]: \"***\" stands for a secret in printed settings, it is not one: write the secret itself",
    ),
    (
        "{config: {auth: {tokens: [{token: short}]}}}",
        "spec.config.auth.tokens[0].token: must have at least 16 characters, got 5",
    ),
    ("{config: {limits: {max_connections: 0}}}", "spec.config.limits.max_connections: must be at least 1, got 0"),
    (
        "{config: {limits: {max_rooms_per_connection: 0}}}",
        "spec.config.limits.max_rooms_per_connection: must be at least 1, got 0",
    ),
    (
        "{config: {limits: {max_fragments: 2000000}}}",
        "spec.config.limits.max_fragments: must be at most 1048576, got 2000000",
    ),
    (
        "{config: {limits: {max_message: 64}}}",
        "spec.config.limits: \"64\" is not a size: write a whole number and a unit, such as \"512B\", \"64KiB\", \"1MiB\" or \"2GiB\"",
    ),
    (
        "{config: {limits: {memory: lots}}}",
        "spec.config.limits: \"lots\" is not a size: write a whole number and a unit, such as \"512B\", \"64KiB\", \"1MiB\" or \"2GiB\"",
    ),
    ("{config: {server: {path: ws}}}", "spec.config.server.path: must be a path such as \"/ws\", got \"ws\""),
    (
        "{config: {server: {path: /echo}, debug: {echo: true}}}",
        "spec.config.server.path: must not be \"/echo\", which debug.echo serves",
    ),
    (
        "{config: {server: {read_timeout: 10}}}",
        "spec.config.server: \"10\" is not a duration: write a whole number and a unit, such as \"500ms\", \"30s\", \"5m\" or \"1h\"",
    ),
    (
        "{config: {auth: {required: true}}}",
        "spec.config.auth.required: needs auth.tokens, auth.hook.url or keys in auth.jwt (hmac_secrets, public_keys, jwks.url), or nobody can connect",
    ),
    (
        "{config: {auth: {tokens: [{token: a-long-random-token-01}, {token: a-long-random-token-01}]}}}",
        "spec.config.auth.tokens[1].token: is the same as auth.tokens[0].token",
    ),
    (
        "{config: {auth: {jwt: {hmac_secrets: [short]}}}}",
        "spec.config.auth.jwt.hmac_secrets[0]: must have at least 32 characters, got 5",
    ),
    (
        "{config: {origins: {allow: ['chat.example.com']}}}",
        "spec.config.origins.allow[0]: \"chat.example.com\" is not an origin such as \"https://app.example.com\", \"https://*.example.com\", \"null\" or \"*\"",
    ),
    (
        "{config: {proxies: {proxy_protocol: true}}}",
        "spec.config.proxies.trusted: must name the proxies whose word about addresses counts",
    ),
    ("{config: {retention: {max_bytes: 1KiB}}}", "spec.config.retention.max_bytes: must be at least 64KiB, got 1KiB"),
    ("{config: {why: {keep: 2GiB}}}", "spec.config.why.keep: must be at most 1GiB, got 2GiB"),
    (
        "{config: {slow_client: {policy: wait}}}",
        "spec.config.slow_client.policy: unknown variant `wait`, expected one of `drop`, `conflate`, `kick`",
    ),
    (
        "{config: {slow_client: {max_pending: 1KiB}}}",
        "spec.config.slow_client.max_pending: must be at least limits.max_message (64KiB), got 1KiB",
    ),
    (
        "{config: {slow_client: {max_pending: 1GiB}}}",
        "spec.config.slow_client.max_pending: must be at most retention.max_bytes (64MiB), got 1GiB",
    ),
    (
        "{config: {clients: {duplicate: both}}}",
        "spec.config.clients.duplicate: unknown variant `both`, expected one of `allow`, `replace`, `refuse`",
    ),
    (
        "{config: {rooms: {defaults: {on_partition: guess}}}}",
        "spec.config.rooms.defaults.on_partition: unknown variant `guess`, expected one of `fail_closed`, `local_only`, `buffer`",
    ),
    (
        "{config: {rooms: {overrides: [{pattern: 'a/b'}]}}}",
        "spec.config.rooms.overrides[0]: a room pattern has no '/', because no room name has it",
    ),
    (
        "{config: {routes: [{id: 1000, to: webhook}]}}",
        "spec.config.routes[0].url: must be http://host/path or https://host/path, without a user or password",
    ),
    (
        "{config: {routes: [{id: 10, to: webhook, url: 'https://app.example.com/x'}]}}",
        "spec.config.routes[0].id: must be at least 1000, got 10",
    ),
    (
        "{config: {routes: [{id: 1000, to: room, room: a, url: 'https://app.example.com/x'}]}}",
        "spec.config.routes[0].url: is only for `to: webhook`",
    ),
    (
        "{config: {routes: [{id: 1000, to: webhook, url: 'ftp://app.example.com/x'}]}}",
        "spec.config.routes[0].url: must be http://host/path or https://host/path, without a user or password",
    ),
    (
        "{config: {cluster: {etcd: {key_prefix: gohub}}}}",
        "spec.config.cluster.etcd.key_prefix: must be a key such as \"/gohub\", without a slash at its end, got \"gohub\"",
    ),
    (
        "{config: {cluster: {etcd: {lease_ttl: 1500ms}}}}",
        "spec.config.cluster.etcd.lease_ttl: must be at least 2s, got 1500ms",
    ),
    (
        "{config: {cluster: {etcd: {username: hub}}}}",
        "spec.config.cluster.etcd.password: is needed with cluster.etcd.username",
    ),
    ("{config: {drain: {rate: 0}}}", "spec.config.drain.rate: must be at least 1, got 0"),
    (
        "{config: {drain: {deadline: 2d}}}",
        "spec.config.drain: \"2d\" is not a duration: write a whole number and a unit, such as \"500ms\", \"30s\", \"5m\" or \"1h\"",
    ),
    ("{config: {health: {canary_interval: 0s}}}", "spec.config.health.canary_interval: must be at least 10ms, got 0s"),
    (
        "{config: {log: {level: loud}}}",
        "spec.config.log.level: \"loud\" is not a level (error, warn, info, debug, trace, off) or a part's level such as \"gohub::bus=debug\"",
    ),
    ("{config: {log: {format: xml}}}", "spec.config.log.format: unknown variant `xml`, expected `json` or `human`"),
    (
        "{config: {idempotency: {max_keys: -1}}}",
        "spec.config.idempotency.max_keys: invalid type: integer `-1`, expected u32",
    ),
    ("{config: {admin: {max_body: 0B}}}", "spec.config.admin.max_body: must be at least 1KiB, got 0B"),
    // What the operator sets.
    (
        "{config: {server: {addr: '0.0.0.0:80'}}}",
        "spec.config.server.addr: is set by the operator: leave it out (spec.service.port is the port that clients reach)",
    ),
    (
        "{config: {server: {tls: {cert: a, key: b}}}}",
        "spec.config.server.tls: is set by the operator: leave it out (spec.hub.tlsSecret names the certificate)",
    ),
    (
        "{config: {admin: {addr: '0.0.0.0:1'}}}",
        "spec.config.admin.addr: is set by the operator: leave it out (probes and Prometheus must find it)",
    ),
    (
        "{config: {admin: {api_keys: [a-long-random-key-01]}}}",
        "spec.config.admin.api_keys: is set by the operator: leave it out (it makes a key, in the Secret with the suffix -keys)",
    ),
    (
        "{config: {cluster: {enabled: true}}}",
        "spec.config.cluster.enabled: is set by the operator: leave it out (spec.etcd.mode decides it)",
    ),
    (
        "{config: {cluster: {node: a}}}",
        "spec.config.cluster.node: is set by the operator: leave it out (it is the pod's name)",
    ),
    (
        "{config: {cluster: {etcd: {endpoints: ['http://e:1']}}}}",
        "spec.config.cluster.etcd.endpoints: is set by the operator: leave it out (spec.etcd decides them)",
    ),
    (
        "{config: {cluster: {peer_key: a-long-random-key-01}}}",
        "spec.config.cluster.peer_key: is set by the operator: leave it out (the operator makes one)",
    ),
    (
        "{config: {cluster: {grpc_addr: '0.0.0.0:1'}}}",
        "spec.config.cluster.grpc_addr: is set by the operator: leave it out (hubs find each other by it)",
    ),
    (
        "{config: {cluster: {advertise: 'hub:9191'}}}",
        "spec.config.cluster.advertise: is set by the operator: leave it out (it is the pod's address)",
    ),
    (
        "{config: {cluster: {etcd: {tls: {ca: a}}}}}",
        "spec.config.cluster.etcd.tls: is set by the operator: leave it out (spec.etcd decides it)",
    ),
    // What is not a spec at all.
    ("{hubs: {}}", "spec: unknown field `hubs`, expected one of …"),
    ("{hub: {replicas: three}}", "spec.hub.replicas: invalid type: string \"three\", expected i32"),
    ("{hub: {podTemplate: {}}}", "spec.hub: unknown field `podTemplate`, expected one of …"),
    (
        "{service: {type: Public}}",
        "spec.service.type: unknown variant `Public`, expected one of `ClusterIP`, `NodePort`, `LoadBalancer`",
    ),
];

/// Whether these are the words, `…` standing for any.
fn says(found: &str, expected: &str) -> bool {
    match expected.split_once('…') {
        Some((begin, end)) => found.starts_with(begin) && found.ends_with(end),
        None => found == expected,
    }
}

#[test]
fn o8_a_bad_spec_is_told_what_is_wrong() {
    let mut faults = Vec::new();
    for (spec, expected) in BAD {
        let found = told("chat", spec);
        if !says(&found, expected) {
            faults.push(format!("{spec}\n  told: {found}\n  not:  {expected}"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn more_than_forty_bad_specs_are_known_by_their_whole_message_and_every_section_of_the_settings_has_one() {
    assert!(BAD.iter().filter(|(_, expected)| !expected.contains('…')).count() >= 40);
    let settings = serde_json::to_value(gohub_settings::Settings::default()).unwrap();
    for section in settings.as_object().unwrap().keys() {
        let begin = format!("{{config: {{{section}: ");
        // `debug` and `reload` have nothing that could be wrong but a type.
        let known = BAD.iter().any(|(spec, _)| spec.contains(&begin) || spec.contains(&format!(", {section}: ")));
        assert!(known || ["reload"].contains(&section.as_str()), "{section}");
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
        ("hartbeat: {}", "spec.configFrom.hartbeat: unknown field, expected one of"),
        ("limits: { max_rooms: 0 }", "spec.configFrom.limits.max_rooms: must be at least 1, got 0"),
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
