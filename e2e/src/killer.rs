//! Kills a program of another pod, as the kernel does when memory runs out: by a signal that nothing can handle; or stands a node still. From
//! inside a container its first process cannot be killed, so this runs in a pod that sees the processes of its node.

use std::fs;
use std::io;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use thiserror::Error;

const KUBELET: &str = "kubelet";

/// Why nothing was killed.
#[derive(Debug, Error)]
pub enum KillError {
    /// The processes of the node are not to be seen.
    #[error("listing processes: {0}")]
    List(#[source] io::Error),
    /// No process of that pod has that name.
    #[error(
        "no process {program} of pod {pod} among those that are seen here: is hostPID set, and is it on this node?"
    )]
    Nobody {
        /// The pod's uid.
        pod: String,
        /// The name.
        program: String,
    },
    /// The kernel refuses.
    #[error("killing {program}: {source}")]
    Kill {
        /// The name.
        program: String,
        /// Why.
        source: io::Error,
    },
}

/// Kills every process called `program` of the pod with this uid.
///
/// # Errors
/// When there is none, or it may not be killed.
pub fn kill(pod: &str, program: &str) -> Result<(), KillError> {
    let victims = processes(|name, groups| name == program && is_of(pod, groups))?;
    if victims.is_empty() {
        return Err(KillError::Nobody { pod: pod.to_owned(), program: program.to_owned() });
    }
    tell(&victims, Signal::KILL, program)
}

/// Stands the node still for a while, as one that is paused or cut off: kubelet, and every process of the pods with these uids.
///
/// # Errors
/// When there is no kubelet, or they may not be stopped.
#[expect(clippy::disallowed_methods, reason = "a program of its own that has nothing else to do until then")]
pub fn hold(pods: &[String], time: Duration) -> Result<(), KillError> {
    let victims = processes(|name, groups| name == KUBELET || pods.iter().any(|pod| is_of(pod, groups)))?;
    if processes(|name, _| name == KUBELET)?.is_empty() {
        return Err(KillError::Nobody { pod: "the node".to_owned(), program: KUBELET.to_owned() });
    }
    tell(&victims, Signal::STOP, "the node")?;
    std::thread::sleep(time);
    tell(&victims, Signal::CONT, "the node")
}

fn tell(processes: &[Pid], signal: Signal, whom: &str) -> Result<(), KillError> {
    for process in processes {
        match kill_process(*process, signal) {
            // It has ended meanwhile.
            Ok(()) | Err(rustix::io::Errno::SRCH) => {}
            Err(error) => return Err(KillError::Kill { program: whom.to_owned(), source: error.into() }),
        }
    }
    Ok(())
}

/// Whether a process of these cgroups is one of the pod. Which of the two spellings a cgroup's name has depends on the cgroup driver.
fn is_of(pod: &str, groups: &str) -> bool {
    groups.contains(pod) || groups.contains(&pod.replace('-', "_"))
}

/// Those of the node whose name and cgroups are wanted.
fn processes(is_wanted: impl Fn(&str, &str) -> bool) -> Result<Vec<Pid>, KillError> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").map_err(KillError::List)?.flatten() {
        let number = entry.file_name().to_str().and_then(|name| name.parse().ok());
        let Some(process) = number.and_then(Pid::from_raw) else { continue };
        // One that has ended meanwhile has no files any more.
        let read = |file: &str| fs::read_to_string(entry.path().join(file)).unwrap_or_default();
        if is_wanted(read("comm").trim_end(), &read("cgroup")) {
            found.push(process);
        }
    }
    Ok(found)
}
