//! Weight: what the binary frames and the conflation keys of the chunks take. They are made late, by the first reader that wants them, and are
//! part of the log's size from then on until their chunk is trimmed.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

/// Bytes of binary frames in the whole log.
#[derive(Debug, Clone, Default)]
pub(super) struct Scale(Arc<AtomicI64>);

impl Scale {
    pub(super) fn bytes(&self) -> usize {
        // Below zero for a moment when a chunk is trimmed while its frames are being made.
        usize::try_from(self.0.load(Ordering::Relaxed)).unwrap_or(0)
    }
}

/// What one chunk has put on the scale.
#[derive(Debug)]
pub(super) struct Weight {
    scale: Scale,
    /// 0: nothing yet; [`TAKEN_OFF`]: the chunk is no part of the log any more.
    put_on: AtomicUsize,
}

const TAKEN_OFF: usize = usize::MAX;

impl Weight {
    pub(super) fn of(scale: &Scale) -> Self {
        Self { scale: scale.clone(), put_on: AtomicUsize::new(0) }
    }

    /// So many bytes were made. They do not count when the chunk is trimmed already.
    pub(super) fn put(&self, bytes: usize) {
        let added = |on: usize| (on != TAKEN_OFF).then(|| on + bytes);
        if self.put_on.fetch_update(Ordering::Relaxed, Ordering::Relaxed, added).is_ok() {
            self.scale.0.fetch_add(bytes as i64, Ordering::Relaxed);
        }
    }

    /// The chunk is trimmed; readers may hold it a little longer.
    pub(super) fn take_off(&self) {
        match self.put_on.swap(TAKEN_OFF, Ordering::Relaxed) {
            0 | TAKEN_OFF => {}
            bytes => drop(self.scale.0.fetch_sub(bytes as i64, Ordering::Relaxed)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_off_was_put_on_before() {
        let scale = Scale::default();
        let (a, b) = (Weight::of(&scale), Weight::of(&scale));
        a.put(10);
        a.put(10);
        assert_eq!(scale.bytes(), 20);
        b.take_off();
        b.put(5);
        assert_eq!(scale.bytes(), 20, "too late: the chunk is gone");
        a.take_off();
        a.take_off();
        assert_eq!(scale.bytes(), 0);
    }
}
