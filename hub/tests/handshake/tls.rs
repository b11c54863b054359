//! S12, S19, S64, S82-S84: the TLS port, peers that do not finish what they begin, and certificates that come and go.

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
        let tls = ServerTls { cert: path("tls.crt"), key: path("tls.key"), client_ca: String::new() };
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
fn s84_a_certificate_renewed_in_place_is_used_within_ten_seconds_and_disconnects_nobody() {
    let mut secure = Secure::start();
    let mut stays = secure.opened();
    secure.trust = issue(&secure.tls);
    let deadline = Instant::now() + Duration::from_secs(10);
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

/// A ClientHello of this version with one suite of its own time, as RFC 5246 has it.
fn old_hello(minor: u8, suite: [u8; 2]) -> Vec<u8> {
    let mut body = vec![3, minor];
    body.extend([7; 32]);
    body.extend([0, 0, 2, suite[0], suite[1], 1, 0]);
    let mut message = vec![1, 0, 0, body.len() as u8];
    message.extend(body);
    let mut record = vec![0x16, 3, 1, 0, message.len() as u8];
    record.extend(message);
    record
}

#[test]
fn s82_old_versions_and_strange_suites_get_an_alert_and_are_counted() {
    const ECDHE_RSA_AES128_SHA: [u8; 2] = [0xC0, 0x13];
    const NULL: [u8; 2] = [0, 0];
    let secure = Secure::start();
    for (index, (minor, suite)) in
        [(1, ECDHE_RSA_AES128_SHA), (2, ECDHE_RSA_AES128_SHA), (3, NULL)].into_iter().enumerate()
    {
        let mut peer = secure.site.knock();
        peer.send(old_hello(minor, suite));
        let mut answer = Vec::new();
        peer.socket.read_to_end(&mut answer).ok();
        assert_eq!((answer.first(), answer.get(5)), (Some(&0x15), Some(&2)), "a fatal alert: {answer:?}");
        let failures = ("handshake", index as u64 + 1);
        secure.site.until("it is counted", |hub| hub.metrics().net().tls_failures.counts() == [failures]);
    }
    drop(secure.opened());
    secure.site.ends_empty();
}

#[test]
fn s82_with_authorities_for_clients_nobody_comes_in_without_a_certificate_of_theirs() {
    let files = TempDir::new().unwrap();
    let path = |name: &str| files.path().join(name).display().to_string();
    let tls = ServerTls { cert: path("tls.crt"), key: path("tls.key"), client_ca: path("ca.crt") };
    let trust = issue(&tls);
    let authority = |name: &str| {
        let mut params = rcgen::CertificateParams::new(Vec::<String>::new()).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        (certificate.pem(), rcgen::Issuer::new(params, key))
    };
    let (known, ours) = authority("ours");
    let (_, theirs) = authority("theirs");
    std::fs::write(&tls.client_ca, known).unwrap();
    let site = Site::start(|settings| settings.server.tls = Some(tls.clone()));
    // Whether the hub lets in who shows a certificate of this authority.
    let is_let_in = |issuer: Option<&rcgen::Issuer<'_, rcgen::KeyPair>>| {
        let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()));
        let builder = builder.with_safe_default_protocol_versions().unwrap();
        let mut roots = RootCertStore::empty();
        let own = std::fs::read(&tls.cert).unwrap();
        roots.add(rustls_pki_types::pem::PemObject::from_pem_slice(&own).unwrap()).unwrap();
        let builder = builder.with_root_certificates(roots);
        let config = match issuer {
            None => builder.with_no_client_auth(),
            Some(issuer) => {
                let key = rcgen::KeyPair::generate().unwrap();
                let params = rcgen::CertificateParams::new(vec!["sensor-7".to_owned()]).unwrap();
                let certificate = params.signed_by(&key, issuer).unwrap();
                let key = rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).unwrap();
                builder.with_client_auth_cert(vec![certificate.der().clone()], key).unwrap()
            }
        };
        let name = ServerName::try_from("hub.example").unwrap();
        let connection = ClientConnection::new(Arc::new(config), name).unwrap();
        let mut stream = StreamOwned::new(connection, site.knock().socket);
        let asked = stream.write_all(request("/ws", "").as_bytes());
        let mut answer = [0; 12];
        asked.is_ok() && stream.read_exact(&mut answer).is_ok() && answer == *b"HTTP/1.1 101"
    };
    assert!(is_let_in(Some(&ours)));
    assert!(!is_let_in(None), "without a certificate");
    assert!(!is_let_in(Some(&theirs)), "with one of somebody else's");
    site.until("both are counted", |hub| hub.metrics().net().tls_failures.counts() == [("handshake", 2)]);
    drop(trust);
    site.ends_empty();
}

#[test]
fn s83_a_bad_certificate_changes_nothing_is_complained_of_and_mended_by_a_good_one() {
    let mut secure = Secure::start();
    let end = secure.site.hub.metrics().net();
    secure.site.until("its end is known", |_| end.certificate_end.get() > 0);
    let good = (std::fs::read(&secure.tls.cert).unwrap(), std::fs::read(&secure.tls.key).unwrap());
    let other = rcgen::KeyPair::generate().unwrap().serialize_pem().into_bytes();
    let mut expired = rcgen::CertificateParams::new(vec!["hub.example".to_owned()]).unwrap();
    expired.not_before = rcgen::date_time_ymd(2020, 1, 1);
    expired.not_after = rcgen::date_time_ymd(2021, 1, 1);
    let key = rcgen::KeyPair::generate().unwrap();
    let expired = (expired.self_signed(&key).unwrap().pem().into_bytes(), key.serialize_pem().into_bytes());
    let garbage = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_vec();
    let bad = [(good.0.clone(), other), (garbage, good.1.clone()), (Vec::new(), good.1.clone()), expired];
    for (certificate, key) in bad {
        std::fs::write(&secure.tls.cert, certificate).unwrap();
        std::fs::write(&secure.tls.key, key).unwrap();
        let refusal = || secure.site.hub.reload().status().last_error.clone();
        secure.site.until("it is complained of", |_| {
            refusal().is_some_and(|refusal| refusal.field.as_deref() == Some("server.tls"))
        });
        drop(secure.opened());
        std::fs::write(&secure.tls.cert, &good.0).unwrap();
        std::fs::write(&secure.tls.key, &good.1).unwrap();
        secure.site.until("all is well again", |_| refusal().is_none());
    }
    secure.trust = issue(&secure.tls);
    secure.site.until("the new one is shown", |_| secure.client().write_all(b"G").is_ok());
    secure.site.ends_empty();
}
