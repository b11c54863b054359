//! Why a request failed: a closed set, so that an SDK can act on every one of them.

macro_rules! error_codes {
    ($($name:ident = $text:literal, $retryable:literal, $what:literal;)+) => {
        /// The `code` of an `error`. What the hub knows beyond it goes to the log, not to the client.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ErrorCode {
            $(#[doc = $what] $name,)+
        }

        impl ErrorCode {
            /// The whole set.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The text on the wire, in snake case.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)+
                }
            }

            /// The code with this name.
            pub fn from_name(name: &str) -> Option<Self> {
                match name {
                    $($text => Some(Self::$name),)+
                    _ => None,
                }
            }

            /// Whether the same request, sent again later and unchanged, may succeed. A publish
            /// is safe to repeat only with the same `key`.
            pub const fn retryable(self) -> bool {
                match self {
                    $(Self::$name => $retryable,)+
                }
            }

            /// What happened, in one line of the specification.
            pub const fn what(self) -> &'static str {
                match self {
                    $(Self::$name => $what,)+
                }
            }
        }
    };
}

error_codes! {
    BadRequest = "bad_request", false, "The message could not be read, or lacks a field; the text names it.";
    UnknownMessage = "unknown_message", false, "Nobody handles this `message_id`.";
    BadRoom = "bad_room", false, "`room` is missing or no valid name.";
    BadClient = "bad_client", false, "`to` is missing or no valid name.";
    Unauthorized = "unauthorized", false, "The token is missing, wrong or revoked.";
    Forbidden = "forbidden", false, "This client may not do that.";
    RateLimited = "rate_limited", true, "Too many messages or bytes; a `retry` may say how long to wait.";
    TooLarge = "too_large", false, "The message is larger than the hub or its bus takes.";
    TooManyRooms = "too_many_rooms", false, "This connection, or the hub, is in as many rooms as allowed.";
    NotJoined = "not_joined", false, "The connection is not in that room.";
    ClientUnknown = "client_unknown", false, "No such client is connected.";
    Overloaded = "overloaded", true, "Too many requests are in flight; nothing was published.";
    BusUnavailable = "bus_unavailable", true, "The bus did not take the message; nothing was published.";
    Timeout = "timeout", true, "The bus did not answer in time; the message may still be delivered.";
    Degraded = "degraded", true, "The hub is cut off from its bus and this room fails closed.";
    Draining = "draining", true, "The hub is going; ask the next one.";
    HistoryUnavailable = "history_unavailable", false, "What was asked for is not kept, or not any more.";
    HandlerFailed = "handler_failed", true, "The application behind a custom route or a hook failed.";
    Internal = "internal", true, "A fault of the hub; its log says more.";
}

impl std::fmt::Display for ErrorCode {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_name_of_its_own_and_a_meaning() {
        for code in ErrorCode::ALL {
            assert_eq!(ErrorCode::from_name(&code.to_string()), Some(*code));
            assert!(code.name().bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'));
            assert!(code.what().ends_with('.'));
        }
        assert_eq!(ErrorCode::from_name("nope"), None);
    }

    #[test]
    fn only_faults_that_pass_are_retryable() {
        let retryable: Vec<&str> =
            ErrorCode::ALL.iter().filter(|code| code.retryable()).map(|code| code.name()).collect();
        let expected = [
            "rate_limited",
            "overloaded",
            "bus_unavailable",
            "timeout",
            "degraded",
            "draining",
            "handler_failed",
            "internal",
        ];
        assert_eq!(retryable, expected);
    }
}
