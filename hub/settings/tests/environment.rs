//! The environment comes on top of the file, and the schema says how a variable is read.

use gohub_settings::{Duration, Settings};

fn settings(yaml: &str, environment: &[(&str, &str)]) -> Settings {
    Settings::from_yaml(yaml, environment.iter().map(|(name, value)| (name.to_string(), value.to_string()))).unwrap()
}

#[test]
fn an_empty_file_means_the_defaults() {
    for yaml in ["", "\n", "# nothing\n", "---\n", "{}", "server:\nlog:\n  level:\n", "null"] {
        assert_eq!(settings(yaml, &[]), Settings::default(), "{yaml:?}");
    }
}

#[test]
fn a_variable_wins_over_the_file_and_leaves_its_neighbours() {
    let settings = settings(
        "server: {path: /socket, addr: '0.0.0.0:1'}",
        &[
            ("GOHUB_SERVER__ADDR", "127.0.0.1:8081"),
            ("GOHUB_CLUSTER__ETCD__DIAL_TIMEOUT", "1s"),
            ("gohub_Debug__Echo", "true"),
        ],
    );
    assert_eq!(settings.server.addr.to_string(), "127.0.0.1:8081");
    assert_eq!(settings.server.path, "/socket");
    assert_eq!(settings.cluster.etcd.dial_timeout, Duration::from_secs(1));
    assert!(settings.debug.echo);
}

#[test]
fn lists_are_separated_by_commas_or_written_as_yaml() {
    let settings = settings(
        "origins: {allow: ['https://old.example']}",
        &[
            ("GOHUB_CLUSTER__ETCD__ENDPOINTS", "http://a:2379, http://b:2379"),
            ("GOHUB_ORIGINS__ALLOW", ""),
            ("GOHUB_ROUTES", "[{id: 1000, to: room, room: lobby}]"),
        ],
    );
    assert_eq!(settings.cluster.etcd.endpoints, ["http://a:2379", "http://b:2379"]);
    assert!(settings.origins.allow.is_empty());
    assert_eq!(settings.routes[0].room, "lobby");
}

#[test]
fn a_text_stays_a_text_even_if_it_looks_like_a_number() {
    let settings = settings(
        "",
        &[
            ("GOHUB_CLUSTER__ETCD__USERNAME", "007"),
            ("GOHUB_CLUSTER__ETCD__PASSWORD", " true: #1"),
            ("GOHUB_ADMIN__API_KEYS", "1234567890123456"),
        ],
    );
    assert_eq!(settings.cluster.etcd.username, "007");
    assert_eq!(settings.cluster.etcd.password.expose(), " true: #1");
    assert_eq!(settings.admin.api_keys[0].expose(), "1234567890123456");
}

#[test]
fn a_variable_may_complete_what_the_file_leaves_out() {
    let settings = settings(
        "server: {tls: {cert: a.pem}}\ncluster: {enabled: true}",
        &[("GOHUB_SERVER__TLS__KEY", "a.key"), ("GOHUB_CLUSTER__ETCD__ENDPOINTS", "http://a:2379")],
    );
    assert_eq!(settings.server.tls.unwrap().key, "a.key");
}

#[test]
fn variables_of_kubernetes_service_links_and_of_the_scripts_are_ignored() {
    // With a Service named `gohub` or `gohub-admin` every pod of the namespace is given these, and must start nevertheless.
    let links = [
        ("GOHUB_SERVICE_HOST", "10.0.0.1"),
        ("GOHUB_SERVICE_PORT", "8080"),
        ("GOHUB_SERVICE_PORT_WS", "8080"),
        ("GOHUB_PORT", "tcp://10.0.0.1:8080"),
        ("GOHUB_PORT_8080_TCP", "tcp://10.0.0.1:8080"),
        ("GOHUB_PORT_8080_TCP_ADDR", "10.0.0.1"),
        ("GOHUB_PORT_8080_TCP_PROTO", "tcp"),
        ("GOHUB_ADMIN_SERVICE_HOST", "10.0.0.2"),
        ("GOHUB_ADMIN_PORT_9090_TCP_PORT", "9090"),
        ("GOHUB_CONFIG", "config.yaml"),
        ("GOHUB_CACHE", "/tmp/tools"),
        ("PATH", "/bin"),
        ("GOHUBX", "1"),
        ("GÖHUB_SERVER", "1"),
    ];
    assert_eq!(settings("", &links), Settings::default());
}

#[test]
fn the_hash_of_a_text_knows_no_environment_and_needs_no_other_field() {
    let text = "cluster: {enabled: true}";
    assert!(Settings::from_yaml(text, std::iter::empty()).is_err(), "the endpoints come from the environment");
    assert_eq!(Settings::hash_of_text(text), Settings::hash_of_text("cluster:\n  enabled: true # on"));
    assert_eq!(Settings::hash_of_text("").unwrap(), Settings::default().hash());
}
