//! The resource that users write, and the names every object of the operator shares.

pub mod conditions;
pub mod v1alpha1;

/// The API group.
pub const GROUP: &str = "gohub.io";
/// The kind.
pub const KIND: &str = "GoHub";
/// The version that is served and stored.
pub const VERSION: &str = "v1alpha1";
