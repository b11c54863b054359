//! Hostile applications: S72 to S81 of the reliability list. Each frame is a good one; what is in it is not.

#[path = "application/crowd.rs"]
mod crowd;
#[path = "application/floods.rs"]
mod floods;
#[path = "application/malformed.rs"]
mod malformed;
#[path = "application/names.rs"]
mod names;
#[path = "application/record.rs"]
mod record;
#[path = "application/rooms.rs"]
mod rooms;
