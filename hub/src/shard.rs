//! A shard: one thread that owns its sockets and reads the log for them. No lock is held while it works, no task exists per connection.
//!
//! ```text
//!            +--------------------------- one turn ---------------------------+
//!   epoll -> | read what is readable -> application -> (bus appends to the log) |
//!   inbox -> | commands of other threads (adopt, resolve, kick, list, drain)   |
//!   log   -> | pull: new positions, and which streams they belong to           |
//!            | pass: every connection that has something gets ONE vectored     |
//!            |       write of [rest of a cut frame][direct frames][log runs]   |
//!            | sweep: heartbeats; deadlines: half messages, closing, stalled   |
//!            +------------------------------------------------------------------+
//! ```
//!
//! While a pass runs, new messages collect in the log; the next pass carries them all. So an idle shard sends a message at once and a busy one
//! writes large batches, without a timer. A connection that takes no more bytes is left alone until epoll says otherwise; its cursor
//! stays behind, and `slow.rs` decides when it is too far behind. Pending bytes of a connection are bounded by the log plus
//! `limits.out_buffer` of direct frames; reading from a peer that does not read its answers pauses.

mod application;
mod bucket;
mod config;
mod conflate;
mod connection;
mod deadline;
mod drain;
mod era;
mod flush;
mod handle;
mod heartbeat;
mod held;
mod history;
mod inbox;
mod lists;
mod manage;
mod pass;
mod probe;
mod quota;
mod receive;
mod resume;
mod session;
mod slow;
mod table;
mod trail;
mod transport;
mod turn;

pub use application::Application;
pub use config::{ShardConfig, SlowPolicy};
pub use connection::Identity;
pub use handle::{Shard, ShardHandle};
pub use inbox::{
    Adopt, Answer, ClientRow, Command, ConnectionKey, HistoryPage, Kick, Placed, Placement, Renewal, Resume, RoomRow,
    Terms, Whom,
};
pub use quota::{Quotas, Rates, SharedRates};
pub use session::{Page, Refusal, Session};
pub use trail::Living;
pub use transport::Transport;
