//! A real etcd for tests: one or three members on free loopback ports, with everything that can happen to them.
//!
//! Use it from a test file with `#[path = "etcd/cluster.rs"] mod etcd;`. Members and their data are gone when the value is dropped.

#![expect(dead_code, reason = "every test file uses its own part of the fixture")]

mod certificates;
mod member;
pub(crate) mod proxy;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use etcd_client::{AlarmAction, AlarmOptions, AlarmType, Client, ConnectOptions, PermissionType};
use member::Member;
use tempfile::TempDir;

pub(crate) use certificates::Certificates;

/// How long anything may take before a test gives up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A running cluster.
pub(crate) struct Cluster {
    members: Vec<Member>,
    directory: TempDir,
    certificates: Option<Certificates>,
    user: Option<(String, String)>,
}

/// What a test may ask for beyond the defaults.
#[derive(Default)]
pub(crate) struct Wanted {
    /// `--quota-backend-bytes`.
    pub(crate) quota: Option<u64>,
    /// TLS for clients, client certificates asked for.
    pub(crate) tls: bool,
    /// More arguments for every member.
    pub(crate) arguments: Vec<String>,
}

impl Cluster {
    /// One or more members with the defaults, healthy when this returns.
    pub(crate) async fn start(members: usize) -> Self {
        Self::start_with(members, Wanted::default()).await
    }

    /// The same with wishes.
    pub(crate) async fn start_with(members: usize, wanted: Wanted) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let certificates = wanted.tls.then(|| Certificates::create(directory.path()));
        let mut arguments = wanted.arguments;
        arguments.extend(wanted.quota.map(|bytes| format!("--quota-backend-bytes={bytes}")));
        let ports: Vec<(u16, u16)> = (0..members).map(|_| (free_port(), free_port())).collect();
        let everybody: Vec<String> =
            (0..).zip(&ports).map(|(index, (_, peer))| format!("m{index}=http://127.0.0.1:{peer}")).collect();
        arguments.push(format!("--initial-cluster={}", everybody.join(",")));
        let members = (0..)
            .zip(ports)
            .map(|(index, ports)| Member::start(directory.path(), index, ports, &arguments, certificates.as_ref()))
            .collect();
        let cluster = Self { members, directory, certificates, user: None };
        cluster.healthy().await;
        cluster
    }

    /// The client URLs of all members.
    pub(crate) fn endpoints(&self) -> Vec<String> {
        self.members.iter().map(Member::url).collect()
    }

    /// The files of the TLS set-up.
    pub(crate) fn certificates(&self) -> &Certificates {
        self.certificates.as_ref().expect("started with tls")
    }

    /// A client of all members, as an administrator has.
    pub(crate) async fn client(&self) -> Client {
        self.connect(&self.endpoints()).await.expect("a running etcd")
    }

    async fn connect(&self, endpoints: &[String]) -> Result<Client, etcd_client::Error> {
        let mut options =
            ConnectOptions::new().with_connect_timeout(Duration::from_secs(1)).with_timeout(Duration::from_secs(3));
        if let Some(certificates) = &self.certificates {
            options = options.with_tls(certificates.client_options());
        }
        if let Some((name, password)) = &self.user {
            options = options.with_user(name, password);
        }
        Client::connect(endpoints, Some(options)).await
    }

    /// Waits until every running member answers a linearizable read, which takes a leader.
    pub(crate) async fn healthy(&self) {
        for member in self.members.iter().filter(|member| member.is_running()) {
            let url = [member.url()];
            let deadline = Instant::now() + PATIENCE;
            loop {
                let read = async { self.connect(&url).await?.get("health", None).await };
                match tokio::time::timeout(Duration::from_secs(3), read).await {
                    Ok(Ok(_)) => break,
                    outcome => assert!(Instant::now() < deadline, "{}: {outcome:?}\n{}", url[0], member.log()),
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }

    /// The index of the leader.
    pub(crate) async fn leader(&self) -> usize {
        let deadline = Instant::now() + PATIENCE;
        loop {
            for (index, member) in self.members.iter().enumerate().filter(|(_, member)| member.is_running()) {
                if let Ok(mut client) = self.connect(&[member.url()]).await
                    && let Ok(status) = client.status().await
                    && status.leader() != 0
                    && status.header().is_some_and(|header| header.member_id() == status.leader())
                {
                    return index;
                }
            }
            assert!(Instant::now() < deadline, "no leader");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Ends a member without warning (SIGKILL).
    pub(crate) fn kill(&mut self, index: usize) {
        self.members[index].kill();
    }

    /// Ends all of them without warning.
    pub(crate) fn kill_all(&mut self) {
        self.members.iter_mut().for_each(Member::kill);
    }

    /// Starts a member that was ended, with the data it had.
    pub(crate) fn restart(&mut self, index: usize) {
        self.members[index].run();
    }

    /// Starts all that were ended and waits until they are healthy.
    pub(crate) async fn restart_all(&mut self) {
        self.members.iter_mut().filter(|member| !member.is_running()).for_each(Member::run);
        self.healthy().await;
    }

    /// Ends all members and starts them without their data, on the same addresses.
    pub(crate) async fn wipe(&mut self) {
        self.kill_all();
        self.members.iter().for_each(Member::forget);
        self.restart_all().await;
    }

    /// Stops a member without ending it (SIGSTOP): its connections stay open and silent.
    pub(crate) fn pause(&self, index: usize) {
        self.members[index].pause();
    }

    /// Lets it go on.
    pub(crate) fn resume(&self, index: usize) {
        self.members[index].resume();
    }

    /// What an operator does for a full etcd: compact, defragment, take the alarm back.
    pub(crate) async fn make_space(&self) {
        let mut client = self.client().await;
        let head = client.get("x", None).await.unwrap().header().unwrap().revision();
        client.compact(head, None).await.unwrap();
        client.defragment().await.unwrap();
        let alarms = client.alarm(AlarmAction::Get, AlarmType::None, None).await.unwrap();
        for alarm in alarms.alarms() {
            let mut options = AlarmOptions::new();
            options.with_member(alarm.member_id());
            client.alarm(AlarmAction::Deactivate, alarm.alarm(), Some(options)).await.unwrap();
        }
    }

    /// Waits until a member has logged this.
    pub(crate) async fn logs(&self, text: &str) {
        let deadline = Instant::now() + PATIENCE;
        while !self.members.iter().any(|member| member.has_logged(text)) {
            assert!(Instant::now() < deadline, "no member has logged {text}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Turns authentication on: user `root`, and `hub` who may do everything under `/gohub/`.
    pub(crate) async fn require_password(&mut self, hub_password: &str) {
        let mut client = self.client().await;
        client.user_add("root", "administrator", None).await.unwrap();
        client.role_add("root").await.unwrap();
        client.user_grant_role("root", "root").await.unwrap();
        client.user_add("hub", hub_password, None).await.unwrap();
        client.role_add("hub").await.unwrap();
        let permission = etcd_client::Permission::new(PermissionType::Readwrite, "/gohub/").with_prefix();
        client.role_grant_permission("hub", permission).await.unwrap();
        client.user_grant_role("hub", "hub").await.unwrap();
        client.auth_enable().await.unwrap();
        self.user = Some(("root".to_owned(), "administrator".to_owned()));
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

/// A port that was free a moment ago, and that this process has not handed out before.
pub(crate) fn free_port() -> u16 {
    static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());
    loop {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        if GIVEN.lock().unwrap().insert(port) {
            return port;
        }
    }
}
