//! The fields of an envelope: their JSON names and CBOR keys, in one table.

macro_rules! fields {
    ($($name:ident = $key:literal, $text:literal, $what:literal;)+) => {
        /// A field of an envelope. In JSON it is named, in CBOR its key is a small integer.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Field {
            $(#[doc = $what] $name = $key,)+
        }

        impl Field {
            /// The whole table, by CBOR key.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The name in JSON.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)+
                }
            }

            /// What it holds, in one line of the specification.
            pub const fn what(self) -> &'static str {
                match self {
                    $(Self::$name => $what,)+
                }
            }

            /// `,"name":`, ready to be appended.
            pub(super) const fn json_prefix(self) -> &'static str {
                match self {
                    $(Self::$name => concat!(",\"", $text, "\":"),)+
                }
            }

            pub(super) fn from_name(name: &str) -> Option<Self> {
                match name {
                    $($text => Some(Self::$name),)+
                    _ => None,
                }
            }

            pub(super) const fn from_key(key: u64) -> Option<Self> {
                match key {
                    $($key => Some(Self::$name),)+
                    _ => None,
                }
            }
        }
    };
}

fields! {
    MessageId = 0, "message_id", "integer 0 to 4294967295: what this message is. The only required field.";
    MessageType = 1, "message_type", "text: the application's own name of the message.";
    Room = 2, "room", "text: the room it is about.";
    To = 3, "to", "text: the client it is for. In a `gap`, an offset: the last one missed.";
    Data = 4, "data", "anything: carried through untouched.";
    Ref = 5, "ref", "text: the client's own tag; the answer carries the same.";
    Key = 6, "key", "text: idempotency key of a publish; what stands before a `#` in it is its conflation key.";
    Ts = 7, "ts", "integer: milliseconds since 1970 when the hub took the message.";
    From = 8, "from", "text: the client that sent it. In a `gap`, an offset: the first one missed.";
    Offset = 9, "offset", "offset: where it stands in the total order; in `ping`, `pong` and `gap`: the position.";
    FromOffset = 10, "from_offset", "offset: what comes after it is wanted.";
    Limit = 11, "limit", "integer 0 to 4294967295: how many are wanted.";
    After = 12, "after", "text: `next` of the page before.";
    Encoding = 13, "encoding", "text, JSON form only: `base64` when `data` is bytes written as base64.";
    Code = 14, "code", "text: an error code.";
    Message = 15, "message", "text: for people and logs, never to be parsed.";
    Retryable = 16, "retryable", "boolean: whether the same request may succeed later.";
    Reason = 17, "reason", "text: why.";
    Count = 18, "count", "integer: how many messages, when known.";
    ClientId = 19, "client_id", "text: who this connection is.";
    ConnectionId = 20, "connection_id", "text: this connection, for logs.";
    Node = 21, "node", "text: the hub that serves it.";
    Epoch = 22, "epoch", "text: the life of the log that offsets belong to.";
    Recovered = 23, "recovered", "boolean: whether everything since the resume offset will be delivered.";
    HeartbeatIntervalMs = 24, "heartbeat_interval_ms", "integer: how often the hub pings; 0 = never.";
    HeartbeatTimeoutMs = 25, "heartbeat_timeout_ms", "integer: how long it then waits for any sign of life.";
    MaxMessage = 26, "max_message", "integer: the largest message the hub takes, in bytes.";
    MaxRooms = 27, "max_rooms", "integer: the most rooms a connection may be in.";
    Version = 28, "version", "integer: the protocol's version, 1.";
    Mode = 29, "mode", "text: `normal` or `degraded`; beside an `offset`: it is of one hub alone.";
    Rooms = 30, "rooms", "array of text: the rooms this connection is in.";
    Clients = 31, "clients", "array of text: the clients of this page.";
    Next = 32, "next", "text: `after` of the next page; absent on the last.";
    Total = 33, "total", "integer: clients in the room.";
    Messages = 34, "messages", "array of publications, oldest first.";
    Complete = 35, "complete", "boolean: whether nothing that was asked for is missing.";
    CloseInMs = 36, "close_in_ms", "integer: when the hub closes this connection.";
    ReconnectInMs = 37, "reconnect_in_ms", "integer: how long after the close to connect again.";
    AfterMs = 38, "after_ms", "integer: how long to wait.";
    Token = 39, "token", "text: the new token, at most 8192 bytes.";
    Ticket = 40, "ticket", "text: opens the door once, for `ticket_life_ms`; a secret.";
    TicketLifeMs = 41, "ticket_life_ms", "integer: how long a ticket is good.";
}

impl Field {
    /// The key in CBOR.
    pub const fn key(self) -> u8 {
        self as u8
    }

    /// A bit of its own, for the sets that find duplicates.
    pub(super) const fn bit(self) -> u64 {
        1 << self.key()
    }
}

impl std::fmt::Display for Field {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_keys_are_distinct_and_lead_back_to_the_field() {
        let mut bits = 0;
        for field in Field::ALL {
            assert_eq!(Field::from_name(field.name()), Some(*field));
            assert_eq!(Field::from_key(u64::from(field.key())), Some(*field));
            assert_eq!(field.json_prefix(), format!(",\"{}\":", field.name()));
            assert_eq!(bits & field.bit(), 0);
            assert!(field.what().ends_with('.'));
            bits |= field.bit();
        }
        assert_eq!(Field::from_name("nope"), None);
        assert_eq!(Field::from_key(255), None);
    }
}
