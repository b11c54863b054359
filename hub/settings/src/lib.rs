//! Settings of gohub.
