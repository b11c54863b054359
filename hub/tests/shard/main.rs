//! A real hub over real sockets: what connections get, in which order, and what happens to those that do not keep up.

mod delivery;
