//! Kills a program of another pod, as the kernel does when memory runs out: by a signal that nothing can handle. From inside a container its
//! first process cannot be killed, so this runs in a pod that sees the processes of its node.

use std::fs;
use std::io;

use rustix::process::{Pid, Signal, kill_process};
use thiserror::Error;

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
    // Which of the two a cgroup's name has depends on the cgroup driver.
    let names = [pod.to_owned(), pod.replace('-', "_")];
    let mut killed = 0;
    for entry in fs::read_dir("/proc").map_err(KillError::List)?.flatten() {
        let number = entry.file_name().to_str().and_then(|name| name.parse().ok());
        let Some(process) = number.and_then(Pid::from_raw) else { continue };
        // One that has ended meanwhile has no files any more.
        let read = |file: &str| fs::read_to_string(entry.path().join(file)).unwrap_or_default();
        if read("comm").trim_end() != program {
            continue;
        }
        let groups = read("cgroup");
        if names.iter().any(|name| groups.contains(name.as_str())) {
            let refused =
                |error: rustix::io::Errno| KillError::Kill { program: program.to_owned(), source: error.into() };
            kill_process(process, Signal::KILL).map_err(refused)?;
            killed += 1;
        }
    }
    if killed == 0 {
        return Err(KillError::Nobody { pod: pod.to_owned(), program: program.to_owned() });
    }
    Ok(())
}
