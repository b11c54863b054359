//! gohub
fn main() {}
