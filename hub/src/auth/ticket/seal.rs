//! Sealing: AES-256-GCM, so that a ticket can neither be made nor changed nor read by anybody but the hubs. Pure, given a key.
//!
//! ```text
//!   base64url( version 1 | key id 4 | nonce 12 | sealed content | tag 16 )      version and key id are authenticated too
//! ```
//!
//! The nonce is random and belongs to one ticket: it is the ticket's id. A key seals for a day; the bound for random nonces is 2^32 seals.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Bytes of a key.
pub const SEALING_BYTES: usize = 32;
const VERSION: u8 = 1;
/// Version and key id.
const HEAD: usize = 5;
const TAG: usize = 16;
/// A longer ticket is not given and not looked at: it has to fit into a request line.
const MAX_TEXT: usize = 4096;

/// Which ticket it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TicketId([u8; NONCE_LEN]);

impl std::fmt::Display for TicketId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Why a ticket does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Flaw {
    /// `auth.ticket.life` is 0.
    #[error("tickets are off")]
    Off,
    /// Nothing that a key of ours has sealed.
    #[error("it was not sealed here")]
    Forged,
    /// Too old, or the token behind it is, or it comes from the future.
    #[error("its time is over")]
    Expired,
    /// `auth` is not as it was when it was given.
    #[error("it was given under other settings")]
    Changed,
    /// The handshake names another client.
    #[error("it is another client's")]
    Other,
    /// The token behind it was revoked, or its client thrown out.
    #[error("what it stands for was revoked")]
    Revoked,
    /// It has been used.
    #[error("it was used before")]
    Used,
    /// Whether it was used cannot be found out now.
    #[error("nobody can say whether it was used before")]
    Unavailable,
}

impl Flaw {
    /// The word for the metric.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Forged => "forged",
            Self::Expired => "expired",
            Self::Changed => "changed",
            Self::Other => "other_client",
            Self::Revoked => "revoked",
            Self::Used => "used",
            Self::Unavailable => "unavailable",
        }
    }
}

/// A key and its name.
pub struct TicketKey {
    id: u32,
    key: RandomizedNonceKey,
}

impl std::fmt::Debug for TicketKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TicketKey").field("id", &self.id).finish_non_exhaustive()
    }
}

impl TicketKey {
    /// The key of these bytes; `None` only where the crypto library fails.
    pub fn new(id: u32, bytes: &[u8; SEALING_BYTES]) -> Option<Self> {
        RandomizedNonceKey::new(&AES_256_GCM, bytes).ok().map(|key| Self { id, key })
    }

    fn head(&self) -> [u8; HEAD] {
        let [a, b, c, d] = self.id.to_be_bytes();
        [VERSION, a, b, c, d]
    }
}

/// Random bytes for a key; `None` only where the system has none.
pub(crate) fn random_key() -> Option<[u8; SEALING_BYTES]> {
    let mut bytes = [0; SEALING_BYTES];
    aws_lc_rs::rand::fill(&mut bytes).ok().map(|()| bytes)
}

/// Keys that open tickets, the first of which seals them.
pub struct TicketKeys(Vec<TicketKey>);

impl std::fmt::Debug for TicketKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|key| key.id)).finish()
    }
}

impl TicketKeys {
    /// No keys: no ticket is given, and none is good.
    pub fn none() -> Self {
        Self(Vec::new())
    }

    /// A key that nobody else has.
    pub fn own() -> Self {
        let key = random_key().and_then(|bytes| TicketKey::new(fastrand::u32(..), &bytes));
        if key.is_none() {
            tracing::error!("the system gives no random bytes: there are no resume tickets");
        }
        Self(key.into_iter().collect())
    }

    /// These keys; the first seals.
    pub fn of(keys: impl IntoIterator<Item = TicketKey>) -> Self {
        Self(keys.into_iter().collect())
    }

    /// The text of a ticket with this content; `None`: there is no key, or it would be too long.
    pub(super) fn seal(&self, content: &[u8]) -> Option<String> {
        let key = self.0.first()?;
        let head = key.head();
        let mut sealed = content.to_vec();
        let nonce = key.key.seal_in_place_append_tag(Aad::from(head), &mut sealed).ok()?;
        let mut bytes = Vec::with_capacity(HEAD + NONCE_LEN + sealed.len());
        bytes.extend_from_slice(&head);
        bytes.extend_from_slice(nonce.as_ref());
        bytes.extend_from_slice(&sealed);
        let text = URL_SAFE_NO_PAD.encode(bytes);
        (text.len() <= MAX_TEXT).then_some(text)
    }

    /// The ticket's id and its content.
    pub(super) fn open(&self, text: &str) -> Result<(TicketId, Vec<u8>), Flaw> {
        if text.len() > MAX_TEXT {
            return Err(Flaw::Forged);
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| Flaw::Forged)?;
        let (head, rest) = bytes.split_first_chunk::<HEAD>().ok_or(Flaw::Forged)?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE_LEN>().ok_or(Flaw::Forged)?;
        let key = self.0.iter().find(|key| key.head() == *head).ok_or(Flaw::Forged)?;
        let mut sealed = sealed.to_vec();
        if sealed.len() < TAG {
            return Err(Flaw::Forged);
        }
        let nonce_of = Nonce::assume_unique_for_key(*nonce);
        let content = key.key.open_in_place(nonce_of, Aad::from(*head), &mut sealed).map_err(|_| Flaw::Forged)?;
        Ok((TicketId(*nonce), content.to_vec()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(ids: &[(u32, u8)]) -> TicketKeys {
        TicketKeys::of(ids.iter().map(|(id, byte)| TicketKey::new(*id, &[*byte; SEALING_BYTES]).expect("a key")))
    }

    #[test]
    fn what_one_key_seals_it_opens_and_no_other_does() {
        let (ours, rotated, theirs) = (keys(&[(7, 1)]), keys(&[(8, 2), (7, 1)]), keys(&[(7, 3)]));
        let text = ours.seal(b"content").expect("a key");
        let (id, content) = ours.open(&text).expect("ours");
        assert_eq!(content, b"content");
        assert_eq!(rotated.open(&text), Ok((id, content)), "after a rotation it is still good");
        assert_eq!(theirs.open(&text), Err(Flaw::Forged), "the same name, another key");
        assert_eq!(keys(&[(9, 1)]).open(&text), Err(Flaw::Forged), "the name is sealed too");
        let newer = rotated.seal(b"content").expect("a key");
        assert_eq!(ours.open(&newer), Err(Flaw::Forged));
        assert_ne!(ours.seal(b"content"), Some(text), "no two are alike");
        assert_eq!((TicketKeys::none().seal(b""), TicketKeys::none().open("")), (None, Err(Flaw::Forged)));
    }

    #[test]
    fn a_ticket_with_any_bit_changed_is_forged() {
        let ours = keys(&[(7, 1)]);
        let text = ours.seal(b"who, and what it may do").expect("a key");
        let bytes = URL_SAFE_NO_PAD.decode(&text).expect("base64");
        for bit in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(ours.open(&URL_SAFE_NO_PAD.encode(changed)), Err(Flaw::Forged), "bit {bit}");
        }
        for length in 0..bytes.len() {
            assert_eq!(ours.open(&URL_SAFE_NO_PAD.encode(&bytes[..length])), Err(Flaw::Forged), "{length} bytes");
        }
        for wrong in ["", "?", "AQ", &format!("{text}="), &format!("{text}A"), &"A".repeat(MAX_TEXT + 1)] {
            assert_eq!(ours.open(wrong), Err(Flaw::Forged), "{wrong:.20}");
        }
    }

    #[test]
    fn what_would_not_fit_into_a_request_line_is_not_given() {
        assert_eq!(keys(&[(7, 1)]).seal(&[0; MAX_TEXT]), None);
    }
}
