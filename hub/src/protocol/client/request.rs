//! Builds what a client sends.

use crate::protocol::{Credential, Field, Format, MessageId, Offset, Payload, Request, writer::Writer};

/// A message of a client, built field by field. Nothing is checked: tests want to send nonsense.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ClientRequest {
    id: u32,
    message_type: Option<String>,
    room: Option<String>,
    to: Option<String>,
    data: Option<Payload>,
    reference: Option<String>,
    key: Option<String>,
    from_offset: Option<Offset>,
    limit: Option<u32>,
    after: Option<String>,
    token: Option<String>,
}

impl ClientRequest {
    /// A message with this `message_id` and nothing else.
    pub fn new(id: u32) -> Self {
        Self { id, ..Self::default() }
    }

    /// Asks whether the hub is there.
    pub fn ping() -> Self {
        Self::new(MessageId::Ping.id())
    }

    /// Answers a ping of the hub.
    pub fn pong() -> Self {
        Self::new(MessageId::Pong.id())
    }

    /// Enters a room.
    pub fn join(room: impl Into<String>) -> Self {
        Self::new(MessageId::Join.id()).room(room)
    }

    /// Leaves a room.
    pub fn leave(room: impl Into<String>) -> Self {
        Self::new(MessageId::Leave.id()).room(room)
    }

    /// Asks who is in a room.
    pub fn presence(room: impl Into<String>) -> Self {
        Self::new(MessageId::Presence.id()).room(room)
    }

    /// Asks what was said in a room.
    pub fn history(room: impl Into<String>) -> Self {
        Self::new(MessageId::History.id()).room(room)
    }

    /// Brings a new token.
    pub fn refresh(token: impl Into<String>) -> Self {
        Self::new(MessageId::Refresh.id()).token(token)
    }

    /// Publishes to every connection.
    pub fn broadcast(data: Payload) -> Self {
        Self::new(MessageId::Broadcast.id()).data(data)
    }

    /// Publishes to every connection of a client.
    pub fn unicast(to: impl Into<String>, data: Payload) -> Self {
        Self::new(MessageId::Unicast.id()).to(to).data(data)
    }

    /// Publishes to everybody in a room.
    pub fn room_message(room: impl Into<String>, data: Payload) -> Self {
        Self::new(MessageId::RoomMessage.id()).room(room).data(data)
    }

    /// Sets `message_type`.
    #[must_use]
    pub fn message_type(mut self, message_type: impl Into<String>) -> Self {
        self.message_type = Some(message_type.into());
        self
    }

    /// Sets `room`.
    #[must_use]
    pub fn room(mut self, room: impl Into<String>) -> Self {
        self.room = Some(room.into());
        self
    }

    /// Sets `to`.
    #[must_use]
    pub fn to(mut self, to: impl Into<String>) -> Self {
        self.to = Some(to.into());
        self
    }

    /// Sets `data`.
    #[must_use]
    pub fn data(mut self, data: Payload) -> Self {
        self.data = Some(data);
        self
    }

    /// Sets `ref`: the hub answers.
    #[must_use]
    pub fn reference(mut self, reference: impl Into<String>) -> Self {
        self.reference = Some(reference.into());
        self
    }

    /// Sets the idempotency `key`.
    #[must_use]
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Sets `from_offset`.
    #[must_use]
    pub fn from_offset(mut self, offset: Offset) -> Self {
        self.from_offset = Some(offset);
        self
    }

    /// Sets `limit`.
    #[must_use]
    pub fn limit(mut self, limit: u32) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Sets `after`.
    #[must_use]
    pub fn after(mut self, after: impl Into<String>) -> Self {
        self.after = Some(after.into());
        self
    }

    /// Sets `token`.
    #[must_use]
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.token = Some(token.into());
        self
    }

    /// The same as the hub reads it.
    pub fn as_request(&self) -> Request<'_> {
        let text = |text: &'_ Option<String>| text.clone().map(Into::into);
        Request {
            id: self.id,
            message_type: text(&self.message_type),
            room: text(&self.room),
            to: text(&self.to),
            data: self.data.as_ref().map(Payload::as_data),
            reference: text(&self.reference),
            key: text(&self.key),
            from_offset: self.from_offset,
            limit: self.limit,
            after: text(&self.after),
            token: self.token.as_deref().map(Credential::new),
        }
    }

    /// The bytes to send, in a text frame for JSON and a binary frame for CBOR.
    pub fn encode(&self, format: Format) -> Vec<u8> {
        let mut out = Vec::with_capacity(64);
        let mut writer = Writer::open(format, self.id, &mut out);
        writer.optional_text(Field::MessageType, self.message_type.as_deref());
        writer.optional_text(Field::Room, self.room.as_deref());
        writer.optional_text(Field::To, self.to.as_deref());
        writer.optional_text(Field::Ref, self.reference.as_deref());
        writer.optional_text(Field::Key, self.key.as_deref());
        if let Some(offset) = self.from_offset {
            writer.offset(Field::FromOffset, offset);
        }
        if let Some(limit) = self.limit {
            writer.uint(Field::Limit, u64::from(limit));
        }
        writer.optional_text(Field::After, self.after.as_deref());
        writer.optional_text(Field::Token, self.token.as_deref());
        if let Some(data) = &self.data {
            writer.data(&data.as_data());
        }
        writer.finish();
        out
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::{option, prelude::*};

    use super::*;
    use crate::protocol::decode;

    fn payload() -> impl Strategy<Value = Payload> {
        prop_oneof![
            prop::collection::vec(any::<u8>(), 0..40).prop_map(|bytes| Payload::Binary(Bytes::from(bytes))),
            any::<(i32, String, bool)>()
                .prop_map(
                    |value| Payload::json(serde_json::to_vec(&serde_json::json!({ "v": value })).unwrap()).unwrap()
                ),
        ]
    }

    prop_compose! {
        fn request()(
            id: u32,
            [message_type, room, to, reference, after] in [(); 5].map(|()| option::of("(?s).{0,30}")),
            key in option::of(".{1,30}"),
            data in option::of(payload()),
            offset: Option<(u64, u32)>,
            limit: Option<u32>,
        ) -> ClientRequest {
            let from_offset = offset.map(|(major, minor)| Offset { major, minor });
            ClientRequest { id, message_type, room, to, data, reference, key, from_offset, limit, after, token: None }
        }
    }

    proptest! {
        #[test]
        fn the_hub_reads_what_a_client_wrote(request in request()) {
            for format in Format::ALL {
                let bytes = request.encode(format);
                prop_assert_eq!(decode(format, &bytes), Ok(request.as_request()), "{:?}", format);
            }
        }
    }

    #[test]
    fn every_request_has_a_constructor() {
        let data = || Payload::json("1").unwrap();
        for (request, json) in [
            (ClientRequest::ping(), r#"{"message_id":1}"#),
            (ClientRequest::pong(), r#"{"message_id":2}"#),
            (ClientRequest::leave("a"), r#"{"message_id":11,"room":"a"}"#),
            (ClientRequest::presence("a").limit(2).after("x"), r#"{"message_id":12,"room":"a","limit":2,"after":"x"}"#),
            (
                ClientRequest::history("a").from_offset(Offset::new(17, 0)),
                r#"{"message_id":13,"room":"a","from_offset":"17-0"}"#,
            ),
            (ClientRequest::broadcast(data()).key("k"), r#"{"message_id":20,"key":"k","data":1}"#),
            (ClientRequest::unicast("bob", data()), r#"{"message_id":21,"to":"bob","data":1}"#),
            (
                ClientRequest::room_message("a", data()).message_type("chat"),
                r#"{"message_id":22,"message_type":"chat","room":"a","data":1}"#,
            ),
        ] {
            assert_eq!(String::from_utf8(request.encode(Format::Json)).unwrap(), json);
        }
    }
}
