//! The operator's promises against an API server in memory: which calls, in which order, and silence. Tests are named after the list in
//! `e2e/O-LIST.md`.

mod api_server;
mod applying;
mod crashes;
mod hands;
mod leading;
mod process;
mod refusals;
mod rights;
mod scene;
mod watching;
