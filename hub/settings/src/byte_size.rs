//! A number of bytes that is always written with its unit: `512B`, `64KiB`, `1MiB`, `2GiB`.
//!
//! Only powers of 1024, so that a limit is exactly the number the documentation states.

use std::{borrow::Cow, fmt, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use thiserror::Error;

/// Units from the largest to the smallest, in bytes.
const UNITS: [(&str, u64); 4] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

/// A number of bytes, at most 1 TiB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteSize {
    bytes: u64,
}

/// A text that is not a [`ByteSize`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ByteSizeError {
    /// No whole number followed by one of the units.
    #[error("{0:?} is not a size: write a whole number and a unit, such as \"512B\", \"64KiB\", \"1MiB\" or \"2GiB\"")]
    Malformed(String),
    /// More than 1 TiB.
    #[error("{0:?} is larger than the largest size, 1024GiB")]
    TooLarge(String),
}

impl ByteSize {
    /// No bytes.
    pub const ZERO: Self = Self { bytes: 0 };
    /// The largest size there is: 1 TiB.
    pub const MAX: Self = Self { bytes: 1 << 40 };

    /// `bytes` bytes, cut at [`ByteSize::MAX`].
    pub const fn from_bytes(bytes: u64) -> Self {
        if bytes > Self::MAX.bytes {
            return Self::MAX;
        }
        Self { bytes }
    }

    /// `kib` times 1,024 bytes, cut at [`ByteSize::MAX`].
    pub const fn from_kib(kib: u64) -> Self {
        Self::from_bytes(kib.saturating_mul(1 << 10))
    }

    /// `mib` times 1,048,576 bytes, cut at [`ByteSize::MAX`].
    pub const fn from_mib(mib: u64) -> Self {
        Self::from_bytes(mib.saturating_mul(1 << 20))
    }

    /// The number of bytes.
    pub const fn as_u64(self) -> u64 {
        self.bytes
    }

    /// The number of bytes as a length; on a 32-bit machine cut at what fits there.
    pub fn as_usize(self) -> usize {
        usize::try_from(self.bytes).unwrap_or(usize::MAX)
    }

    /// Whether this is no bytes at all, which several settings read as "off".
    pub const fn is_zero(self) -> bool {
        self.bytes == 0
    }
}

impl FromStr for ByteSize {
    type Err = ByteSizeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let malformed = || ByteSizeError::Malformed(text.to_owned());
        let too_large = || ByteSizeError::TooLarge(text.to_owned());
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at(digits);
        let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(malformed)?;
        if number.is_empty() {
            return Err(malformed());
        }
        // Only digits are left, so the one way to fail is a number too large.
        let number: u64 = number.parse().map_err(|_| too_large())?;
        let bytes = number.checked_mul(*factor).ok_or_else(too_large)?;
        if bytes > Self::MAX.bytes {
            return Err(too_large());
        }
        Ok(Self { bytes })
    }
}

/// The largest unit that loses nothing, which makes the text canonical.
impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.bytes == 0 {
            return f.write_str("0B");
        }
        for (unit, factor) in UNITS {
            if self.bytes.is_multiple_of(factor) {
                return write!(f, "{}{unit}", self.bytes / factor);
            }
        }
        Ok(())
    }
}

impl Serialize for ByteSize {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ByteSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for ByteSize {
    fn schema_name() -> Cow<'static, str> {
        "ByteSize".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "byte-size", "pattern": "^[0-9]+(B|KiB|MiB|GiB)$" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_written_in_the_largest_unit_that_loses_nothing() {
        for (text, canonical) in [
            ("512B", "512B"),
            ("1024B", "1KiB"),
            ("64KiB", "64KiB"),
            ("1536KiB", "1536KiB"),
            ("1024MiB", "1GiB"),
            ("0KiB", "0B"),
        ] {
            assert_eq!(text.parse::<ByteSize>().unwrap().to_string(), canonical, "{text}");
        }
    }

    #[test]
    fn a_number_without_a_binary_unit_is_no_size() {
        for text in ["", "64", "KiB", "-1B", "1.5MiB", "1 MiB", "1KB", "1k", "1mib"] {
            assert!(matches!(text.parse::<ByteSize>(), Err(ByteSizeError::Malformed(_))), "{text}");
        }
    }

    #[test]
    fn a_size_past_a_tebibyte_is_refused_instead_of_overflowing() {
        assert_eq!("1024GiB".parse::<ByteSize>(), Ok(ByteSize::MAX));
        for text in ["1025GiB", "18446744073709551615KiB", "99999999999999999999999B"] {
            assert!(matches!(text.parse::<ByteSize>(), Err(ByteSizeError::TooLarge(_))), "{text}");
        }
    }
}
