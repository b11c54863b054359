//! Who a client is and what it may do, from the first token to the last: keys by URL, tokens that end, rights, revocation.

#[path = "identity/expiry.rs"]
mod expiry;
#[path = "identity/hook.rs"]
mod hook;
#[path = "identity/issuer.rs"]
mod issuer;
#[path = "identity/keys.rs"]
mod keys;
#[path = "identity/revocation.rs"]
mod revocation;
#[path = "identity/rights.rs"]
mod rights;
#[path = "identity/room_hook.rs"]
mod room_hook;
#[path = "identity/ticket.rs"]
mod ticket;
