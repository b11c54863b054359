//! The other side of the protocol: what a Rust client sends and reads, in both forms.
//!
//! The hub does not use it. Tests, load generators and Rust clients do, and because it reads with
//! decoders of its own it shows that what [`super::HubMessage`] writes is what the specification
//! says.
//!
//! ```
//! use gohub::protocol::{Format, client::{ClientRequest, ServerFrame}};
//!
//! let join = ClientRequest::join("lobby").reference("a1").encode(Format::Json);
//! assert_eq!(join, br#"{"message_id":10,"room":"lobby","ref":"a1"}"#);
//!
//! let frame = ServerFrame::decode(Format::Json, br#"{"message_id":2,"ref":"a1"}"#);
//! assert_eq!(frame, Ok(ServerFrame::Pong { reference: Some("a1".to_owned()), offset: None, ticket: None }));
//! ```

mod cbor;
mod frame;
mod json;
mod request;
mod values;

pub use frame::ServerFrame;
pub use request::ClientRequest;

use super::Field;

/// A message from the hub that this client cannot read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// Not well-formed in the connection's form.
    #[error("the message is malformed: {0}")]
    Malformed(String),
    /// A field that a message of this kind needs is not there.
    #[error("{0} is missing")]
    Missing(Field),
    /// A field has another type or range than the specification says.
    #[error("{0} has a wrong value")]
    Wrong(Field),
}
