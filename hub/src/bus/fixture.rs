//! For tests of the bus: publications, and an inlet that remembers.

use std::sync::{Arc, Mutex};

use super::{Delivery, Inlet};
use crate::protocol::{ClientId, Offset, Publication, Target};

pub(crate) fn publication(key: Option<&str>) -> Publication {
    Publication {
        target: Target::Broadcast,
        id: 20,
        message_type: None,
        data: None,
        from: Some(ClientId::parse("alice").unwrap()),
        ts: 1,
        key: key.map(Into::into),
    }
}

/// Keeps what was delivered.
#[derive(Debug, Default)]
pub(crate) struct Remembering(Mutex<Vec<Delivery>>);

impl Remembering {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    pub(crate) fn offsets(&self) -> Vec<Offset> {
        let all = self.0.lock().unwrap();
        all.iter()
            .flat_map(|delivery| match delivery {
                Delivery::Publications(list) => list.iter().map(|(offset, _)| *offset).collect(),
                _ => Vec::new(),
            })
            .collect()
    }

    /// The deliveries that are no publications, as text.
    pub(crate) fn notices(&self) -> Vec<String> {
        let all = self.0.lock().unwrap();
        all.iter()
            .filter_map(|delivery| match delivery {
                Delivery::Publications(_) => None,
                Delivery::Gap { from, to, reason } => Some(format!("gap {from} {to} {}", reason.name())),
                Delivery::Epoch { since, past, .. } if past > since => {
                    Some(format!("epoch since {since}, past until {past}"))
                }
                Delivery::Epoch { since, .. } => Some(format!("epoch since {since}")),
                Delivery::CaughtUp => Some("caught up".to_owned()),
                Delivery::Mode { mode, .. } => Some(mode.name().to_owned()),
            })
            .collect()
    }
}

impl Inlet for Remembering {
    fn deliver(&self, delivery: Delivery) {
        self.0.lock().unwrap().push(delivery);
    }
}
