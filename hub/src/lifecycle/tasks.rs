//! The one place that starts tasks and threads: each has a name, all share one "stop", and stopping says who did not listen.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, WaitForCancellationFuture};
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

/// A task's name, for the log.
type Name = Cow<'static, str>;

/// Tasks that had not ended when the deadline of a stop passed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("still running after the deadline: {}", names.join(", "))]
pub struct Late {
    /// Their names, oldest first.
    pub names: Vec<String>,
}

/// A group of tasks that stop together; clones are the same group.
#[derive(Debug, Clone)]
pub struct Tasks(Arc<Group>);

#[derive(Debug)]
struct Group {
    runtime: Handle,
    tracker: TaskTracker,
    token: CancellationToken,
    /// A std lock: held for one insert or remove, never across an await.
    running: Mutex<Running>,
    parent: Option<Tasks>,
}

#[derive(Debug, Default)]
struct Running {
    next: u64,
    names: BTreeMap<u64, Name>,
}

impl Tasks {
    /// The root group, whose tasks run on `runtime`.
    #[must_use]
    pub fn new(runtime: Handle) -> Self {
        Self::with(runtime, CancellationToken::new(), None)
    }

    fn with(runtime: Handle, token: CancellationToken, parent: Option<Self>) -> Self {
        Self(Arc::new(Group { runtime, tracker: TaskTracker::new(), token, running: Mutex::default(), parent }))
    }

    /// A group inside this one: it can be stopped alone (a bus that is swapped out), and stops and is waited for with this one.
    #[must_use]
    pub fn group(&self) -> Self {
        Self::with(self.0.runtime.clone(), self.0.token.child_token(), Some(self.clone()))
    }

    /// Runs `future` as the task `name`. It should end soon after [`Tasks::stopping`] does; a panic in it is logged under its name.
    pub fn spawn<F>(&self, name: impl Into<Name>, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let entry = self.enter(name.into(), true);
        self.0.runtime.spawn(async move {
            let _entry = entry;
            future.await
        })
    }

    /// Runs blocking `work` on the runtime's pool for it, as the task `name`.
    pub fn spawn_blocking<T: Send + 'static>(
        &self,
        name: impl Into<Name>,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> JoinHandle<T> {
        let entry = self.enter(name.into(), true);
        self.0.runtime.spawn_blocking(move || {
            let _entry = entry;
            work()
        })
    }

    /// Runs `work` on a thread of its own called `name` (a shard's loop).
    ///
    /// # Errors
    /// When the system gives no more threads.
    pub fn spawn_thread<T: Send + 'static>(
        &self,
        name: impl Into<Name>,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> std::io::Result<std::thread::JoinHandle<T>> {
        let name = name.into();
        let entry = self.enter(name.clone(), true);
        std::thread::Builder::new().name(name.into_owned()).spawn(move || {
            let _entry = entry;
            work()
        })
    }

    /// Ends when this group is told to stop.
    pub fn stopping(&self) -> WaitForCancellationFuture<'_> {
        self.0.token.cancelled()
    }

    /// Whether this group was told to stop.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.0.token.is_cancelled()
    }

    /// The group's stop signal, to hand to a task that selects on it.
    #[must_use]
    pub fn token(&self) -> CancellationToken {
        self.0.token.clone()
    }

    /// How many tasks run in this group and those inside it.
    #[must_use]
    pub fn running(&self) -> usize {
        self.0.tracker.len()
    }

    /// The names of those tasks, oldest first.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.0.lock().names.values().map(|name| name.to_string()).collect()
    }

    /// Tells every task to stop and waits until all have ended.
    ///
    /// # Errors
    /// [`Late`] names those that had not when `deadline` had passed; they keep running.
    pub async fn stop(&self, deadline: Duration) -> Result<(), Late> {
        self.0.token.cancel();
        self.0.tracker.close();
        if tokio::time::timeout(deadline, self.0.tracker.wait()).await.is_ok() {
            return Ok(());
        }
        let late = Late { names: self.names() };
        tracing::warn!(late = %late.names.join(", "), ?deadline, "tasks did not stop in time");
        Err(late)
    }

    /// Signs a task in with this group and every group around it; `own` where the task was started in this very group.
    fn enter(&self, name: Name, own: bool) -> Entry {
        let mut running = self.0.lock();
        let id = running.next;
        running.next += 1;
        running.names.insert(id, name.clone());
        drop(running);
        let outer = self.0.parent.as_ref().map(|parent| Box::new(parent.enter(name, false)));
        Entry { group: Arc::clone(&self.0), id, own, _tracked: self.0.tracker.token(), _outer: outer }
    }
}

impl Group {
    fn lock(&self) -> std::sync::MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Signs its task out again, however the task ends.
struct Entry {
    group: Arc<Group>,
    id: u64,
    own: bool,
    // Dropped in this order: whoever sees the outer group empty finds the inner one empty too.
    _tracked: TaskTrackerToken,
    _outer: Option<Box<Entry>>,
}

impl Drop for Entry {
    fn drop(&mut self) {
        let name = self.group.lock().names.remove(&self.id);
        // Only its own group reports a panic; the groups around it see the same task end.
        if std::thread::panicking()
            && self.own
            && let Some(name) = name
        {
            tracing::error!(task = %name, "task panicked");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tasks() -> Tasks {
        Tasks::new(Handle::current())
    }

    #[tokio::test]
    async fn a_stop_ends_every_task_of_every_group() {
        let tasks = tasks();
        let bus = tasks.group();
        for group in [&tasks, &bus] {
            let stop = group.token();
            group.spawn("obedient", async move { stop.cancelled().await });
        }
        let stop = bus.token();
        bus.spawn_thread("thread", move || {
            while !stop.is_cancelled() {
                std::thread::yield_now()
            }
        })
        .unwrap();
        assert_eq!((tasks.running(), bus.running()), (3, 2));
        tasks.stop(Duration::from_secs(10)).await.unwrap();
        assert_eq!((tasks.running(), bus.running()), (0, 0));
    }

    #[tokio::test]
    async fn a_group_stops_alone() {
        let tasks = tasks();
        let bus = tasks.group();
        let (stop, outer) = (bus.token(), tasks.token());
        bus.spawn("watch", async move { stop.cancelled().await });
        tasks.spawn("accept", async move { outer.cancelled().await });
        bus.stop(Duration::from_secs(10)).await.unwrap();
        assert_eq!(tasks.names(), ["accept"], "the listener must survive a swap of the bus");
        assert!(!tasks.is_stopping());
    }

    #[tokio::test]
    async fn a_stop_names_the_one_who_is_late() {
        let tasks = tasks();
        let bus = tasks.group();
        bus.spawn("deaf", std::future::pending::<()>());
        let late = tasks.stop(Duration::from_millis(1)).await.unwrap_err();
        assert_eq!(late.to_string(), "still running after the deadline: deaf");
    }

    #[tokio::test]
    async fn a_panic_signs_the_task_out() {
        let tasks = tasks();
        tasks.spawn("clumsy", async { panic!("on purpose") }).await.unwrap_err();
        assert_eq!(tasks.running(), 0);
    }
}
