//! S12, S19, S64: the TLS port and peers that do not finish what they begin.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use gohub_settings::{Duration as Setting, ServerTls};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use tempfile::TempDir;

use crate::peer::{frame, request};
use crate::site::{PATIENCE, Site};

type Stream = StreamOwned<ClientConnection, TcpStream>;

/// Writes a certificate of its own and its key into these files.
/// Returns what whoever trusts it believes in.
fn issue(tls: &ServerTls) -> Arc<ClientConfig> {
    let made = rcgen::generate_simple_self_signed(["hub.example".to_owned()]).unwrap();
    std::fs::write(&tls.cert, made.cert.pem()).unwrap();
    std::fs::write(&tls.key, made.signing_key.serialize_pem()).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    Arc::new(config.with_root_certificates(roots).with_no_client_auth())
}

/// A hub with a certificate of its own, and what its clients trust.
struct Secure {
    site: Site,
    trust: Arc<ClientConfig>,
    tls: ServerTls,
    _files: TempDir,
}

impl Secure {
    fn start() -> Self {
        let files = TempDir::new().unwrap();
        let path = |name: &str| files.path().join(name).display().to_string();
        let tls = ServerTls { cert: path("tls.crt"), key: path("tls.key") };
        let trust = issue(&tls);
        let site = Site::start(|settings| {
            settings.server.tls = Some(tls.clone());
            settings.server.handshake_timeout = Setting::from_millis(400);
        });
        Self { site, trust, tls, _files: files }
    }

    /// A TLS client in the middle of its handshake: nothing is sent yet.
    fn client(&self) -> Stream {
        let name = ServerName::try_from("hub.example").unwrap();
        let socket = self.site.knock().socket;
        StreamOwned::new(ClientConnection::new(Arc::clone(&self.trust), name).unwrap(), socket)
    }

    /// A WebSocket under TLS whose welcome has come.
    fn opened(&self) -> Stream {
        let mut stream = self.client();
        stream.write_all(request("/ws", "").as_bytes()).unwrap();
        let mut got = Vec::new();
        while !got.windows(15).any(|window| window == b"\"message_id\":3,") {
            let mut chunk = [0; 4096];
            let n = stream.read(&mut chunk).unwrap();
            assert!(n > 0, "{}", String::from_utf8_lossy(&got));
            got.extend_from_slice(&chunk[..n]);
        }
        assert!(got.starts_with(b"HTTP/1.1 101 "));
        stream
    }

    /// The first bytes a client sends.
    fn hello(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.client().conn.write_tls(&mut bytes).unwrap();
        bytes
    }
}

#[test]
fn a_certificate_renewed_in_place_is_used_and_disconnects_nobody() {
    let mut secure = Secure::start();
    let mut stays = secure.opened();
    secure.trust = issue(&secure.tls);
    let deadline = Instant::now() + Duration::from_secs(20);
    // Who trusts only the new one is refused until the hub shows it.
    while secure.client().write_all(b"G").is_err() {
        assert!(Instant::now() < deadline, "the old certificate is still shown");
    }
    drop(secure.opened());
    stays.write_all(&[0x89, 0x80, 0, 0, 0, 0]).unwrap();
    let mut pong = [0; 2];
    stays.read_exact(&mut pong).unwrap();
    assert_eq!(pong, [0x8A, 0], "the connection of before lives");
    drop(stays);
    secure.site.ends_empty();
}

#[test]
fn s12_silent_tls_peers_are_cut_at_the_timeout_and_block_nobody() {
    let secure = Secure::start();
    let hello = secure.hello();
    let mut silent: Vec<_> = [&[][..], &hello[..1], &hello[..hello.len() / 2], &hello[..]]
        .into_iter()
        .map(|bytes| {
            let mut peer = secure.site.knock();
            peer.send(bytes);
            peer
        })
        .collect();
    let started = Instant::now();
    drop(secure.opened());
    for peer in &mut silent {
        while peer.socket.read(&mut [0; 4096]).unwrap_or(0) > 0 {}
    }
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    let timed_out = ("handshake_timeout", silent.len() as u64);
    secure.site.until("all are counted", |hub| hub.metrics().net().refused.counts().contains(&timed_out));
    secure.site.ends_empty();
}

#[test]
fn s19_plain_http_on_the_tls_port_ends_cleanly() {
    let secure = Secure::start();
    for bytes in [request("/ws", "").into_bytes(), vec![0; 64], b"\n".repeat(64)] {
        let mut peer = secure.site.knock();
        peer.send(bytes);
        let mut rest = Vec::new();
        peer.socket.read_to_end(&mut rest).ok();
        assert!(!rest.starts_with(b"HTTP/"), "{rest:?}");
    }
    drop(secure.opened());
    secure.site.ends_empty();
}

#[test]
fn s64_a_tls_stream_cut_in_a_record_or_in_a_frame_is_cleaned_up() {
    let secure = Secure::start();
    for keep in [1, 4, 20] {
        let mut stream = secure.opened();
        stream.conn.writer().write_all(&frame(0x81, &[b'x'; 100])).unwrap();
        let mut record = Vec::new();
        stream.conn.write_tls(&mut record).unwrap();
        stream.sock.write_all(&record[..keep]).unwrap();
        drop(stream);
    }
    // A whole record with half a frame in it, then the end without close_notify.
    let mut stream = secure.opened();
    stream.write_all(&frame(0x81, &[b'x'; 100])[..50]).unwrap();
    drop(stream);
    // A whole record that nobody made with our keys.
    let mut stream = secure.opened();
    stream.sock.write_all(&[0x17, 3, 3, 0, 32]).unwrap();
    stream.sock.write_all(&[7; 32]).unwrap();
    stream.sock.set_read_timeout(Some(PATIENCE)).unwrap();
    while stream.sock.read(&mut [0; 4096]).unwrap_or(0) > 0 {}
    secure.site.ends_empty();
}
