//! A key that tokens are verified with, bound to the algorithms of its kind: nothing that a token says about itself changes how a key is used.

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind};

const HMAC: &[Algorithm] = &[Algorithm::HS256, Algorithm::HS384, Algorithm::HS512];
const RSA: &[Algorithm] =
    &[Algorithm::RS256, Algorithm::RS384, Algorithm::RS512, Algorithm::PS256, Algorithm::PS384, Algorithm::PS512];
const P256: &[Algorithm] = &[Algorithm::ES256];
const P384: &[Algorithm] = &[Algorithm::ES384];
const ED25519: &[Algorithm] = &[Algorithm::EdDSA];

/// Bytes of an RSA modulus: 2048 bits are the least that is safe, 8192 the most that is cheap.
const MODULUS: std::ops::RangeInclusive<usize> = 256..=1024;

/// Why a key cannot be used. Repeats nothing of the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum KeyError {
    #[error("is not a public key in PEM (-----BEGIN PUBLIC KEY-----) of RSA, of EC on P-256 or P-384, or of Ed25519")]
    Unreadable,
    #[error("is a private key: only the public one belongs here, and this one should be replaced")]
    Private,
    #[error("is an RSA key of less than 2048 or more than 8192 bits")]
    Strength,
    #[error("is a key of a kind that verifies no token here")]
    Unsupported,
}

/// See the module.
pub(super) struct Key {
    id: Option<Box<str>>,
    algorithms: &'static [Algorithm],
    /// The one of them that the key's publisher has named.
    only: Option<Algorithm>,
    decoding: DecodingKey,
}

impl Key {
    pub(super) fn from_secret(secret: &str) -> Self {
        let decoding = DecodingKey::from_secret(secret.as_bytes());
        Self { id: None, algorithms: HMAC, only: None, decoding }
    }

    /// One public key.
    pub(super) fn from_pem(text: &str) -> Result<Self, KeyError> {
        let text = text.trim();
        if text.contains("PRIVATE KEY-----") {
            return Err(KeyError::Private);
        }
        // A certificate has a key in it too, and an end that nobody would look at.
        if !text.starts_with("-----BEGIN PUBLIC KEY-----") && !text.starts_with("-----BEGIN RSA PUBLIC KEY-----") {
            return Err(KeyError::Unreadable);
        }
        let pem = text.as_bytes();
        let read = DecodingKey::from_rsa_pem(pem)
            .or_else(|_| DecodingKey::from_ec_pem(pem))
            .or_else(|_| DecodingKey::from_ed_pem(pem));
        let decoding = read.map_err(|_| KeyError::Unreadable)?;
        Ok(Self { id: None, algorithms: algorithms(&decoding)?, only: None, decoding })
    }

    /// A key of a set (RFC 7517). Shared secrets have no place in a public document.
    pub(super) fn from_jwk(jwk: &Jwk) -> Result<Self, KeyError> {
        let common = &jwk.common;
        let signs = common.public_key_use.as_ref().is_none_or(|purpose| *purpose == PublicKeyUse::Signature);
        let verifies = common.key_operations.as_ref().is_none_or(|all| all.contains(&KeyOperations::Verify));
        let curve = match &jwk.algorithm {
            AlgorithmParameters::RSA(_) => None,
            AlgorithmParameters::EllipticCurve(key) => Some(&key.curve),
            AlgorithmParameters::OctetKeyPair(key) => Some(&key.curve),
            _ => return Err(KeyError::Unsupported),
        };
        if !signs || !verifies {
            return Err(KeyError::Unsupported);
        }
        let decoding = DecodingKey::from_jwk(jwk).map_err(|_| KeyError::Unreadable)?;
        let algorithms = algorithms(&decoding)?;
        // What the key is must be what it says it is.
        let expected = match curve {
            None => RSA,
            Some(EllipticCurve::P256) => P256,
            Some(EllipticCurve::P384) => P384,
            Some(EllipticCurve::Ed25519) => ED25519,
            Some(_) => return Err(KeyError::Unsupported),
        };
        let only = match common.key_algorithm {
            None => None,
            Some(named) => Some(named.to_string().parse().map_err(|_| KeyError::Unsupported)?),
        };
        if algorithms != expected || only.is_some_and(|only| !algorithms.contains(&only)) {
            return Err(KeyError::Unsupported);
        }
        Ok(Self { id: common.key_id.as_deref().map(Box::from), algorithms, only, decoding })
    }

    /// Whether the key may verify a signature of this algorithm.
    pub(super) fn takes(&self, algorithm: Algorithm) -> bool {
        self.only.map_or(self.algorithms.contains(&algorithm), |only| only == algorithm)
    }

    /// Whether it may be the key a token names. Without a name on either side it may.
    pub(super) fn may_be(&self, id: Option<&str>) -> bool {
        match (self.id.as_deref(), id) {
            (Some(own), Some(named)) => own == named,
            _ => true,
        }
    }

    /// Whether it has this very name.
    pub(super) fn is_called(&self, id: &str) -> bool {
        self.id.as_deref() == Some(id)
    }

    pub(super) fn decoding(&self) -> &DecodingKey {
        &self.decoding
    }
}

/// What a public key is for, found from the key itself.
fn algorithms(key: &DecodingKey) -> Result<&'static [Algorithm], KeyError> {
    use jsonwebtoken::AlgorithmFamily::{Ec, Ed, Rsa};
    match (key.family(), key.kind()) {
        (Rsa, DecodingKeyKind::RsaModulusExponent { n, .. }) => strong(significant(n).len()),
        (Rsa, DecodingKeyKind::SecretOrDer(der)) => strong(modulus(der).ok_or(KeyError::Unreadable)?),
        // A point: one byte that says it is whole, and two coordinates.
        (Ec, DecodingKeyKind::SecretOrDer(point)) => match point.len() {
            65 => Ok(P256),
            97 => Ok(P384),
            _ => Err(KeyError::Unsupported),
        },
        (Ed, DecodingKeyKind::SecretOrDer(point)) if point.len() == 32 => Ok(ED25519),
        _ => Err(KeyError::Unsupported),
    }
}

fn strong(modulus: usize) -> Result<&'static [Algorithm], KeyError> {
    if MODULUS.contains(&modulus) { Ok(RSA) } else { Err(KeyError::Strength) }
}

fn significant(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.get(zeros..).unwrap_or_default()
}

/// Bytes of the modulus of `RSAPublicKey ::= SEQUENCE { modulus INTEGER, publicExponent INTEGER }`.
fn modulus(der: &[u8]) -> Option<usize> {
    let (sequence, _) = element(der, 0x30)?;
    let (modulus, _) = element(sequence, 0x02)?;
    Some(significant(modulus).len())
}

/// The content of a DER element with this tag, and what follows it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (head, rest) = der.split_first_chunk::<2>()?;
    if head[0] != tag {
        return None;
    }
    let (length, rest) = match head[1] {
        short @ 0..=0x7f => (usize::from(short), rest),
        long @ 0x81..=0x83 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(long & 0x7f))?;
            (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    rest.split_at_checked(length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::samples::{Kind, RSA_1024, Sample};

    fn takes(key: &Key) -> Vec<Algorithm> {
        let all = [HMAC, RSA, P256, P384, ED25519].concat();
        all.into_iter().filter(|algorithm| key.takes(*algorithm)).collect()
    }

    #[test]
    fn s30_a_key_takes_the_algorithms_of_its_kind_alone() {
        for (kind, expected) in Kind::ALL.into_iter().zip([RSA, P256, P384, ED25519]) {
            let public = Sample::new(kind).public;
            assert_eq!(takes(&Key::from_pem(&public).expect("a key")), expected, "{kind:?}");
            assert_eq!(takes(&Key::from_pem(&format!("\n{public}\n")).expect("with lines around it")), expected);
        }
        assert_eq!(takes(&Key::from_secret("s")), HMAC);
    }

    #[test]
    fn what_is_no_public_key_of_a_good_kind_is_refused() {
        let refused = |text: &str| Key::from_pem(text).err();
        let Sample { public, private, .. } = Sample::new(Kind::P256);
        assert_eq!(refused(&private), Some(KeyError::Private));
        assert_eq!(refused(RSA_1024), Some(KeyError::Strength));
        let broken = public.replace("MF", "NF");
        for text in ["", "key", "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----", broken.as_str()] {
            assert_eq!(refused(text), Some(KeyError::Unreadable), "{text:?}");
        }
        assert_eq!(refused(&public.replace("PUBLIC KEY", "CERTIFICATE")), Some(KeyError::Unreadable));
    }

    fn jwk(text: &str) -> Result<Key, KeyError> {
        Key::from_jwk(&serde_json::from_str(text).expect("a key"))
    }

    #[test]
    fn s30_a_key_of_a_set_is_what_it_is_and_not_what_it_says() {
        let x = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
        let y = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";
        let ec = |more: &str| format!(r#"{{"kty":"EC","crv":"P-256","x":"{x}","y":"{y}"{more}}}"#);
        assert_eq!(takes(&jwk(&ec("")).expect("a key")), P256);
        let named = jwk(&ec(r#","kid":"a","use":"sig","alg":"ES256","key_ops":["verify"]"#)).expect("a key");
        assert!(named.is_called("a") && named.may_be(Some("a")) && named.may_be(None) && !named.may_be(Some("b")));
        for more in [r#","use":"enc""#, r#","alg":"ES384""#, r#","alg":"HS256""#, r#","key_ops":["sign"]"#] {
            assert_eq!(jwk(&ec(more)).err(), Some(KeyError::Unsupported), "{more}");
        }
        assert_eq!(jwk(&ec("").replace("P-256", "P-384")).err(), Some(KeyError::Unsupported));
        assert_eq!(jwk(&format!(r#"{{"kty":"OKP","crv":"P-256","x":"{x}"}}"#)).err(), Some(KeyError::Unsupported));
        assert_eq!(takes(&jwk(&format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{x}"}}"#)).expect("a key")), ED25519);
        assert_eq!(
            jwk(r#"{"kty":"oct","k":"c2VjcmV0"}"#).err(),
            Some(KeyError::Unsupported),
            "a secret is no public key"
        );
        assert_eq!(jwk(r#"{"kty":"RSA","n":"AQAB","e":"AQAB"}"#).err(), Some(KeyError::Strength));
        assert_eq!(jwk(r#"{"kty":"RSA","n":"*","e":"AQAB"}"#).err(), Some(KeyError::Unreadable));
        assert_eq!(jwk(r#"{"kty":"new"}"#).err(), Some(KeyError::Unsupported));
    }

    #[test]
    fn a_modulus_is_measured_without_leading_zeros() {
        assert_eq!(modulus(&[0x30, 6, 0x02, 4, 0, 1, 2, 3]), Some(3));
        assert_eq!(modulus(&[0x30, 0x81, 6, 0x02, 0x82, 0, 2, 1, 2]), Some(2));
        for broken in [&[][..], &[0x30], &[0x31, 1, 0], &[0x30, 4, 0x02, 4, 0, 1], &[0x30, 0x84, 1, 1, 1, 1, 2]] {
            assert_eq!(modulus(broken), None, "{broken:?}");
        }
    }
}
