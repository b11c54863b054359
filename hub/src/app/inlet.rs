//! The inlet: what a bus delivers is appended to the log, and the shards are woken.

use std::sync::{Arc, Mutex, PoisonError};

use super::shards::Shards;
use crate::bus::{Delivery, Inlet};
use crate::log::{Log, Signal};
use crate::protocol::Mode;

pub(super) struct LogInlet {
    log: Arc<Log>,
    shards: Arc<Shards>,
    /// Clients are told a mode only when it changes.
    mode: Mutex<Mode>,
}

impl LogInlet {
    pub(super) fn new(log: Arc<Log>, shards: Arc<Shards>) -> Self {
        Self { log, shards, mode: Mutex::default() }
    }
}

impl Inlet for LogInlet {
    fn deliver(&self, delivery: Delivery) {
        match delivery {
            Delivery::Publications(publications) => self.log.append(publications),
            Delivery::Gap { from, to, reason } => self.log.signal(Signal::Gap { from, to, reason }),
            Delivery::Epoch { epoch, since } => {
                self.log.begin_era(epoch, since);
            }
            Delivery::Mode { mode, reason } => {
                let before = std::mem::replace(&mut *self.mode.lock().unwrap_or_else(PoisonError::into_inner), mode);
                if before != mode {
                    tracing::warn!(mode = mode.name(), reason, "mode changed");
                    self.log.signal(Signal::Mode { mode, reason });
                }
            }
        }
        self.shards.wake();
    }
}
