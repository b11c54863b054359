//! An operator's view of one `GoHub` with a managed etcd: what it asks for, the API server, and members that really run.

use std::time::{Duration, Instant};

use etcd_client::Client;
use gohub_operator::api::v1alpha1::GoHub;
use gohub_operator::etcd::connect::Connector;
use gohub_operator::etcd::execute::{Performed, execute};
use gohub_operator::etcd::plan::{Observation, Start, Step, has_quorum};
use gohub_operator::etcd::survey::survey;
use gohub_operator::etcd::{next, pki};
use gohub_operator::reconcile::build::{etcd_member, secrets};
use gohub_operator::reconcile::observed::{Certificates, Keys, Observed};
use gohub_operator::reconcile::plan::{Etcd, Plan};
use gohub_operator::reconcile::validate::validate;
use serde_json::json;

use super::api_server::ApiServer;
use super::kubelet::Kubelet;

/// How long anything may take before a test gives up.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct World {
    pub(crate) server: ApiServer,
    pub(crate) kubelet: Kubelet,
    pub(crate) plan: Plan,
    pub(crate) certificates: Certificates,
    gohub: GoHub,
    /// Every step that changed something.
    pub(crate) steps: Vec<Step>,
}

impl World {
    /// Nothing runs yet.
    pub(crate) fn new(replicas: i32) -> Self {
        let gohub: GoHub = serde_json::from_value(json!({
            "apiVersion": "gohub.io/v1alpha1",
            "kind": "GoHub",
            "metadata": { "name": "chat", "namespace": "demo", "uid": "00000000-0000-4000-8000-000000000001" },
            "spec": { "etcd": { "managed": { "replicas": replicas, "storage": { "size": "1Gi" } } } },
        }))
        .unwrap();
        let server = ApiServer::default();
        let observed = Observed { keys: keys(), ..Observed::default() };
        let owner = validate(&gohub, &observed).unwrap().owner;
        let certificates = pki::issue(&owner, std::time::SystemTime::now()).unwrap();
        let kubelet = Kubelet::new(server.clone(), owner);
        let plan = validate(&gohub, &Observed { certificates: certificates.clone(), ..observed }).unwrap();
        let mut world = Self { server, kubelet, plan, certificates, gohub, steps: Vec::new() };
        world.apply(&Observation::default());
        world
    }

    /// Members that run already and have a leader.
    pub(crate) async fn running(replicas: i32) -> Self {
        let mut world = Self::new(replicas);
        let names: Vec<String> = (0..replicas).map(|number| number.to_string()).collect();
        let peers: Vec<&str> = names.iter().map(String::as_str).collect();
        peers.iter().for_each(|name| world.give_home(name, &peers));
        world.until_done().await;
        assert_eq!(world.steps, []);
        world
    }

    /// A volume and a pod for a member that joins these.
    pub(crate) fn give_home(&self, member: &str, peers: &[&str]) {
        let cluster = self.plan.etcd_cluster().unwrap();
        let start = if self.has_lived() { Start::Existing } else { Start::New };
        let pod = etcd_member::pod(cluster, member, start, peers);
        self.server.put("persistentvolumeclaims", &etcd_member::volume(cluster, member));
        self.server.put("pods", &pod);
    }

    fn has_lived(&self) -> bool {
        matches!(self.plan.etcd, Etcd::Managed { bootstrapped: true, .. })
    }

    /// What `apply` does before a step: plan from what was seen, Secrets from the plan.
    fn apply(&mut self, seen: &Observation) {
        let observed = Observed {
            keys: keys(),
            certificates: self.certificates.clone(),
            etcd: seen.clone(),
            ..Observed::default()
        };
        self.plan = validate(&self.gohub, &observed).unwrap();
        let Etcd::Managed { certificates, bootstrapped, .. } = &self.plan.etcd else { unreachable!() };
        let authority = secrets::authority(&self.plan, &certificates.authorities, *bootstrapped);
        for secret in [authority, secrets::member_tls(&self.plan, certificates)] {
            let name = secret.metadata.name.clone().unwrap();
            let old = self.server.get("secrets", &name).unwrap_or_default();
            let new = serde_json::to_value(&secret).unwrap();
            if old["data"] != new["data"] || old["metadata"]["annotations"] != new["metadata"]["annotations"] {
                self.server.put("secrets", &secret);
            }
        }
    }

    /// Changes the spec, as `kubectl edit` does.
    pub(crate) fn edit(&mut self, change: impl FnOnce(&mut gohub_operator::api::v1alpha1::Managed)) {
        change(&mut self.gohub.spec.etcd.managed);
        self.apply_unchanged();
    }

    /// Goes on with other certificates.
    pub(crate) fn show(&mut self, certificates: Certificates) {
        self.certificates = certificates;
        self.apply_unchanged();
    }

    fn apply_unchanged(&mut self) {
        let etcd = Observation { bootstrapped: self.has_lived(), ..Observation::default() };
        let observed = Observed { keys: keys(), certificates: self.certificates.clone(), etcd, ..Observed::default() };
        self.plan = validate(&self.gohub, &observed).unwrap();
    }

    pub(crate) fn connector(&self) -> Connector {
        Connector::over(self.kubelet.network.clone(), &self.certificates)
    }

    pub(crate) async fn look(&self) -> Observation {
        survey(&self.server.client(), self.plan.etcd_cluster().unwrap(), &self.connector()).await.unwrap()
    }

    /// One reconcile: look, apply, one step; then kubelet does its part.
    pub(crate) async fn reconcile(&mut self) -> (Observation, Step) {
        let seen = self.look().await;
        self.apply(&seen);
        let step = next(&seen);
        let performed = self.execute(&step).await;
        if performed == Performed::Changed {
            self.steps.push(step.clone());
            self.check(&seen, &step);
        }
        self.kubelet.sync();
        (seen, step)
    }

    pub(crate) async fn execute(&self, step: &Step) -> Performed {
        // A step that etcd refuses in the middle of an election is an error that the next reconcile gets over.
        match execute(&self.server.client(), self.plan.etcd_cluster().unwrap(), step, &self.connector()).await {
            Ok(performed) => performed,
            Err(error) => Performed::NotYet(error.to_string()),
        }
    }

    /// What must hold whenever a step was taken.
    fn check(&self, seen: &Observation, step: &Step) {
        let members = seen.members.as_deref().unwrap_or_default();
        assert!(members.iter().filter(|m| m.learner).count() <= 1, "two learners before {step:?}: {seen:?}");
        let destructive = matches!(step, Step::RemoveMember { .. } | Step::DeleteHome { .. } | Step::MoveLeader { .. });
        assert!(!destructive || has_quorum(members), "{step:?} without a majority: {seen:?}");
    }

    /// Reconciles until something holds.
    pub(crate) async fn until(&mut self, what: &str, holds: impl Fn(&Observation, &Step) -> bool) -> Observation {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let (seen, step) = self.reconcile().await;
            if holds(&seen, &step) {
                return seen;
            }
            let steps = &self.steps;
            assert!(
                Instant::now() < deadline,
                "never {what}; next {step:?} of {seen:#?} after {steps:?}{}",
                self.kubelet.logs()
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Reconciles until nothing is left to do, and all is as asked for.
    pub(crate) async fn until_done(&mut self) -> Observation {
        self.until("done", |_, step| *step == Step::Done).await
    }

    /// Ends a member's process and takes its pod away, as the loss of a node does.
    pub(crate) fn lose_pod(&mut self, member: &str) {
        self.server.remove("pods", &self.object(member));
        self.kubelet.end_member(member);
    }

    /// The same with its data.
    pub(crate) fn lose_home(&mut self, member: &str) {
        self.server.remove("persistentvolumeclaims", &self.object(member));
        self.lose_pod(member);
        self.kubelet.forget_lost_volumes();
    }

    pub(crate) fn object(&self, member: &str) -> String {
        etcd_member::name(&self.plan.owner, member)
    }

    /// A client of one member.
    pub(crate) async fn client(&self, member: &str) -> Client {
        self.connector().client(member).await.unwrap()
    }

    pub(crate) async fn put(&self, member: &str, key: &str, value: &str) {
        self.client(member).await.put(key, value, None).await.unwrap();
    }

    pub(crate) async fn read(&self, member: &str, key: &str) -> String {
        let answer = self.client(member).await.get(key, None).await.unwrap();
        answer.kvs().first().map(|kv| kv.value_str().unwrap().to_owned()).unwrap_or_default()
    }

    /// The id of the cluster that a member belongs to.
    pub(crate) async fn cluster_id(&self, member: &str) -> u64 {
        self.client(member).await.status().await.unwrap().header().unwrap().cluster_id()
    }

    /// What was written to the API server.
    pub(crate) fn writes(&self) -> Vec<String> {
        self.server.state().writes.clone()
    }
}

fn keys() -> Keys {
    Keys { peer: "peer-key-for-the-tests".to_owned(), admin: "admin-key-for-the-tests".to_owned() }
}

/// The names of the voters, sorted, the leader with a star.
pub(crate) fn voters(seen: &Observation) -> String {
    let names = seen.members.iter().flatten().filter(|member| !member.learner);
    names.map(|member| member.name.as_str()).collect::<Vec<_>>().join(" ")
}

/// The name of the leader.
pub(crate) fn leader(seen: &Observation) -> String {
    seen.members.iter().flatten().find(|member| member.leader).map(|member| member.name.clone()).unwrap()
}

/// The ids of all members.
pub(crate) fn ids(seen: &Observation) -> Vec<u64> {
    seen.members.iter().flatten().map(|member| member.id).collect()
}
