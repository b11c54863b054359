//! A plain message that anybody may put on a bus key, for example with `etcdctl put /gohub/broadcast '{"message_id":20,"data":"hi"}'`.

use thiserror::Error;

use crate::protocol::{ClientId, Format, MessageId, NameError, Publication, RoomName, Target, decode};

/// Why a value is no message.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum ForeignError {
    #[error("not a message: {0}")]
    Unreadable(String),
    #[error("message_id {0} cannot be published on this key")]
    Id(u32),
    #[error("the room {0}")]
    Room(NameError),
    #[error("message_id 22 needs a room")]
    NoRoom,
}

/// Reads one JSON message. On a unicast key the key names the receiver (ids 21 and >= 1000); on the broadcast key 20 is for everybody, 22 for
/// its room, and an application's id for its room if it names one, else for everybody. `now` is the time it gets.
pub(crate) fn read(value: &[u8], client: Option<&ClientId>, now: u64) -> Result<Publication, ForeignError> {
    let request = decode(Format::Json, value).map_err(|refused| ForeignError::Unreadable(refused.message))?;
    let is_application = request.id >= MessageId::FIRST_APPLICATION;
    let allowed = match client {
        Some(_) => request.id == MessageId::Unicast.id(),
        None => request.id == MessageId::Broadcast.id() || request.id == MessageId::RoomMessage.id(),
    };
    if !allowed && !is_application {
        return Err(ForeignError::Id(request.id));
    }
    let target = match (client, request.room.as_deref()) {
        (Some(client), _) => Target::Client(client.clone()),
        (None, Some(room)) if request.id != MessageId::Broadcast.id() => {
            Target::Room(RoomName::parse(room).map_err(ForeignError::Room)?)
        }
        (None, None) if request.id == MessageId::RoomMessage.id() => return Err(ForeignError::NoRoom),
        (None, _) => Target::Broadcast,
    };
    Ok(Publication {
        target,
        id: request.id,
        message_type: request.message_type.as_deref().map(Into::into),
        data: request.data.as_ref().map(|data| data.to_payload()),
        from: None,
        ts: now,
        key: request.key.as_deref().map(Into::into),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Payload;

    fn target(value: &str, client: Option<&str>) -> Result<Target, ForeignError> {
        let client = client.map(|name| ClientId::parse(name).unwrap());
        read(value.as_bytes(), client.as_ref(), 7).map(|publication| publication.target)
    }

    #[test]
    fn what_etcdctl_puts_is_a_message() {
        let publication = read(br#"{"message_id":20,"data":"hi","key":"k"}"#, None, 7).unwrap();
        assert_eq!((publication.target, publication.ts, publication.from), (Target::Broadcast, 7, None));
        assert_eq!(publication.data, Some(Payload::json("\"hi\"").unwrap()));
        let lobby = Target::Room(RoomName::parse("lobby").unwrap());
        assert_eq!(target(r#"{"message_id":22,"room":"lobby"}"#, None), Ok(lobby.clone()));
        assert_eq!(target(r#"{"message_id":1000,"room":"lobby"}"#, None), Ok(lobby));
        assert_eq!(target(r#"{"message_id":1000}"#, None), Ok(Target::Broadcast));
        let bob = Target::Client(ClientId::parse("bob").unwrap());
        assert_eq!(target(r#"{"message_id":21,"to":"eve"}"#, Some("bob")), Ok(bob));
    }

    #[test]
    fn s87_what_is_no_message_is_named() {
        assert!(matches!(target("nonsense", None), Err(ForeignError::Unreadable(_))));
        assert_eq!(target(r#"{"message_id":21}"#, None), Err(ForeignError::Id(21)));
        assert_eq!(target(r#"{"message_id":20}"#, Some("bob")), Err(ForeignError::Id(20)));
        assert_eq!(target(r#"{"message_id":30}"#, None), Err(ForeignError::Id(30)));
        assert_eq!(target(r#"{"message_id":22}"#, None), Err(ForeignError::NoRoom));
        assert_eq!(target(r#"{"message_id":22,"room":"a/b"}"#, None), Err(ForeignError::Room(NameError::Slash)));
    }
}
