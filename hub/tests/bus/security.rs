//! TLS and passwords towards etcd.

use gohub::bus::MessageBus;
use gohub::protocol::Mode;
use gohub_settings::{Etcd, EtcdTls, Secret};

use crate::etcd::{Certificates, Cluster, Wanted};
use crate::hub::{Hub, broadcast, settings};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s86_a_hub_with_a_certificate_and_a_password_takes_part() {
    let arguments = vec!["--auth-token-ttl=1".to_owned(), "--log-level=debug".to_owned()];
    let mut cluster = Cluster::start_with(1, Wanted { tls: true, arguments, ..Wanted::default() }).await;
    cluster.require_password("correct horse").await;
    let etcd = Etcd {
        tls: Some(cluster.certificates().settings()),
        username: "hub".to_owned(),
        password: Secret::new("correct horse"),
        ..settings(cluster.endpoints())
    };
    let a = Hub::start("a", etcd).await;
    a.publish_until_accepted("one").await;
    // The token is good for a second of silence; the hub takes a new one by itself.
    cluster.logs(r#""deleted a simple token","user-name":"hub""#).await;
    a.publish_until_accepted("two").await;
    a.heard("two").await;
    assert!(!format!("{:?} {:?}", a.bus, a.bus.health()).contains("horse"));
    a.bus.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s86_the_wrong_authority_password_or_no_certificate_is_refused_and_not_logged() {
    let mut cluster = Cluster::start_with(1, Wanted { tls: true, ..Wanted::default() }).await;
    cluster.require_password("correct horse").await;
    let elsewhere = tempfile::tempdir().unwrap();
    let stranger = Certificates::create(elsewhere.path());
    let good = cluster.certificates().settings();
    let with = |tls: Option<EtcdTls>, password: &str| Etcd {
        tls,
        username: "hub".to_owned(),
        password: Secret::new(password),
        request_timeout: gohub_settings::Duration::from_secs(2),
        ..settings(cluster.endpoints())
    };
    let cases = [
        ("wrong authority", with(Some(EtcdTls { ca: stranger.path("ca.crt"), ..good.clone() }), "correct horse")),
        ("no certificate", with(Some(EtcdTls { cert: String::new(), ..good.clone() }), "correct horse")),
        ("wrong name", with(Some(EtcdTls { server_name: "example.com".to_owned(), ..good.clone() }), "correct horse")),
        ("no such file", with(Some(EtcdTls { ca: stranger.path("nothing"), ..good.clone() }), "correct horse")),
        ("wrong password", with(Some(good), "wrong horse")),
    ];
    for (what, etcd) in cases {
        let a = Hub::connecting("a", etcd);
        a.mode(Mode::Degraded).await;
        let error = a.publish(broadcast("x")).await.expect_err(what);
        assert!(error.is_retryable() && !error.to_string().contains("horse"), "{what}: {error}");
        assert!(!a.bus.health().delivering, "{what}");
    }
}
