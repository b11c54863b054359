//! S43-S66: frames that are wrong, too large, too many or never come, over raw sockets.

#[path = "frames/baseline.rs"]
mod baseline;
#[path = "frames/closing.rs"]
mod closing;
#[path = "frames/descriptors.rs"]
mod descriptors;
#[path = "frames/floods.rs"]
mod floods;
#[path = "frames/fragments.rs"]
mod fragments;
#[path = "frames/header.rs"]
mod header;
#[path = "frames/memory.rs"]
mod memory;
#[path = "raw/peer.rs"]
mod peer;
#[path = "raw/process.rs"]
mod process;
#[path = "raw/site.rs"]
mod site;
#[path = "frames/slow.rs"]
mod slow;
#[path = "frames/text.rs"]
mod text;
#[path = "frames/unfinished.rs"]
mod unfinished;
#[path = "frames/vanished.rs"]
mod vanished;
