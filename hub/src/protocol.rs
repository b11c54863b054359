//! Protocol v1: what a client and the hub say to each other, as pure values and bytes.
//!
//! ```text
//! bytes -> decode -> Request ─────────────> dispatcher -> bus
//! bytes <- encode_publication <- Publication <- log     (once per format, however many receivers)
//! bytes <- HubMessage::encode <- the hub's own answers and notices
//! ```
//!
//! Nothing here does I/O, reads a clock or knows a connection; a test holds that. The
//! specification for SDK authors is `sdk/protocol/PROTOCOL.md`, whose tables `hub/tests/specification.rs`
//! writes; the golden vectors beside it are run against this module by `hub/tests/vectors.rs`.
//!
//! Two forms carry the same messages: JSON text frames, and CBOR binary frames. In both, `data`
//! is carried through untouched and never re-serialised.

pub mod client;
mod close_code;
mod error_code;
mod field;
mod format;
mod handshake;
mod hub_message;
mod json_data;
mod message_id;
mod name;
mod payload;
mod position;
mod publication;
mod request;
mod writer;

pub use close_code::{CloseAction, CloseCode};
pub use error_code::ErrorCode;
pub use field::Field;
pub use format::{Format, NoCommonFormat};
pub use handshake::{Handshake, HandshakeError, MAX_QUERY_ROOMS};
pub use hub_message::{GapReason, HubMessage, Mode, Welcome};
pub use json_data::{DataError, MAX_DATA_DEPTH};
pub use message_id::MessageId;
pub use name::{ClientId, MAX_NAME_BYTES, NameError, RoomName};
pub use payload::{DataRef, Payload};
pub use position::{Epoch, EpochError, Offset, OffsetError, ResumeToken, ResumeTokenError};
pub use publication::{Publication, Target, conflation_key, encode_publication};
pub use request::{Credential, MAX_FIELD_BYTES, MAX_TOKEN_BYTES, MAX_UNKNOWN_FIELDS, Refused, Request, decode};

/// The version of the protocol this module speaks; `version` in the welcome.
pub const VERSION: u32 = 1;
