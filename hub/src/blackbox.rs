//! The black box of a connection: what happened to it, so that "why was this client cut off, and why did it miss that message" has an answer.
//!
//! ```text
//!   shard --notes--> Trail of each connection --its end--> Archive (ring, bounded in bytes and age)
//!                        \                                   /
//!                         `-> Life <- GET /api/v1/clients/{id}/why, `gohub why`
//! ```
//!
//! Only events are noted: nothing for a message that is delivered but two additions for each write. What repeats is one event with a count, and an idle
//! connection has none at all. Never a token, never a payload, never a text that a peer has written but the names of rooms.

mod archive;
mod life;
mod report;
mod trail;

pub use archive::{Archive, Ended};
pub use life::{Counts, Ending, Entry, Life, Lives, Waiting};
pub use report::report;
pub use trail::{By, Missed, Stop, Trail, What};
