//! The ids below 1000: one table, from which the code, the specification and its tests are made.

macro_rules! message_ids {
    ($($name:ident = $id:literal, $direction:literal, $what:literal;)+) => {
        /// A message of the protocol itself. Ids from [`MessageId::FIRST_APPLICATION`] belong to the
        /// application; the ids between are reserved.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u32)]
        pub enum MessageId {
            $(#[doc = $what] $name = $id,)+
        }

        impl MessageId {
            /// The whole table, by id.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The message with this id; `None` for reserved and application ids.
            pub const fn from_id(id: u32) -> Option<Self> {
                match id {
                    $($id => Some(Self::$name),)+
                    _ => None,
                }
            }

            /// Who sends it: `client`, `hub` or `both`.
            pub const fn direction(self) -> &'static str {
                match self {
                    $(Self::$name => $direction,)+
                }
            }

            /// What it says, in one line of the specification.
            pub const fn what(self) -> &'static str {
                match self {
                    $(Self::$name => $what,)+
                }
            }
        }
    };
}

message_ids! {
    Ping = 1, "both", "Are you there? The peer answers with `pong` and the same `ref`.";
    Pong = 2, "both", "The answer to a `ping`.";
    Welcome = 3, "hub", "The first message of a connection; sent again when the epoch changes under it.";
    Ack = 4, "hub", "A request with a `ref` succeeded.";
    Error = 5, "hub", "A request failed, or a message could not be read.";
    Refresh = 6, "both", "Here is a new `token`; from the hub: the present one ends soon.";
    Join = 10, "both", "Enter `room`, with `from_offset` also what was said there since; from the hub: the back end has put this connection there.";
    Leave = 11, "both", "Leave `room`; from the hub: this connection is not in it any more.";
    Presence = 12, "both", "Who is in `room`, by pages; from the hub also who joined and left.";
    History = 13, "both", "The last `limit` messages of `room`, or those since `from_offset`.";
    Broadcast = 20, "both", "`data` to every connection.";
    Unicast = 21, "both", "`data` to every connection of client `to`.";
    RoomMessage = 22, "both", "`data` to everybody in `room`.";
    Drain = 30, "hub", "This hub is going: when it closes, and after how long to reconnect.";
    Gap = 31, "hub", "What this connection will not get.";
    Mode = 32, "hub", "Whether the hub works normally or is cut off from its bus.";
    Retry = 33, "hub", "Wait this long before the next request or connection.";
}

impl MessageId {
    /// The first id that belongs to applications.
    pub const FIRST_APPLICATION: u32 = 1000;

    /// The number on the wire.
    pub const fn id(self) -> u32 {
        self as u32
    }

    /// The name in the specification, in snake case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ping => "ping",
            Self::Pong => "pong",
            Self::Welcome => "welcome",
            Self::Ack => "ack",
            Self::Error => "error",
            Self::Refresh => "refresh",
            Self::Join => "join",
            Self::Leave => "leave",
            Self::Presence => "presence",
            Self::History => "history",
            Self::Broadcast => "broadcast",
            Self::Unicast => "unicast",
            Self::RoomMessage => "room_message",
            Self::Drain => "drain",
            Self::Gap => "gap",
            Self::Mode => "mode",
            Self::Retry => "retry",
        }
    }

    /// Whether a publication may carry this id: the three message kinds, presence changes, and
    /// every application id.
    pub const fn is_publication(id: u32) -> bool {
        id >= Self::FIRST_APPLICATION || matches!(id, 12 | 20..=22)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_closed_and_below_the_applications_ids() {
        for message in MessageId::ALL {
            assert_eq!(MessageId::from_id(message.id()), Some(*message));
            assert!(message.id() < MessageId::FIRST_APPLICATION);
            assert!(["client", "hub", "both"].contains(&message.direction()));
            assert!(message.what().ends_with('.') && !message.name().is_empty());
        }
        assert!(MessageId::ALL.is_sorted());
        for reserved in [0, 7, 14, 19, 23, 29, 34, 999, 1000] {
            assert_eq!(MessageId::from_id(reserved), None);
        }
    }

    #[test]
    fn only_messages_for_others_are_publications() {
        let publications: Vec<u32> = (0..=1001).filter(|id| MessageId::is_publication(*id)).collect();
        assert_eq!(publications, [12, 20, 21, 22, 1000, 1001]);
    }
}
