//! A length of time that is always written with its unit: `500ms`, `30s`, `5m`, `1h`.
//!
//! A bare number is refused, because nobody remembers whether it meant seconds or milliseconds.

use std::{borrow::Cow, fmt, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use thiserror::Error;

/// Units from the largest to the smallest, in milliseconds.
const UNITS: [(&str, u64); 4] = [("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// A length of time with millisecond resolution, at most 366 days, so that adding one to an instant cannot overflow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration {
    millis: u64,
}

/// A text that is not a [`Duration`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DurationError {
    /// No whole number followed by one of the units.
    #[error("{0:?} is not a duration: write a whole number and a unit, such as \"500ms\", \"30s\", \"5m\" or \"1h\"")]
    Malformed(String),
    /// Longer than a year.
    #[error("{0:?} is longer than the longest duration, 8784h")]
    TooLong(String),
}

impl Duration {
    /// No time at all.
    pub const ZERO: Self = Self { millis: 0 };
    /// The longest duration there is: 366 days.
    pub const MAX: Self = Self { millis: 366 * 24 * 3_600_000 };

    /// `millis` milliseconds, cut at [`Duration::MAX`].
    pub const fn from_millis(millis: u64) -> Self {
        if millis > Self::MAX.millis {
            return Self::MAX;
        }
        Self { millis }
    }

    /// `secs` seconds, cut at [`Duration::MAX`].
    pub const fn from_secs(secs: u64) -> Self {
        Self::from_millis(secs.saturating_mul(1_000))
    }

    /// `mins` minutes, cut at [`Duration::MAX`].
    pub const fn from_mins(mins: u64) -> Self {
        Self::from_millis(mins.saturating_mul(60_000))
    }

    /// Whole milliseconds.
    pub const fn as_millis(self) -> u64 {
        self.millis
    }

    /// Whole seconds, rounded down.
    pub const fn as_secs(self) -> u64 {
        self.millis / 1_000
    }

    /// The standard library's type, which clocks and timers take.
    pub const fn as_std(self) -> std::time::Duration {
        std::time::Duration::from_millis(self.millis)
    }

    /// Whether this is no time at all, which several settings read as "off".
    pub const fn is_zero(self) -> bool {
        self.millis == 0
    }
}

impl From<Duration> for std::time::Duration {
    fn from(duration: Duration) -> Self {
        duration.as_std()
    }
}

impl FromStr for Duration {
    type Err = DurationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let malformed = || DurationError::Malformed(text.to_owned());
        let too_long = || DurationError::TooLong(text.to_owned());
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at(digits);
        let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(malformed)?;
        if number.is_empty() {
            return Err(malformed());
        }
        // Only digits are left, so the one way to fail is a number too large.
        let number: u64 = number.parse().map_err(|_| too_long())?;
        let millis = number.checked_mul(*factor).ok_or_else(too_long)?;
        if millis > Self::MAX.millis {
            return Err(too_long());
        }
        Ok(Self { millis })
    }
}

/// The largest unit that loses nothing, which makes the text canonical.
impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.millis == 0 {
            return f.write_str("0s");
        }
        for (unit, factor) in UNITS {
            // 90 minutes stay "90m": hours only when they are whole.
            if self.millis.is_multiple_of(factor) {
                return write!(f, "{}{unit}", self.millis / factor);
            }
        }
        Ok(())
    }
}

impl Serialize for Duration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for Duration {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "duration", "pattern": "^[0-9]+(ms|s|m|h)$" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_written_in_the_largest_unit_that_loses_nothing() {
        for (text, canonical) in [
            ("500ms", "500ms"),
            ("1000ms", "1s"),
            ("90s", "90s"),
            ("60s", "1m"),
            ("90m", "90m"),
            ("60m", "1h"),
            ("0ms", "0s"),
        ] {
            assert_eq!(text.parse::<Duration>().unwrap().to_string(), canonical, "{text}");
        }
    }

    #[test]
    fn a_number_without_a_unit_is_no_duration() {
        for text in ["", "30", "s", "-1s", "1.5s", "1 s", "1d", "1m30s", "+1s", "٣s"] {
            assert!(matches!(text.parse::<Duration>(), Err(DurationError::Malformed(_))), "{text}");
        }
    }

    #[test]
    fn a_duration_longer_than_a_year_is_refused_instead_of_overflowing_a_clock() {
        assert_eq!("8784h".parse::<Duration>(), Ok(Duration::MAX));
        for text in ["8785h", "18446744073709551615s", "99999999999999999999999s"] {
            assert!(matches!(text.parse::<Duration>(), Err(DurationError::TooLong(_))), "{text}");
        }
    }
}
