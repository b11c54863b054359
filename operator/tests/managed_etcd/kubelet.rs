//! Stands in for kubelet and the cluster's DNS: runs a real etcd process for every member's pod, with the pod's own arguments, in which
//! only names of hosts and directories are replaced by those of this machine.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock};

use base64::Engine;
use gohub_operator::etcd::connect::Addresses;
use gohub_operator::reconcile::build::{etcd_member, etcd_service};
use gohub_operator::reconcile::plan::Owner;
use serde_json::Value;
use tempfile::TempDir;

use super::api_server::ApiServer;

/// The ports of members on loopback, by name: handed out once and kept, as DNS names are.
#[derive(Debug, Default)]
pub(crate) struct Loopback {
    ports: Mutex<BTreeMap<String, [u16; 3]>>,
}

impl Loopback {
    fn ports(&self, member: &str) -> [u16; 3] {
        *self.ports.lock().unwrap().entry(member.to_owned()).or_insert_with(|| [free_port(), free_port(), free_port()])
    }

    pub(crate) fn metrics_port(&self, member: &str) -> u16 {
        self.ports(member)[2]
    }
}

impl Addresses for Loopback {
    fn client_url(&self, member: &str) -> String {
        format!("https://127.0.0.1:{}", self.ports(member)[0])
    }

    fn peer_url(&self, member: &str) -> String {
        format!("https://127.0.0.1:{}", self.ports(member)[1])
    }

    fn member_at(&self, peer_url: &str) -> Option<String> {
        let names: Vec<String> = self.ports.lock().unwrap().keys().cloned().collect();
        names.into_iter().find(|name| self.peer_url(name) == peer_url)
    }
}

pub(crate) struct Kubelet {
    server: ApiServer,
    owner: Owner,
    pub(crate) network: Arc<Loopback>,
    /// Processes by the uid of their pod.
    running: BTreeMap<String, (String, Child)>,
    directory: TempDir,
    /// Arguments that a test adds to every member.
    pub(crate) more: Vec<String>,
}

impl Kubelet {
    pub(crate) fn new(server: ApiServer, owner: Owner) -> Self {
        let (network, directory) = (Arc::default(), tempfile::tempdir().unwrap());
        // Membership may change at once, and not after the five seconds of quiet that etcd asks for by default.
        let more = vec!["--strict-reconfig-check=false".to_owned(), "--unsafe-no-fsync".to_owned()];
        Self { server, owner, network, running: BTreeMap::new(), directory, more }
    }

    /// Ends what is to end, starts what is to run, and forgets the data of volumes that are gone.
    pub(crate) fn sync(&mut self) {
        let pods = self.server.list("pods");
        let uids: BTreeSet<String> = pods.iter().map(|pod| text(&pod["metadata"]["uid"])).collect();
        for pod in &pods {
            let (uid, name) = (text(&pod["metadata"]["uid"]), text(&pod["metadata"]["name"]));
            if !pod["metadata"]["deletionTimestamp"].is_null() {
                self.end(&uid);
                self.server.remove("pods", &name);
            } else if pod["status"]["phase"] != "Failed" && !self.is_running(&uid) {
                let child = self.start(pod);
                self.running.insert(uid, (name, child));
            }
        }
        let gone: Vec<String> = self.running.keys().filter(|uid| !uids.contains(*uid)).cloned().collect();
        gone.iter().for_each(|uid| self.end(uid));
        self.forget_lost_volumes();
        self.write_certificates();
    }

    /// Deletes the data of volumes that are gone.
    pub(crate) fn forget_lost_volumes(&self) {
        let volumes: BTreeSet<String> =
            self.server.list("persistentvolumeclaims").iter().map(|volume| text(&volume["metadata"]["name"])).collect();
        for entry in std::fs::read_dir(self.directory.path()).unwrap().map(|entry| entry.unwrap()) {
            let name = entry.file_name().into_string().unwrap();
            let used = self.running.values().any(|(pod, _)| *pod == name);
            if name.starts_with(&self.owner.name) && !volumes.contains(&name) && !used && entry.path().is_dir() {
                std::fs::remove_dir_all(entry.path()).unwrap();
            }
        }
    }

    /// Ends a member's process at once.
    pub(crate) fn end_member(&mut self, member: &str) {
        let name = etcd_member::name(&self.owner, member);
        let uids: Vec<String> =
            self.running.iter().filter(|(_, (pod, _))| *pod == name).map(|(uid, _)| uid.clone()).collect();
        uids.iter().for_each(|uid| self.end(uid));
    }

    /// A process that ended by itself is started again with the same pod, as `restartPolicy: Always` does.
    fn is_running(&mut self, uid: &str) -> bool {
        self.running.get_mut(uid).is_some_and(|(_, child)| child.try_wait().unwrap().is_none())
    }

    fn end(&mut self, uid: &str) {
        if let Some((_, mut child)) = self.running.remove(uid) {
            drop(child.kill());
            drop(child.wait());
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// What a mounted Secret looks like; it follows the Secret while members run.
    fn write_certificates(&self) {
        let Some(secret) = self.server.get("secrets", &format!("{}-etcd-member-tls", self.owner.name)) else { return };
        let directory = self.path("tls");
        std::fs::create_dir_all(&directory).unwrap();
        for (file, data) in secret["data"].as_object().unwrap() {
            let data = base64::engine::general_purpose::STANDARD.decode(data.as_str().unwrap()).unwrap();
            if std::fs::read(directory.join(file)).ok().as_ref() != Some(&data) {
                std::fs::write(directory.join(file), data).unwrap();
            }
        }
    }

    fn start(&self, pod: &Value) -> Child {
        self.write_certificates();
        let name = pod["metadata"]["name"].as_str().unwrap();
        let member = etcd_member::member_of(&self.owner, name).unwrap();
        let data = self.path(name);
        std::fs::create_dir_all(&data).unwrap();
        let container = &pod["spec"]["containers"][0];
        assert_eq!(container["command"][0], "etcd");
        let arguments = container["args"].as_array().unwrap().iter().map(|argument| {
            let argument = argument.as_str().unwrap();
            let argument = argument.replace("/var/lib/etcd", &data.display().to_string());
            self.on_loopback(&member, &argument.replace("/etc/etcd/tls", &self.path("tls").display().to_string()))
        });
        let log = std::fs::File::options().create(true).append(true).open(self.path(&format!("log-{name}"))).unwrap();
        Command::new(binary())
            .args(arguments)
            .args(&self.more)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .expect("etcd starts")
    }

    fn on_loopback(&self, member: &str, argument: &str) -> String {
        let [client, peer, metrics] = self.network.ports(member);
        let mut argument = argument
            .replace("0.0.0.0:2379", &format!("127.0.0.1:{client}"))
            .replace("0.0.0.0:2380", &format!("127.0.0.1:{peer}"))
            .replace("0.0.0.0:2381", &format!("127.0.0.1:{metrics}"));
        for other in (0..10).map(|number| number.to_string()) {
            let (client, peer) = (
                etcd_service::member_client_url(&self.owner, &other),
                etcd_service::member_peer_url(&self.owner, &other),
            );
            if argument.contains(&client) || argument.contains(&peer) {
                argument = argument.replace(&client, &self.network.client_url(&other));
                argument = argument.replace(&peer, &self.network.peer_url(&other));
            }
        }
        argument
    }

    /// The process id of a member's etcd.
    pub(crate) fn process(&self, member: &str) -> Option<u32> {
        let name = etcd_member::name(&self.owner, member);
        self.running.values().find(|(pod, _)| *pod == name).map(|(_, child)| child.id())
    }

    /// The ends of all logs, for a test that gives up.
    pub(crate) fn logs(&self) -> String {
        let mut text = String::new();
        for entry in std::fs::read_dir(self.directory.path()).unwrap().map(|entry| entry.unwrap()) {
            if entry.file_name().to_string_lossy().starts_with("log-") {
                let log = std::fs::read_to_string(entry.path()).unwrap_or_default();
                let lines: Vec<&str> = log.lines().rev().take(6).collect();
                text +=
                    &format!("\n{:?}:\n{}", entry.file_name(), lines.into_iter().rev().collect::<Vec<_>>().join("\n"));
            }
        }
        text
    }
}

impl Drop for Kubelet {
    fn drop(&mut self) {
        let uids: Vec<String> = self.running.keys().cloned().collect();
        uids.iter().for_each(|uid| self.end(uid));
    }
}

/// The binary that `scripts/etcd.sh` finds or builds.
fn binary() -> &'static PathBuf {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/etcd.sh");
        let output = Command::new(script).output().expect("scripts/etcd.sh runs");
        assert!(output.status.success(), "no etcd: {}", String::from_utf8_lossy(&output.stderr));
        PathBuf::from(String::from_utf8(output.stdout).unwrap().trim())
    })
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// A port that was free a moment ago, and that this process has not handed out before.
fn free_port() -> u16 {
    static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());
    loop {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        if GIVEN.lock().unwrap().insert(port) {
            return port;
        }
    }
}
