//! Why the hub closes a connection: a closed set in two ranges, so that even an SDK that does
//! not know a code does the right thing with it.

/// What an SDK does after a close.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CloseAction {
    /// Connect again by itself, with full-jitter back-off, resuming from its last offset.
    Reconnect,
    /// Stay closed and tell the application: the same attempt would end the same way.
    Stop,
}

impl CloseAction {
    /// The word in the specification.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reconnect => "reconnect",
            Self::Stop => "stop",
        }
    }

    /// What to do after any close code, known or not: 4000-4499 reconnect, 4500-4999 stop; of the
    /// standard's codes those that blame the client stop, all others reconnect. No close frame at
    /// all (1005, 1006) means reconnect.
    pub const fn of(code: u16) -> Self {
        match code {
            1000 | 1002 | 1003 | 1007 | 1008 | 1010 | 4500..=4999 => Self::Stop,
            _ => Self::Reconnect,
        }
    }
}

macro_rules! close_codes {
    ($($name:ident = $code:literal, $reason:literal, $what:literal;)+) => {
        /// A close code the hub sends. 4000-4499 mean reconnect, 4500-4999 mean stop.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u16)]
        pub enum CloseCode {
            $(#[doc = $what] $name = $code,)+
        }

        impl CloseCode {
            /// The whole set, by code.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The code with this number, when the hub sends it.
            pub const fn from_code(code: u16) -> Option<Self> {
                match code {
                    $($code => Some(Self::$name),)+
                    _ => None,
                }
            }

            /// The reason text of the close frame, in snake case; also a metric's label.
            pub const fn reason(self) -> &'static str {
                match self {
                    $(Self::$name => $reason,)+
                }
            }

            /// What happened and what an SDK does, in one line of the specification.
            pub const fn what(self) -> &'static str {
                match self {
                    $(Self::$name => $what,)+
                }
            }
        }
    };
}

close_codes! {
    Normal = 1000, "normal", "The answer to the client's own close: nothing to do.";
    GoingAway = 1001, "going_away", "The hub stops without a drain: reconnect with back-off.";
    ProtocolError = 1002, "protocol_error", "The client broke the WebSocket protocol: report the bug.";
    UnsupportedData = 1003, "unsupported_data", "A text frame in the binary form, or the reverse: report the bug.";
    InvalidPayload = 1007, "invalid_payload", "A text frame was not UTF-8: report the bug.";
    PolicyViolation = 1008, "policy_violation", "The client kept breaking a limit after it was told: report it.";
    MessageTooBig = 1009, "message_too_big", "A message exceeded `max_message`: drop that message, reconnect with back-off.";
    InternalError = 1011, "internal_error", "A fault of the hub: reconnect with back-off.";
    ServiceRestart = 1012, "service_restart", "The hub drains: reconnect after the `reconnect_in_ms` of its `drain`, resuming.";
    TryAgainLater = 1013, "try_again_later", "The hub has no room: reconnect with the back-off of its `retry`, at least 5 seconds.";
    HeartbeatTimeout = 4000, "heartbeat_timeout", "No sign of life in time: reconnect with back-off, resuming.";
    SlowClient = 4001, "slow_client", "The client read too slowly and the policy is `kick`: reconnect with back-off, resuming.";
    WriteTimeout = 4002, "write_timeout", "The connection took nothing in time: reconnect with back-off, resuming.";
    TokenExpired = 4004, "token_expired", "The token ran out: fetch a new one, reconnect at once, resuming.";
    StateLost = 4005, "state_lost", "The hub lost what it needs to serve on: reconnect with back-off, resuming.";
    Rebalance = 4006, "rebalance", "Another hub should serve this client: reconnect at once, resuming.";
    Disconnected = 4007, "disconnected", "An administrator cut this connection, not the client: reconnect with back-off.";
    Kicked = 4500, "kicked", "An administrator threw the client out: stop, tell the user.";
    Replaced = 4501, "replaced", "The same client connected elsewhere and replaced this connection: stop.";
    DuplicateClient = 4502, "duplicate_client", "This client is already connected and a second connection is not allowed: stop.";
    Unauthorized = 4503, "unauthorized", "The token is missing, wrong or revoked: stop until there is another.";
    Forbidden = 4504, "forbidden", "This client or origin may not connect: stop.";
    TooManyErrors = 4505, "too_many_errors", "Too many messages could not be read: stop, report the bug.";
    BadHandshake = 4506, "bad_handshake", "The connection's parameters are wrong: stop, report the bug.";
}

impl CloseCode {
    /// The number on the wire.
    pub const fn code(self) -> u16 {
        self as u16
    }

    /// What an SDK does.
    pub const fn action(self) -> CloseAction {
        CloseAction::of(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_code_says_agrees_with_its_range() {
        assert!(CloseCode::ALL.is_sorted());
        for code in CloseCode::ALL {
            assert_eq!(CloseCode::from_code(code.code()), Some(*code));
            assert!(code.reason().len() <= 123, "a close frame has room for 123 bytes");
            assert!(code.what().ends_with('.'));
            let says_reconnect = code.what().contains("reconnect");
            assert_eq!(code.action() == CloseAction::Reconnect, says_reconnect, "{code:?}");
            assert!(!code.action().name().is_empty());
        }
        assert_eq!(CloseCode::from_code(1006), None);
    }

    #[test]
    fn unknown_codes_follow_their_range() {
        for code in [1005, 1006, 1015, 3000, 4000, 4499] {
            assert_eq!(CloseAction::of(code), CloseAction::Reconnect, "{code}");
        }
        for code in [1010, 4500, 4999] {
            assert_eq!(CloseAction::of(code), CloseAction::Stop, "{code}");
        }
    }
}
