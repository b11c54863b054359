//! The inlet: what a bus delivers is appended to the log, and the shards are woken.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::shards::Shards;
use crate::bus::{Delivery, Inlet};
use crate::log::{Log, Past, Signal};
use crate::protocol::{Epoch, Mode, Offset};

pub(super) struct LogInlet {
    log: Arc<Log>,
    shards: Arc<Shards>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Clients are told a mode only when it changes.
    mode: Mode,
    /// The epoch to come, while the bus delivers what was said in it before. Until then the old one goes on, so that nobody who is
    /// connected gets that past as news.
    next: Option<Next>,
    /// The bus was begun anew in the same epoch (its settings were edited): what it repeats up to here is in the log already.
    said: Option<Offset>,
}

struct Next {
    epoch: Epoch,
    since: Offset,
    until: Offset,
    past: Vec<Past>,
    /// What came behind the past in the same breath.
    news: Vec<Past>,
}

impl LogInlet {
    pub(super) fn new(log: Arc<Log>, shards: Arc<Shards>) -> Self {
        Self { log, shards, state: Mutex::default() }
    }

    fn take(&self, item: Past) {
        match item {
            Past::Publications(publications) => self.log.append(publications),
            Past::Signal(signal) => self.log.signal(signal),
        }
    }

    /// Into the log, or behind what the bus has delivered of an epoch that has not begun.
    fn append(&self, item: Past) {
        let mut state = self.state();
        let item = match state.said {
            Some(said) => item.after(said),
            None => item,
        };
        match &mut state.next {
            Some(next) => next.hold(item),
            None => self.take(item),
        }
    }

    fn begin(&self, epoch: Epoch, since: Offset, until: Offset) {
        let mut state = self.state();
        // The bus before this one may have been closed before it caught up; what it acknowledged is delivered.
        self.go_live(&mut state);
        let (current, newest) = self.log.now();
        state.said = (current == epoch && since <= newest).then_some(newest);
        if state.said.is_some() {
            return;
        }
        if until > since {
            state.next = Some(Next { epoch, since, until, past: Vec::new(), news: Vec::new() });
        } else {
            self.log.begin_era(epoch, since);
        }
    }

    fn go_live(&self, state: &mut State) {
        if let Some(Next { epoch, since, until, past, news }) = state.next.take() {
            self.log.begin_era_with_past(epoch, since, past, until);
            news.into_iter().for_each(|item| self.take(item));
        }
    }

    fn change_mode(&self, mode: Mode, reason: String) {
        let before = std::mem::replace(&mut self.state().mode, mode);
        if before != mode {
            tracing::warn!(mode = mode.name(), reason, "mode changed");
            self.log.signal(Signal::Mode { mode, reason });
        }
    }

    /// A std mutex: a bus delivers from one thread at a time, so nobody waits for it.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Past {
    /// What of it comes after `said`.
    fn after(self, said: Offset) -> Self {
        match self {
            Self::Publications(mut publications) => {
                publications.drain(..publications.partition_point(|(offset, _)| *offset <= said));
                Self::Publications(publications)
            }
            signal => signal,
        }
    }
}

impl Next {
    fn hold(&mut self, item: Past) {
        match item {
            Past::Publications(mut publications) => {
                let news = publications.split_off(publications.partition_point(|(offset, _)| *offset <= self.until));
                self.past.push(Past::Publications(publications));
                self.news.push(Past::Publications(news));
            }
            Past::Signal(signal) => self.past.push(Past::Signal(signal)),
        }
    }
}

impl Inlet for LogInlet {
    fn deliver(&self, delivery: Delivery) {
        match delivery {
            Delivery::Publications(publications) => self.append(Past::Publications(publications)),
            Delivery::Gap { from, to, reason } => self.append(Past::Signal(Signal::Gap { from, to, reason })),
            Delivery::Epoch { epoch, since, past } => self.begin(epoch, since, past),
            Delivery::CaughtUp => self.go_live(&mut self.state()),
            Delivery::Mode { mode, reason } => self.change_mode(mode, reason),
        }
        self.shards.wake();
    }
}
