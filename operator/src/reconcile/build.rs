//! A [`Plan`] to every object that follows from it: pure and total, one file per object, nothing here can fail.
//!
//! Members of the managed etcd cluster are not part of [`Desired`]: they come and go one step at a time, as `etcd::plan` decides, and
//! [`etcd_member`] builds the pod and the volume of a step.

pub mod autoscaler;
pub mod config_file;
pub mod dashboard;
pub mod disruption_budget;
pub mod etcd_member;
pub mod etcd_service;
pub mod hub_deployment;
pub mod hub_environment;
pub mod hub_service;
pub mod ingress;
pub mod meta;
pub mod network_policy;
pub mod prometheus_rule;
pub mod restrictions;
pub mod secrets;
pub mod service_account;
pub mod service_monitor;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::core::v1::{ConfigMap, Secret, Service, ServiceAccount};
use k8s_openapi::api::networking::v1::{Ingress, NetworkPolicy};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use kube::core::DynamicObject;

use super::plan::{Etcd, Plan};

/// Every object, one field per purpose. Whoever applies takes it apart without `..`, so that none is forgotten.
#[derive(Clone, Debug)]
pub struct Desired {
    /// The identity of hub and etcd pods, which has no rights.
    pub service_account: ServiceAccount,
    /// The keys of hubs and operator.
    pub keys: Secret,
    /// The hubs' file; none if it is the user's own ConfigMap.
    pub config: Option<config_file::ConfigFile>,
    /// What only a managed etcd cluster has.
    pub etcd: Option<DesiredEtcd>,
    /// Where clients connect.
    pub hub_service: Service,
    /// The way there from outside the cluster.
    pub ingress: Option<Ingress>,
    /// The hub pods.
    pub hub_deployment: Deployment,
    /// How many hub pods may be evicted at once.
    pub hub_budget: PodDisruptionBudget,
    /// Who reaches the hubs.
    pub hub_network_policy: Option<NetworkPolicy>,
    /// Chooses the number of hubs.
    pub autoscaler: Option<HorizontalPodAutoscaler>,
    /// Tells Prometheus to scrape.
    pub service_monitor: Option<DynamicObject>,
    /// Gives Prometheus alerts.
    pub prometheus_rule: Option<DynamicObject>,
    /// Shows it to people.
    pub dashboard: Option<ConfigMap>,
}

/// What a managed etcd cluster has beside its members.
#[derive(Clone, Debug)]
pub struct DesiredEtcd {
    /// Who signs the certificates.
    pub authority: Secret,
    /// What members show.
    pub member_tls: Secret,
    /// What hubs show to members.
    pub client_tls: Secret,
    /// Where hubs find any member.
    pub client_service: Service,
    /// Where members find each other, ready or not.
    pub peer_service: Service,
    /// Keeps a majority; a single member may be evicted, or no node could ever be drained.
    pub budget: Option<PodDisruptionBudget>,
    /// Who reaches the members.
    pub network_policy: Option<NetworkPolicy>,
}

/// Every object of the plan.
#[must_use]
pub fn build(plan: &Plan) -> Desired {
    Desired {
        service_account: service_account::build(plan),
        keys: secrets::keys(plan),
        config: config_file::build(plan),
        etcd: etcd(plan),
        hub_service: hub_service::build(plan),
        ingress: ingress::build(plan),
        hub_deployment: hub_deployment::build(plan),
        hub_budget: disruption_budget::hub(plan),
        hub_network_policy: network_policy::hub(plan),
        autoscaler: autoscaler::build(plan),
        service_monitor: service_monitor::build(plan),
        prometheus_rule: prometheus_rule::build(plan),
        dashboard: dashboard::build(plan),
    }
}

fn etcd(plan: &Plan) -> Option<DesiredEtcd> {
    let Etcd::Managed { spec, certificates, voters, bootstrapped } = &plan.etcd else { return None };
    Some(DesiredEtcd {
        authority: secrets::authority(plan, &certificates.authorities, *bootstrapped),
        member_tls: secrets::member_tls(plan, certificates),
        client_tls: secrets::client_tls(plan, certificates),
        client_service: etcd_service::client(plan),
        peer_service: etcd_service::peer(plan),
        budget: disruption_budget::etcd(plan, spec, *voters),
        network_policy: network_policy::etcd(plan),
    })
}
