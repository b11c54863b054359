//! Making a shard, and the handle by which other threads reach it.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mio::{Poll, Token, Waker};

use super::application::Application;
use super::config::ShardConfig;
use super::inbox::{Command, Inbox};
use super::quota::Quotas;
use super::turn::Core;
use crate::log::Log;
use crate::metrics::ShardStats;

pub(super) const WAKE: Token = Token(usize::MAX);

/// A shard before its thread runs.
#[derive(Debug)]
pub struct Shard {
    poll: Poll,
    core: Core,
}

/// Reaches a shard from any thread. Cheap to clone.
#[derive(Debug, Clone)]
pub struct ShardHandle {
    pub(super) inbox: Arc<Inbox>,
    /// True while the shard sleeps or is about to: only then a wake-up costs a system call.
    pub(super) parked: Arc<AtomicBool>,
    waker: Arc<Waker>,
}

impl Shard {
    /// A shard that reads `log` and hands messages to `application`.
    ///
    /// # Errors
    /// When the kernel gives no epoll instance.
    pub fn new(
        log: Arc<Log>,
        application: Arc<dyn Application>,
        config: ShardConfig,
        stats: Arc<ShardStats>,
    ) -> io::Result<(Self, ShardHandle)> {
        let poll = Poll::new()?;
        let handle = ShardHandle {
            inbox: Arc::default(),
            parked: Arc::default(),
            waker: Arc::new(Waker::new(poll.registry(), WAKE)?),
        };
        let core = Core::new(log, application, config, stats, poll.registry().try_clone()?, handle.clone());
        Ok((Self { poll, core }, handle))
    }

    /// Counts what clients and addresses send together with the other shards that are given the same table.
    #[must_use]
    pub fn with_quotas(mut self, quotas: Arc<Quotas>) -> Self {
        self.core.quotas = quotas;
        self
    }

    /// Runs until it is told to [`Stop`](Command::Stop). Belongs on a thread of its own.
    ///
    /// # Errors
    /// When epoll itself fails: the shard cannot go on.
    pub fn run(mut self) -> io::Result<()> {
        self.core.run(&mut self.poll)
    }
}

impl ShardHandle {
    /// Gives the shard something to do.
    pub fn send(&self, command: Command) {
        self.inbox.push(command);
        self.wake();
    }

    /// There is something new in the log.
    pub fn wake(&self) {
        if self.parked.swap(false, Ordering::SeqCst)
            && let Err(error) = self.waker.wake()
        {
            tracing::error!(%error, "shard could not be woken");
        }
    }
}
