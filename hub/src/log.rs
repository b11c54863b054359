//! The log: one total order of frames that are already encoded, shared by every shard of the process.
//!
//! ```text
//!   bus --append--> [ open chunk ]                     one short lock per batch
//!                        | sealed when a shard pulls   (everything that came meanwhile is one chunk)
//!                        v
//!   Log    [chunk][chunk][chunk][chunk]                retention trims here, at the front
//!             \      \      \      \   Arc             bytes are shared, never copied
//!   View   [chunk][chunk][chunk][chunk]                one per shard, no lock
//!          streams: broadcast  0 1 . . 4 5 . 7
//!                   room lobby . . 2 . . . 6 .         a room is the list of its positions
//!                   client bob . . . 3 . . . .         so is a client's mailbox
//! ```
//!
//! A reader is a cursor (a [`Position`]) and a set of streams. What it still has to get is the merge of the streams' positions
//! from the cursor on, [gathered](View::gather) into runs of contiguous bytes: one vectored write, however many messages.
//! This module knows no socket, no shard and no bus.

mod chunk;
mod conflate;
mod era;
mod hole;
mod run;
mod stream;
mod tail;
mod transcode;
mod view;
mod weight;

pub use chunk::{Chunk, Entry, Signal};
pub use conflate::{Allowance, Kept};
pub use era::{Era, Eras};
pub use hole::{Hole, Holes};
pub use run::{Reader, Rest, Run, Runs};
pub use stream::{StreamId, Subscription};
pub use tail::{Located, Log, Past, Retention, Tip};
pub use view::{Pulled, View};

/// The place of an entry in this process's log: 0, 1, 2, ... Never leaves the process (clients see [`Offset`](crate::protocol::Offset)).
pub type Position = u64;
