//! A server of one's own: message 1000 rolls a die for a room, on the server, so that nobody cheats; and it tells who comes and goes.
//!
//! `cargo run --example custom_server`, then in `websocat 'ws://127.0.0.1:8080/ws?client_id=alice'`:
//!
//! ```json
//! {"message_id": 10, "room": "table", "ref": "1"}
//! {"message_id": 1000, "room": "table", "ref": "2"}
//! ```

use gohub::dispatcher::{Context, HubEvent, Observer, Reply};
use gohub::protocol::{Payload, Request, Target};
use gohub::{Hub, Settings, StartError};

pub(crate) async fn start(settings: Settings, observer: impl Observer) -> Result<Hub, StartError> {
    let roll = |context: &mut Context<'_, '_>, request: &Request<'_>| {
        let room = context.room(request)?;
        let die = Payload::json(fastrand::u8(1..=6).to_string()).ok();
        // The receipt answers the request: `ack` when the bus has the message, `error` when not.
        let receipt = context.receipt(request.reference.as_deref());
        context.publish(Target::Room(room), request.id, die, receipt);
        Ok(Reply::Later)
    };
    Hub::builder(settings).handler(1000, roll).observer(observer).start().await
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let hub = start(Settings::default(), |event: &HubEvent| eprintln!("{event:?}")).await?;
    tokio::signal::ctrl_c().await?;
    hub.drain().await;
    Ok(())
}
