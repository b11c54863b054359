//! The key that hubs show each other with every question.

use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use gohub_settings::Secret;
use tonic::metadata::{Ascii, MetadataMap, MetadataValue};
use tonic::{Request, Status};

use super::ClusterError;

const HEADER: &str = "authorization";

/// The key in the form it is sent in; `None` lets everybody ask.
#[derive(Clone)]
pub(super) struct PeerKey(Option<Arc<MetadataValue<Ascii>>>);

impl PeerKey {
    pub(super) fn new(key: &Secret) -> Result<Self, ClusterError> {
        if key.is_empty() {
            return Ok(Self(None));
        }
        let mut value: MetadataValue<Ascii> =
            format!("Bearer {}", key.expose()).parse().map_err(|_| ClusterError::Key)?;
        // Keeps it out of debug output.
        value.set_sensitive(true);
        Ok(Self(Some(Arc::new(value))))
    }

    /// Shows the key.
    pub(super) fn sign<T>(&self, request: &mut Request<T>) {
        if let Some(key) = &self.0 {
            request.metadata_mut().insert(HEADER, MetadataValue::clone(key));
        }
    }

    /// Lets a question pass that shows the key.
    pub(super) fn check(&self, metadata: &MetadataMap) -> Result<(), Status> {
        let Some(key) = &self.0 else { return Ok(()) };
        let shown = metadata.get(HEADER).map(MetadataValue::as_bytes).unwrap_or_default();
        // Digests are of one length, so the time of the comparison tells nothing.
        let (shown, key) = (digest(&SHA256, shown), digest(&SHA256, key.as_bytes()));
        verify_slices_are_equal(shown.as_ref(), key.as_ref())
            .map_err(|_| Status::unauthenticated("cluster.peer_key does not match"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_key_opens() {
        let key = PeerKey::new(&Secret::new("0123456789abcdef")).unwrap();
        let mut request = Request::new(());
        assert!(key.check(request.metadata()).is_err());
        PeerKey::new(&Secret::new("0123456789abcdeX")).unwrap().sign(&mut request);
        assert!(key.check(request.metadata()).is_err());
        key.sign(&mut request);
        assert!(key.check(request.metadata()).is_ok());
        assert!(!format!("{:?}", request.metadata()).contains("0123456789abcdef"));
    }

    #[test]
    fn no_key_lets_everybody_ask_and_a_broken_one_is_refused() {
        let open = PeerKey::new(&Secret::default()).unwrap();
        assert!(open.check(&MetadataMap::new()).is_ok());
        assert!(matches!(PeerKey::new(&Secret::new("line\nbreak")), Err(ClusterError::Key)));
    }
}
