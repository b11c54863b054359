//! The managed etcd cluster under test: its members as the operator names them, and what it says of itself.

use gohub_operator::api::v1alpha1::{EtcdMember, GoHubStatus};
use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use kube::ResourceExt;
use kube::api::ListParams;

use super::namespace::Bed;
use super::wait::eventually;

/// Whether more than half of the voters of a status answer; also when nobody has asked them yet.
#[must_use]
pub fn has_quorum(status: &GoHubStatus) -> bool {
    let voters = status.etcd.members.iter().filter(|member| member.role != "learner");
    let (all, healthy) = voters.fold((0, 0), |(all, healthy), one| (all + 1, healthy + usize::from(one.healthy)));
    all == 0 || healthy > all / 2
}

impl Bed {
    /// Waits until etcd is ready with exactly so many members, all voters that answer, each in its own pod over its own volume.
    pub async fn until_members(&self, gohub: &str, count: usize) -> Vec<EtcdMember> {
        let look = async || {
            let status = self.until_condition(gohub, "EtcdReady").await;
            let pods = self.pods(gohub, "etcd").await.iter().map(ResourceExt::name_any).collect::<Vec<_>>();
            (status.etcd.members, pods, self.volumes(gohub).await)
        };
        let whole = |(members, pods, volumes): &(Vec<EtcdMember>, Vec<String>, Vec<String>)| {
            let homes: Vec<String> = members.iter().map(|member| member.name.clone()).collect();
            let vote = |member: &EtcdMember| member.healthy && member.role != "learner";
            members.len() == count && members.iter().all(vote) && homes == *pods && homes == *volumes
        };
        eventually(&format!("{gohub}: {count} members of etcd and nothing of others"), look, whole).await.0
    }

    /// The volumes of members, by name.
    ///
    /// # Panics
    /// When they cannot be listed.
    pub async fn volumes(&self, gohub: &str) -> Vec<String> {
        let labels = format!("app.kubernetes.io/instance={gohub},app.kubernetes.io/component=etcd");
        let listed = self.api::<PersistentVolumeClaim>().list(&ListParams::default().labels(&labels)).await;
        let mut names: Vec<String> = listed.expect("volumes are listed").iter().map(ResourceExt::name_any).collect();
        names.sort();
        names
    }

    /// Which cluster a member says it belongs to, in the log of its last start.
    ///
    /// # Panics
    /// When it does not say so.
    pub async fn cluster_id(&self, pod: &str) -> String {
        let log = self.log(pod).await;
        let id = log.split("\"cluster-id\":\"").nth(1).and_then(|rest| rest.split('"').next());
        id.unwrap_or_else(|| panic!("{pod} names no cluster:\n{log}")).to_owned()
    }
}
