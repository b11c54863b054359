//! Keys for tests, made when they are asked for, so that no private key stands in a file.

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use rcgen::{
    KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519, PKCS_RSA_SHA256, SignatureAlgorithm,
};
use serde_json::Value;

/// An RSA key of 1024 bits, whose private half nobody has.
pub(super) const RSA_1024: &str = "-----BEGIN PUBLIC KEY-----
MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDORQfNLRH65X9cUyNDv4t30yfc
UPEEylabXMEOkQwYVvypTmQJVyGgMKva5XJATfjanxrfygxdUlbpYTVXwEd/WDFF
zKjtC4SFcXZYqK1Q8Js2a8qNFCnTUrtJcg1VGn7s8DSk+0QVZMYlAuJQhq9GBA7N
l8aM5G71DtYUErQKpwIDAQAB
-----END PUBLIC KEY-----";

/// A kind of key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Rsa,
    P256,
    P384,
    Ed25519,
}

impl Kind {
    pub(super) const ALL: [Self; 4] = [Self::Rsa, Self::P256, Self::P384, Self::Ed25519];

    fn signature(self) -> &'static SignatureAlgorithm {
        match self {
            Self::Rsa => &PKCS_RSA_SHA256,
            Self::P256 => &PKCS_ECDSA_P256_SHA256,
            Self::P384 => &PKCS_ECDSA_P384_SHA384,
            Self::Ed25519 => &PKCS_ED25519,
        }
    }
}

/// A pair of keys, both as PEM.
pub(super) struct Sample {
    kind: Kind,
    pub(super) private: String,
    pub(super) public: String,
}

impl Sample {
    pub(super) fn new(kind: Kind) -> Self {
        let pair = KeyPair::generate_for(kind.signature()).expect("a key");
        Self { kind, private: pair.serialize_pem(), public: pair.public_key_pem() }
    }

    /// A token signed with it.
    pub(super) fn sign(&self, algorithm: Algorithm, id: Option<&str>, claims: &Value) -> String {
        let pem = self.private.as_bytes();
        let key = match self.kind {
            Kind::Rsa => EncodingKey::from_rsa_pem(pem),
            Kind::P256 | Kind::P384 => EncodingKey::from_ec_pem(pem),
            Kind::Ed25519 => EncodingKey::from_ed_pem(pem),
        };
        let header = Header { kid: id.map(str::to_owned), ..Header::new(algorithm) };
        encode(&header, claims, &key.expect("a signing key")).expect("a token")
    }
}
