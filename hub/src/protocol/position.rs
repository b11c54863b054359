//! Where in the log something stands: offsets, the epoch they belong to, and the token that
//! joins both for a resume.

use std::{fmt, str::FromStr, sync::Arc};

use thiserror::Error;

/// A position in the total order of one epoch; text form `<major>-<minor>`.
///
/// In cluster mode `major` is the etcd revision of the batch and `minor` the index inside it; in
/// single mode `major` is the local sequence and `minor` is 0. Offsets only grow, with holes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Offset {
    /// The etcd revision, or the local sequence.
    pub major: u64,
    /// The index inside the batch.
    pub minor: u32,
}

/// The text is not `<major>-<minor>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("is not an offset like \"17-0\"")]
pub struct OffsetError;

impl Offset {
    /// Before everything.
    pub const ZERO: Self = Self { major: 0, minor: 0 };
    /// After everything.
    pub const MAX: Self = Self { major: u64::MAX, minor: u32::MAX };

    /// Set in `minor` of what one hub delivered to its own clients alone; no regular index is that large.
    pub const LOCAL_MINOR: u32 = 1 << 31;

    /// Whether only the clients of one hub got what stands here.
    pub const fn is_local(self) -> bool {
        self.minor >= Self::LOCAL_MINOR
    }

    /// The offset with these two parts.
    pub const fn new(major: u64, minor: u32) -> Self {
        Self { major, minor }
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}-{}", self.major, self.minor)
    }
}

impl FromStr for Offset {
    type Err = OffsetError;

    fn from_str(text: &str) -> Result<Self, OffsetError> {
        let (major, minor) = text.split_once('-').ok_or(OffsetError)?;
        Ok(Self { major: digits(major)?, minor: digits(minor)? })
    }
}

/// Only the canonical form: `u64::from_str` alone would take a sign and leading zeros too.
fn digits<N: FromStr>(text: &str) -> Result<N, OffsetError> {
    let canonical = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if canonical { text.parse().map_err(|_| OffsetError) } else { Err(OffsetError) }
}

/// The life of one log: offsets of different epochs must not be compared. It changes when the
/// hub restarts in single mode, when etcd is wiped, and when the cluster is switched on or off.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Epoch(Arc<str>);

/// The text is no epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("is not an epoch: 1 to 64 of A-Z a-z 0-9 . _ -")]
pub struct EpochError;

impl Epoch {
    /// Takes 1 to 64 characters of `A-Z a-z 0-9 . _ -`: nothing a URL would need to escape, and
    /// no `:`, which ends the epoch in a resume token.
    ///
    /// # Errors
    /// [`EpochError`] for any other text.
    pub fn parse(text: &str) -> Result<Self, EpochError> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        if (1..=64).contains(&text.len()) && text.bytes().all(plain) {
            Ok(Self(Arc::from(text)))
        } else {
            Err(EpochError)
        }
    }

    /// The epoch itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<u64> for Epoch {
    /// The epoch named by a random or derived number, as 16 hex digits.
    fn from(number: u64) -> Self {
        Self(Arc::from(format!("{number:016x}")))
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// What a client brings to go on where it was: `<epoch>:<offset>`, the offset being the last
/// one it saw.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ResumeToken {
    /// The epoch of its last welcome.
    pub epoch: Epoch,
    /// The last offset it saw: delivery goes on after it.
    pub offset: Offset,
}

/// The text is not `<epoch>:<offset>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ResumeTokenError {
    /// There is no `:`.
    #[error("is not \"<epoch>:<offset>\"")]
    Shape,
    /// The part before `:`.
    #[error("{0}")]
    Epoch(#[from] EpochError),
    /// The part after `:`.
    #[error("{0}")]
    Offset(#[from] OffsetError),
}

impl fmt::Display for ResumeToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.epoch, self.offset)
    }
}

impl FromStr for ResumeToken {
    type Err = ResumeTokenError;

    fn from_str(text: &str) -> Result<Self, ResumeTokenError> {
        let (epoch, offset) = text.split_once(':').ok_or(ResumeTokenError::Shape)?;
        Ok(Self { epoch: Epoch::parse(epoch)?, offset: offset.parse()? })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_the_canonical_offset_is_read() {
        for text in [
            "",
            "-",
            "17",
            "17-",
            "-0",
            "+1-0",
            "1--0",
            "01-0",
            "1-00",
            " 1-0",
            "1-0 ",
            "1-4294967296",
            "18446744073709551616-0",
        ] {
            assert_eq!(text.parse::<Offset>(), Err(OffsetError), "{text:?}");
        }
        assert_eq!("18446744073709551615-4294967295".parse(), Ok(Offset::MAX));
    }

    #[test]
    fn offsets_order_by_revision_then_by_index() {
        assert!(Offset::ZERO < Offset::new(0, 1) && Offset::new(0, 9) < Offset::new(1, 0));
        assert!(Offset::new(1, 0) < Offset::MAX);
    }

    #[test]
    fn an_epoch_needs_no_escaping_in_a_url() {
        let long = "x".repeat(65);
        for text in ["", "a:b", "a b", "ä", "a/b", long.as_str()] {
            assert_eq!(Epoch::parse(text), Err(EpochError), "{text:?}");
        }
        assert_eq!(Epoch::from(255).as_str(), "00000000000000ff");
        assert_eq!(Epoch::from(255), Epoch::parse("00000000000000ff").unwrap());
    }

    #[test]
    fn a_resume_token_names_the_part_that_is_wrong() {
        assert_eq!("e".parse::<ResumeToken>(), Err(ResumeTokenError::Shape));
        assert_eq!(":1-0".parse::<ResumeToken>(), Err(ResumeTokenError::Epoch(EpochError)));
        assert_eq!("e:1".parse::<ResumeToken>(), Err(ResumeTokenError::Offset(OffsetError)));
        assert_eq!("e:1-0:2".parse::<ResumeToken>(), Err(ResumeTokenError::Offset(OffsetError)));
    }

    proptest! {
        #[test]
        fn text_forms_read_back(major: u64, minor: u32, epoch in "[A-Za-z0-9._-]{1,64}") {
            let offset = Offset::new(major, minor);
            prop_assert_eq!(offset.to_string().parse(), Ok(offset));
            let token = ResumeToken { epoch: Epoch::parse(&epoch).unwrap(), offset };
            prop_assert_eq!(token.to_string().parse(), Ok(token));
        }
    }
}
