//! Origin: which web pages may connect. A browser sends it and a page cannot change it (RFC 6454, RFC 6455 section 10.2).

/// The allow-list, compiled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OriginRule {
    any: bool,
    allowed: Vec<String>,
    allow_missing: bool,
}

impl OriginRule {
    /// `allow` holds whole origins (`https://app.example`, `null`), `https://*.app.example` for every host below one, or `*`. Schemes and
    /// hosts are compared without regard to case, everything else exactly.
    pub fn new(allow: &[String], allow_missing: bool) -> Self {
        let any = allow.iter().any(|origin| origin == "*");
        Self { any, allowed: allow.iter().map(|origin| origin.to_ascii_lowercase()).collect(), allow_missing }
    }

    /// Whether a request with this `Origin` may connect.
    pub fn allows(&self, origin: Option<&str>) -> bool {
        match origin {
            None => self.allow_missing,
            // A sandboxed frame or a local file could be anybody: never by `*`, only when listed.
            Some("null") => self.allowed.iter().any(|allowed| allowed == "null"),
            Some(_) if self.any => true,
            Some(origin) => {
                let origin = origin.to_ascii_lowercase();
                self.allowed.iter().any(|allowed| *allowed == origin || is_below(&origin, allowed))
            }
        }
    }
}

/// Whether `origin` is a host below the one of `https://*.host`; scheme and port are those of the pattern.
fn is_below(origin: &str, pattern: &str) -> bool {
    let Some((scheme, host)) = pattern.split_once("*") else { return false };
    let labels = origin.strip_prefix(scheme).and_then(|rest| rest.strip_suffix(host));
    labels.is_some_and(|labels| {
        let is_label = |label: &str| {
            !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        };
        labels.split('.').all(is_label)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s24_only_the_very_origin_is_allowed() {
        let rule = OriginRule::new(&["https://good.com".to_owned()], false);
        assert!(rule.allows(Some("https://good.com")));
        assert!(rule.allows(Some("https://GOOD.com")), "hosts fold");
        for evil in [
            "https://good.com.evil.com",
            "https://evilgood.com",
            "https://good.com:444",
            "http://good.com",
            "https://good.com.",
            "null",
        ] {
            assert!(!rule.allows(Some(evil)), "{evil}");
        }
        assert!(!rule.allows(None));
    }

    #[test]
    fn s24_a_host_below_a_listed_one_is_allowed_and_nothing_that_looks_like_one() {
        let rule = OriginRule::new(&["https://*.good.com".to_owned(), "https://*.port.com:8443".to_owned()], false);
        for good in ["https://app.good.com", "https://a.b.GOOD.com", "https://app.port.com:8443"] {
            assert!(rule.allows(Some(good)), "{good}");
        }
        for evil in [
            "https://good.com",
            "https://.good.com",
            "https://evilgood.com",
            "https://evil.com/.good.com",
            "https://evil.com?.good.com",
            "https://evil.com#.good.com",
            "https://user@evil.com:1.good.com",
            "https://a..good.com",
            "http://app.good.com",
            "https://app.good.com:444",
            "https://app.good.com.",
            "https://app.port.com",
            "*",
        ] {
            assert!(!rule.allows(Some(evil)), "{evil}");
        }
    }

    #[test]
    fn s23_null_is_allowed_only_by_name() {
        assert!(!OriginRule::new(&["*".to_owned()], true).allows(Some("null")));
        assert!(OriginRule::new(&["null".to_owned()], true).allows(Some("null")));
    }
}
