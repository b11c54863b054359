//! Every refusal names the field and the limit, word for word: this is what an operator of gohub reads when a reload fails, and
//! what the `ConfigConverged` condition shows.

use gohub_settings::Settings;

/// The refusal of a file.
fn refusal(yaml: &str) -> String {
    refusal_with(yaml, &[])
}

/// The refusal of a file with variables over it.
fn refusal_with(yaml: &str, environment: &[(&str, &str)]) -> String {
    let environment = environment.iter().map(|(name, value)| (name.to_string(), value.to_string()));
    match Settings::from_yaml(yaml, environment) {
        Ok(_) => format!("accepted: {yaml}"),
        Err(error) => error.to_string(),
    }
}

/// Holds each input to its message, and shows all differences at once.
fn check(table: &[(&str, &str)]) {
    let wrong: Vec<String> = table
        .iter()
        .map(|(yaml, expected)| (yaml, expected, refusal(yaml)))
        .filter(|(_, expected, found)| *expected != found)
        .map(|(yaml, expected, found)| format!("{yaml}\n  expected: {expected}\n  found:    {found}"))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn s85_text_that_is_not_a_mapping_of_sections_is_refused() {
    check(&[
        (
            "server: {addr: ",
            "the settings are not valid YAML: did not find expected node content at line 2 column 1, while parsing a flow node",
        ),
        ("server: {}\nserver: {}", "the settings are not valid YAML: duplicate entry with key \"server\""),
        ("just words", "the settings are not valid YAML: expected sections such as `server:`, with fields below them"),
        ("- server", "the settings are not valid YAML: expected sections such as `server:`, with fields below them"),
        (
            "--- {}\n--- {}",
            "the settings are not valid YAML: deserializing from YAML containing more than one document is not supported",
        ),
        (&"x".repeat((1 << 20) + 1), "the settings are not valid YAML: longer than 1048576 bytes, it has 1048577"),
        (&"[".repeat(5_000), "the settings are not valid YAML: more than 1000 brackets are open at once"),
        ("1: {}", "?: a field's name is a text, got the number 1"),
    ]);
}

#[test]
fn s85_unknown_and_missing_fields_are_refused_by_name() {
    check(&[
        (
            "servr: {}",
            "servr: unknown field, expected one of admin, auth, clients, cluster, debug, drain, health, heartbeat, idempotency, limits, \
             log, origins, proxies, reload, retention, rooms, routes, server, slow_client, why",
        ),
        (
            "heartbeat: {intervall: 5s}",
            "heartbeat.intervall: unknown field, expected one of app_interval, interval, timeout",
        ),
        (
            "cluster: {etcd: {window: {age: 5m}}}",
            "cluster.etcd.window.age: unknown field, expected one of max_age, max_bytes",
        ),
        ("server: {tls: {cert: a}}", "server.tls.key: is required"),
        ("routes: [{id: 1000}]", "routes[0].to: is required"),
        ("auth: {tokens: [{client_id: a}]}", "auth.tokens[0].token: is required"),
    ]);
}

#[test]
fn s85_values_of_the_wrong_type_are_refused() {
    check(&[
        ("server: 8080", "server: expected a mapping of fields, got the number 8080"),
        ("server: {path: 5}", "server.path: expected a text, got the number 5"),
        ("server: {shards: two}", "server.shards: expected a whole number, got the text \"two\""),
        ("server: {shards: 1.5}", "server.shards: expected a whole number, got 1.5"),
        ("server: {shards: .nan}", "server.shards: expected a whole number, got .nan"),
        ("debug: {echo: yes}", "debug.echo: expected true or false, got the text \"yes\""),
        ("debug: {echo: 1}", "debug.echo: expected true or false, got the number 1"),
        ("origins: {allow: '*'}", "origins.allow: expected a list, got the text \"*\""),
        ("origins: {allow: [null]}", "origins.allow[0]: expected a text, got nothing"),
        ("routes: {id: 1000}", "routes: expected a list, got a mapping"),
        ("admin: {api_keys: [1234567890123456]}", "admin.api_keys[0]: expected a text: put it in quotes"),
        ("log: {level: !secret x}", "log.level: expected a text, got a YAML tag"),
        (
            "heartbeat: {interval: 30}",
            "heartbeat.interval: expected a duration with its unit such as \"30s\", got the number 30",
        ),
        (
            "limits: {max_message: 65536}",
            "limits.max_message: expected a size with its unit such as \"64KiB\", got the number 65536",
        ),
        (
            "server: {addr: 8080}",
            "server.addr: expected an IP address and port such as \"0.0.0.0:8080\", got the number 8080",
        ),
    ]);
}

#[test]
fn texts_that_do_not_parse_are_refused_with_an_example() {
    check(&[
        (
            "heartbeat: {interval: 25 s}",
            "heartbeat.interval: \"25 s\" is not a duration: write a whole number and a unit, such as \"500ms\", \"30s\", \"5m\" or \"1h\"",
        ),
        (
            "heartbeat: {interval: -5s}",
            "heartbeat.interval: \"-5s\" is not a duration: write a whole number and a unit, such as \"500ms\", \"30s\", \"5m\" or \"1h\"",
        ),
        ("retention: {max_age: 9999h}", "retention.max_age: \"9999h\" is longer than the longest duration, 8784h"),
        (
            "limits: {max_message: 64KB}",
            "limits.max_message: \"64KB\" is not a size: write a whole number and a unit, such as \"512B\", \"64KiB\", \"1MiB\" or \"2GiB\"",
        ),
        (
            "retention: {max_bytes: 9999GiB}",
            "retention.max_bytes: \"9999GiB\" is larger than the largest size, 1024GiB",
        ),
        (
            "server: {addr: 'localhost:8080'}",
            "server.addr: \"localhost:8080\" is not an IP address and port, such as \"0.0.0.0:8080\" or \"[::]:8080\"",
        ),
        (
            "server: {addr: '0.0.0.0:70000'}",
            "server.addr: \"0.0.0.0:70000\" is not an IP address and port, such as \"0.0.0.0:8080\" or \"[::]:8080\"",
        ),
        ("clients: {duplicate: kick}", "clients.duplicate: must be one of allow, replace, refuse, got \"kick\""),
        ("slow_client: {policy: Drop}", "slow_client.policy: must be one of drop, conflate, kick, got \"Drop\""),
        (
            "rooms: {overrides: [{pattern: 'a/b'}]}",
            "rooms.overrides[0].pattern: a room pattern has no '/', because no room name has it",
        ),
        (
            "rooms: {overrides: [{pattern: ''}]}",
            "rooms.overrides[0].pattern: a room pattern has 1 to 128 bytes, this one has 0",
        ),
    ]);
}

#[test]
fn s85_values_past_a_limit_are_refused_with_the_limit() {
    check(&[
        ("limits: {max_connections: -1}", "limits.max_connections: must be at least 1, got -1"),
        ("limits: {max_connections: 0}", "limits.max_connections: must be at least 1, got 0"),
        ("limits: {accept_rate: -1}", "limits.accept_rate: must be at least 0, got -1"),
        ("limits: {accept_rate: 4294967296}", "limits.accept_rate: must be at most 4294967295, got 4294967296"),
        ("server: {shards: 1025}", "server.shards: must be at most 1024, got 1025"),
        ("server: {path: ''}", "server.path: must not be empty"),
        ("server: {path: ws}", "server.path: must be a path such as \"/ws\", got \"ws\""),
        ("server: {path: /echo}", "server.path: must not be \"/echo\", which debug.echo serves"),
        ("server: {handshake_timeout: 2m}", "server.handshake_timeout: must be at most 1m, got 2m"),
        ("server: {send_buffer: 1KiB}", "server.send_buffer: must be 0B or at least 4KiB, got 1KiB"),
        ("heartbeat: {interval: 0s}", "heartbeat.interval: must be at least 10ms, got 0s"),
        ("heartbeat: {app_interval: 5ms}", "heartbeat.app_interval: must be at least 10ms, got 5ms"),
        ("limits: {max_message: 65MiB}", "limits.max_message: must be at most 64MiB, got 65MiB"),
        ("limits: {out_buffer: 0B}", "limits.out_buffer: must be at least 4KiB, got 0B"),
        ("auth: {jwt: {leeway: 61s}}", "auth.jwt.leeway: must be at most 1m, got 61s"),
        ("cluster: {etcd: {lease_ttl: 1s}}", "cluster.etcd.lease_ttl: must be at least 2s, got 1s"),
        ("cluster: {etcd: {lease_ttl: 2500ms}}", "cluster.etcd.lease_ttl: must be whole seconds, got 2500ms"),
        ("cluster: {etcd: {max_batch_bytes: 2MiB}}", "cluster.etcd.max_batch_bytes: must be at most 1MiB, got 2MiB"),
        ("routes: [{id: 22, to: room}]", "routes[0].id: must be at least 1000, got 22"),
        ("drain: {rate: 0}", "drain.rate: must be at least 1, got 0"),
        (
            "log: {level: loud}",
            "log.level: \"loud\" is not a level (error, warn, info, debug, trace, off) or a part's level such as \"gohub::bus=debug\"",
        ),
        (
            "proxies: {trusted: ['10.0.0.1/8']}",
            "proxies.trusted[0]: \"10.0.0.1/8\" is not an address or network such as \"10.0.0.0/8\" or \"::1\"",
        ),
        ("proxies: {proxy_protocol: true}", "proxies.trusted: must name the proxies whose word about addresses counts"),
        ("proxies: {address_header: 'X:'}", "proxies.address_header: must be a header's name, which has no ':'"),
        (
            "proxies: {trusted: ['::1'], proxy_protocol: true, address_header: X-Real-IP}",
            "proxies.address_header: must be empty with proxies.proxy_protocol: the address comes from one of them",
        ),
        (
            "origins: {allow: ['https://a.example/']}",
            "origins.allow[0]: \"https://a.example/\" is not an origin such as \"https://app.example.com\", \
             \"https://*.example.com\", \"null\" or \"*\"",
        ),
    ]);
}

#[test]
fn keys_that_are_weak_or_given_twice_are_refused_and_not_shown() {
    check(&[
        ("admin: {api_keys: [short]}", "admin.api_keys[0]: must have at least 16 characters, got 5"),
        (
            "admin: {api_keys: ['0123456789 abcdef']}",
            "admin.api_keys[0]: must have only visible ASCII characters and no space",
        ),
        (
            "admin: {api_keys: [0123456789abcdef, 0123456789abcdef]}",
            "admin.api_keys[1]: is the same as admin.api_keys[0]",
        ),
        ("auth: {tokens: [{token: short}]}", "auth.tokens[0].token: must have at least 16 characters, got 5"),
        (
            "auth: {tokens: [{token: 0123456789abcdef, client_id: a/b}]}",
            "auth.tokens[0].client_id: must not contain '/'",
        ),
        ("auth: {tokens: [{token: 0123456789abcdef, client_id: ..}]}", "auth.tokens[0].client_id: must not be \"..\""),
        (
            "auth: {jwt: {hmac_secrets: [0123456789abcdef]}}",
            "auth.jwt.hmac_secrets[0]: must have at least 32 characters, got 16",
        ),
        (
            "admin: {scoped_keys: [{key: short, scopes: [read]}]}",
            "admin.scoped_keys[0].key: must have at least 16 characters, got 5",
        ),
        (
            "admin: {scoped_keys: [{key: 0123456789abcdef, scopes: []}]}",
            "admin.scoped_keys[0].scopes: must name at least one scope",
        ),
        (
            "admin: {api_keys: [0123456789abcdef], scoped_keys: [{key: 0123456789abcdef, scopes: [read]}]}",
            "admin.scoped_keys[0].key: is the same as admin.api_keys[0], which opens everything",
        ),
        (
            "admin: {scoped_keys: [{key: 0123456789abcdef, scopes: [fly]}]}",
            "admin.scoped_keys[0].scopes[0]: must be one of publish, read, manage, operate, got \"fly\"",
        ),
        (
            "auth: {jwt: {jwks: {url: 'ftp://a/b'}}}",
            "auth.jwt.jwks.url: must be http://host/path or https://host/path, without a user or password",
        ),
        (
            "auth: {jwt: {jwks: {min_interval: 1h, refresh_interval: 1m}}}",
            "auth.jwt.jwks.refresh_interval: must be at least 1h, got 1m",
        ),
        ("auth: {lockout: {pause: 10ms}}", "auth.lockout.pause: must be at least 1s, got 10ms"),
        ("auth: {lockout: {pause: 1h, max_pause: 1m}}", "auth.lockout.max_pause: must be at least 1h, got 1m"),
        ("auth: {jwt: {expiry_warning: 2h}}", "auth.jwt.expiry_warning: must be at most 1h, got 2h"),
        ("auth: {ticket: {life: 2h}}", "auth.ticket.life: must be at most 1h, got 2h"),
        ("auth: {ticket: {life: 5m, max_age: 1m}}", "auth.ticket.max_age: must be at least 5m, got 1m"),
        (
            "auth: {capabilities: {rooms: [{pattern: a/b, allow: []}]}}",
            "auth.capabilities.rooms[0].pattern: a name pattern has no '/', because no name has it",
        ),
        ("cluster: {peer_key: short}", "cluster.peer_key: must have at least 16 characters, got 5"),
        (
            "admin: {api_keys: ['***']}",
            "admin.api_keys[0]: \"***\" stands for a secret in printed settings, it is not one: write the secret itself",
        ),
    ]);
}

#[test]
fn fields_that_disagree_are_refused_by_both_names() {
    check(&[
        (
            "auth: {required: true}",
            "auth.required: needs auth.tokens, auth.hook.url or keys in auth.jwt (hmac_secrets, public_keys, jwks.url), or nobody can connect",
        ),
        ("cluster: {enabled: true}", "cluster.etcd.endpoints: must name at least one member with cluster.enabled"),
        (
            "cluster: {enabled: true, etcd: {endpoints: ['http://a:2379']}}\nlimits: {max_message: 2MiB}",
            "limits.max_message: must be at most 1MiB with cluster.enabled, got 2MiB",
        ),
        (
            "slow_client: {max_pending: 65MiB}",
            "slow_client.max_pending: must be at most retention.max_bytes (64MiB), got 65MiB",
        ),
        (
            "limits: {max_message: 2MiB}",
            "slow_client.max_pending: must be at least limits.max_message (2MiB), got 1MiB",
        ),
        ("cluster: {etcd: {username: hub}}", "cluster.etcd.password: is needed with cluster.etcd.username"),
        ("cluster: {etcd: {password: secret}}", "cluster.etcd.username: is needed with cluster.etcd.password"),
        ("cluster: {etcd: {tls: {cert: a.pem}}}", "cluster.etcd.tls.key: is needed with cluster.etcd.tls.cert"),
        (
            "cluster: {etcd: {endpoints: ['http://a:2379'], tls: {}}}",
            "cluster.etcd.endpoints[0]: must be https:// with cluster.etcd.tls",
        ),
        (
            "cluster: {etcd: {endpoints: ['http://user:word@a:2379']}}",
            "cluster.etcd.endpoints[0]: must be http://host:port or https://host:port, without a user or password",
        ),
        (
            "cluster: {etcd: {endpoints: ['a:2379']}}",
            "cluster.etcd.endpoints[0]: must be http://host:port or https://host:port, without a user or password",
        ),
        (
            "cluster: {etcd: {key_prefix: /gohub/}}",
            "cluster.etcd.key_prefix: must be a key such as \"/gohub\", without a slash at its end, got \"/gohub/\"",
        ),
        ("cluster: {advertise: hub-0}", "cluster.advertise: must be host:port, got \"hub-0\""),
        ("admin: {addr: '127.0.0.1:8080'}", "admin.addr: 127.0.0.1:8080 is taken by server.addr (0.0.0.0:8080)"),
        ("routes: [{id: 1000, to: room}, {id: 1000, to: client}]", "routes[1].id: 1000 is the id of routes[0] already"),
        (
            "routes: [{id: 1000, to: webhook}]",
            "routes[0].url: must be http://host/path or https://host/path, without a user or password",
        ),
        ("routes: [{id: 1000, to: room, url: 'http://a/'}]", "routes[0].url: is only for `to: webhook`"),
        (
            "rooms: {overrides: [{pattern: a}, {pattern: a}]}",
            "rooms.overrides[1].pattern: is the same as rooms.overrides[0].pattern, which counts",
        ),
    ]);
}

#[test]
fn variables_are_refused_by_their_name() {
    for (name, value, expected) in [
        (
            "GOHUB_HEARTBEAT__INTERVALL",
            "5s",
            "GOHUB_HEARTBEAT__INTERVALL: there is no setting `heartbeat.intervall`: unknown field, expected one of app_interval, \
             interval, timeout",
        ),
        ("GOHUB_SERVER", "x", "GOHUB_SERVER: is a section: set its fields, such as GOHUB_SERVER__ADDR"),
        ("GOHUB_ROUTES__0__ID", "1000", "GOHUB_ROUTES__0__ID: is inside a list: set the whole list in GOHUB_ROUTES"),
        ("GOHUB_ROUTES", "1000", "GOHUB_ROUTES: is a list of objects: write it as YAML, such as [{..}, {..}]"),
        ("GOHUB_ROUTES", "[{id", "GOHUB_ROUTES: is not valid YAML"),
        ("GOHUB_DEBUG__ECHO", "", "GOHUB_DEBUG__ECHO: is empty: give it a value or leave it away"),
        (
            "gohub_debug__echo",
            "maybe",
            "debug.echo: expected true or false, got the text \"maybe\" (from gohub_debug__echo)",
        ),
        ("GOHUB_LIMITS__MAX_ROOMS", "0", "limits.max_rooms: must be at least 1, got 0 (from GOHUB_LIMITS__MAX_ROOMS)"),
        (
            "GOHUB_ADMIN__API_KEYS",
            "0123456789abcdef,short",
            "admin.api_keys[1]: must have at least 16 characters, got 5 (from GOHUB_ADMIN__API_KEYS)",
        ),
    ] {
        assert_eq!(refusal_with("", &[(name, value)]), expected);
    }
    assert_eq!(
        refusal_with("", &[("GOHUB_SERVER__PATH", "/a"), ("gohub_server__path", "/b")]),
        "gohub_server__path: is set twice, also as GOHUB_SERVER__PATH"
    );
    assert!(refusal("server: {addr: ''}").starts_with("server.addr: \"\" is not an IP address"));
}
