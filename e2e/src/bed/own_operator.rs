//! An operator of a test's own: a process on this machine that looks after one namespace, and is killed.

use std::path::PathBuf;
use std::process::Stdio;

use tokio::process::{Child, Command};

use super::gate::Gate;
use super::namespace::Bed;

/// The process; it is killed when this is dropped.
#[derive(Debug)]
pub struct OwnOperator {
    process: Child,
    files: tempfile::TempDir,
}

impl Bed {
    /// Starts one that reaches the API server through a gate. It is no part of the cluster's network: it sees no pod.
    ///
    /// # Panics
    /// When it cannot be started.
    #[expect(clippy::disallowed_methods, reason = "a test is told the operator's program by the environment")]
    pub fn own_operator(&self, gate: &Gate) -> OwnOperator {
        let program =
            std::env::var_os("E2E_OPERATOR").expect("E2E_OPERATOR is the operator's program; scripts/e2e.sh sets it");
        let files = tempfile::tempdir().expect("a directory");
        let path = |name: &str| -> PathBuf { files.path().join(name) };
        let kubeconfig = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: gate\n\
             clusters: [{{ name: gate, cluster: {{ server: \"http://{}\" }} }}]\n\
             users: [{{ name: gate, user: {{}} }}]\n\
             contexts: [{{ name: gate, context: {{ cluster: gate, user: gate, namespace: {} }} }}]\n",
            gate.addr, self.namespace
        );
        std::fs::write(path("kubeconfig"), kubeconfig).expect("a kubeconfig");
        let log = std::fs::File::create(path("log")).expect("a log");
        let process = Command::new(program)
            // No lease: it is alone here.
            .args(["run", "--lease=", "--admin-addr=127.0.0.1:0", "--namespaces", &self.namespace])
            .env("KUBECONFIG", path("kubeconfig"))
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a log"))
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .expect("the operator starts");
        OwnOperator { process, files }
    }
}

impl OwnOperator {
    /// SIGKILL.
    ///
    /// # Panics
    /// When it has ended before.
    pub async fn kill(mut self) {
        if let Some(ended) = self.process.try_wait().expect("a process") {
            panic!("the operator ended by itself: {ended}\n{}", self.log());
        }
        self.process.kill().await.expect("it is killed");
    }

    /// What it has written.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.files.path().join("log")).unwrap_or_default()
    }
}
