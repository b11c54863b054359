//! From when until when a certificate holds: read from the certificate itself, so that no second record of it can be wrong.
//!
//! Only the way to the two times is read. Parsing X.509 as a whole would take a dozen crates for these 26 bytes.

use std::time::{Duration, SystemTime};

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

/// DER's tags on that way.
const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// From when until when a certificate holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// Its first second.
    pub begins: SystemTime,
    /// Its last second.
    pub ends: SystemTime,
}

impl Validity {
    /// Of the first certificate of a PEM file; `None` if there is none that can be read.
    #[must_use]
    pub fn of(pem: &str) -> Option<Self> {
        let certificate = CertificateDer::from_pem_slice(pem.as_bytes()).ok()?;
        let (SEQUENCE, signed, _) = element(&certificate)? else { return None };
        let (SEQUENCE, body, _) = element(signed)? else { return None };
        let (first, _, after_first) = element(body)?;
        // The version may be left out, and is explicit in all that we make.
        let from_serial = if first == VERSION { after_first } else { body };
        let (_, _, from_algorithm) = element(from_serial)?;
        let (_, _, from_issuer) = element(from_algorithm)?;
        let (_, _, from_validity) = element(from_issuer)?;
        let (SEQUENCE, times, _) = element(from_validity)? else { return None };
        let (begins_kind, begins, rest) = element(times)?;
        let (ends_kind, ends, _) = element(rest)?;
        Some(Self { begins: time(begins_kind, begins)?, ends: time(ends_kind, ends)? })
    }

    /// Whether two thirds of it are over.
    #[must_use]
    pub fn is_mostly_over(&self, now: SystemTime) -> bool {
        let life = self.ends.duration_since(self.begins).unwrap_or_default();
        now >= self.ends - life / 3
    }
}

/// The first element of DER: its tag, what is in it, and what comes after.
fn element(input: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[tag, first], rest) = input.split_first_chunk::<2>()?;
    let (length, rest) = match usize::from(first) {
        short @ 0..=0x7f => (short, rest),
        long => {
            let (digits, rest) = rest.split_at_checked(long - 0x80).filter(|(digits, _)| digits.len() <= 4)?;
            (digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)), rest)
        }
    };
    let (inside, after) = rest.split_at_checked(length)?;
    Some((tag, inside, after))
}

/// `YYMMDDhhmmssZ` or `YYYYMMDDhhmmssZ`.
fn time(kind: u8, text: &[u8]) -> Option<SystemTime> {
    let digits = text.strip_suffix(b"Z").filter(|digits| digits.iter().all(u8::is_ascii_digit))?;
    let (year, rest) = match (kind, digits.len()) {
        (UTC_TIME, 12) => digits.split_at_checked(2).map(|(year, rest)| (century(number(year)), rest))?,
        (GENERALIZED_TIME, 14) => digits.split_at_checked(4).map(|(year, rest)| (number(year), rest))?,
        _ => return None,
    };
    let mut parts = rest.chunks(2).map(number);
    let mut part = || parts.next().unwrap_or_default();
    let (month, day, hour, minute, second) = (part(), part(), part(), part(), part());
    let seconds = (days(year, month, day)? * 24 + hour) * 3600 + minute * 60 + second;
    Some(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
}

fn number(digits: &[u8]) -> u64 {
    digits.iter().fold(0, |number, digit| number * 10 + u64::from(digit - b'0'))
}

/// X.509 has two digits of years from 1950 to 2049.
fn century(year: u64) -> u64 {
    if year < 50 { 2000 + year } else { 1900 + year }
}

/// Days from the first of January 1970; `None` before it, and for months that are none.
fn days(year: u64, month: u64, day: u64) -> Option<u64> {
    const BEFORE: [u64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    let leaps = |year: u64| year / 4 - year / 100 + year / 400;
    let before = *BEFORE.get(usize::try_from(month.checked_sub(1)?).ok()?)?;
    // The leap day of a year counts from March on.
    let leap = leaps(if month > 2 { year } else { year.checked_sub(1)? });
    let years = (year.checked_sub(1970)?) * 365 + leap - leaps(1969);
    Some(years + before + day.checked_sub(1)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(unix: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(unix)
    }

    #[test]
    fn both_forms_of_time_are_read() {
        for (kind, text, unix) in [
            (UTC_TIME, "700101000000Z", 0),
            (UTC_TIME, "240229235959Z", 1_709_251_199),
            (UTC_TIME, "240301000000Z", 1_709_251_200),
            (UTC_TIME, "491231235959Z", 2_524_607_999),
            (GENERALIZED_TIME, "20500101000000Z", 2_524_608_000),
            (GENERALIZED_TIME, "21000301000000Z", 4_107_542_400),
        ] {
            assert_eq!(time(kind, text.as_bytes()), Some(at(unix)), "{text}");
        }
        for text in
            ["", "Z", "240229235959", "2402292359Z", "241329235959Z", "240029000000Z", "24022923595xZ", "600101000000Z"]
        {
            assert_eq!(time(UTC_TIME, text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn what_is_no_certificate_has_no_validity_and_panics_nothing() {
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new(vec!["example.org".to_owned()]).unwrap();
        let certificate = params.self_signed(&key).unwrap();
        assert!(Validity::of(&certificate.pem()).is_some());
        assert_eq!(Validity::of("member certificate"), None);
        let der = certificate.der().to_vec();
        for end in 0..der.len() {
            assert!(element(&der[..end]).is_none());
        }
        let mut read = 0;
        for (at, bad) in (0..60).flat_map(|at| [0, 0x7f, 0x80, 0x84, 0xff].map(|bad| (at, bad))) {
            let mut changed = der.clone();
            changed[at] = bad;
            let body = base64(&changed);
            let validity = Validity::of(&format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n"));
            read += usize::from(validity.is_some());
        }
        assert!((1..300).contains(&read), "some bytes matter and some do not: {read}");
    }

    fn base64(bytes: &[u8]) -> String {
        use base64::Engine;
        base64::engine::general_purpose::STANDARD.encode(bytes)
    }

    #[test]
    fn two_thirds_are_mostly_over() {
        let validity = Validity { begins: at(0), ends: at(300) };
        assert!(!validity.is_mostly_over(at(199)));
        assert!(validity.is_mostly_over(at(200)));
        assert!(validity.is_mostly_over(at(1000)));
        let backwards = Validity { begins: at(300), ends: at(0) };
        assert!(backwards.is_mostly_over(at(0)));
    }
}
