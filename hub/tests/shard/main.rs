//! A real hub over real sockets: what connections get, in which order, and what happens to those that do not keep up.

mod clients;
mod conflate;
mod delivery;
mod drain;
mod era;
mod heartbeat;
mod history;
mod live;
mod presence;
mod quiet;
mod resume;
mod rooms;
mod slow;
mod stalled;
mod tls;
