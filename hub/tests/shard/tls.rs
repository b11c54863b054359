//! TLS: the same log through a session of its own for every connection.

use std::sync::Arc;

use gohub::protocol::client::ClientRequest;
use gohub::{Hub, Settings};
use gohub_settings::{ByteSize, Duration as Setting, ServerTls};
use gohub_test_client::{Client, Connect, json, padded, start};
use tempfile::TempDir;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs::default_provider};

use crate::slow::{account, flood, tight};

struct Secure {
    hub: Hub,
    trust: Arc<ClientConfig>,
    _files: TempDir,
}

impl Secure {
    async fn start(mut settings: Settings) -> Self {
        let files = TempDir::new().unwrap();
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let path = |name: &str| files.path().join(name).display().to_string();
        let tls = ServerTls { cert: path("tls.crt"), key: path("tls.key"), client_ca: String::new() };
        std::fs::write(&tls.cert, made.cert.pem()).unwrap();
        std::fs::write(&tls.key, made.signing_key.serialize_pem()).unwrap();
        settings.server.tls = Some(tls);
        let mut roots = RootCertStore::empty();
        roots.add(made.cert.der().clone()).unwrap();
        let trust = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self { hub: start(settings).await, trust: Arc::new(trust), _files: files }
    }

    fn connect(&self, client: &str) -> Connect {
        Connect::to(&self.hub).id(client).tls(Arc::clone(&self.trust))
    }
}

#[tokio::test]
async fn messages_of_every_size_pass() {
    let secure = Secure::start(gohub_test_client::settings()).await;
    let mut alice = secure.connect("alice").open().await;
    let mut bob = secure.connect("bob").cbor().open().await;
    for size in [1, 100, 16_000, 17_000, 60_000] {
        let offset = alice.publish(ClientRequest::broadcast(padded("x", size))).await;
        assert_eq!(alice.publication().await.1, offset);
        let (publication, at) = bob.publication().await;
        assert_eq!(at, offset);
        assert!(publication.data.unwrap().len() >= size);
    }
    bob.publish(ClientRequest::unicast("alice", json("1"))).await;
    assert_eq!(alice.text().await, "1");
    bob.close().await;
}

#[tokio::test]
async fn a_slow_reader_under_tls_is_told_what_it_missed() {
    let secure = Secure::start(tight()).await;
    let mut alice = secure.connect("alice").open().await;
    let mut slow = secure.connect("slow").receive_buffer(4096).open().await;
    let offsets = flood(&mut alice, 0, 500).await;
    assert!(account(&mut slow, &offsets, 499).await > 0);
    alice.publish(ClientRequest::unicast("slow", json("1"))).await;
    assert_eq!(slow.text().await, "1");
}

#[tokio::test]
async fn many_messages_to_many_readers_and_a_slow_one_that_takes_all_in_its_own_time() {
    const MESSAGES: usize = 2000;
    let mut settings = tight();
    settings.server.send_buffer = ByteSize::from_kib(16);
    settings.slow_client.max_pending = ByteSize::from_mib(32);
    settings.slow_client.max_age = Setting::from_mins(1);
    settings.server.write_timeout = Setting::from_secs(3);
    let secure = Secure::start(settings).await;
    let mut alice = secure.connect("alice").open().await;
    let mut slow = secure.connect("slow").receive_buffer(8192).open().await;
    let mut readers: Vec<Client> = Vec::new();
    for number in 0..10 {
        readers.push(secure.connect(&format!("reader-{number}")).open().await);
    }
    let publishing = async {
        for number in 0..MESSAGES {
            alice.send(&ClientRequest::broadcast(padded(&number.to_string(), 500))).await;
            alice.text().await;
        }
    };
    let read_all = async |client: &mut Client, pause: bool| {
        for number in 0..MESSAGES {
            assert_eq!(client.text().await, number.to_string());
            if pause && number % 100 == 0 {
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
        }
    };
    let reading = futures::future::join_all(readers.iter_mut().map(|reader| read_all(reader, false)));
    tokio::join!(publishing, reading, read_all(&mut slow, true));
}
