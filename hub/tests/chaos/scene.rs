//! Three hubs and three etcd members as processes of their own, a proxy in front of each hub and between each hub and each member.

use std::path::Path;
use std::time::{Duration, Instant};

use gohub::Settings;
use gohub_crowd::target::Target;
use gohub_settings::Duration as Time;

use crate::etcd::Cluster;
use crate::etcd::proxy::Proxy;
use crate::plan::{Event, Fault, HUBS};
use crate::process::Process;
use crate::site::settings;

/// What can go wrong here.
pub(crate) struct Scene {
    cluster: Cluster,
    hubs: Vec<Hub>,
    /// Who was leader when it was struck.
    leader: usize,
}

struct Hub {
    settings: Settings,
    process: Option<Process>,
    door: Proxy,
    bus: Vec<Proxy>,
    /// What its killed processes had logged.
    log: Vec<String>,
}

/// A fault that happened.
#[derive(Clone, Debug)]
pub(crate) struct Strike {
    pub(crate) event: Event,
    pub(crate) at: Instant,
}

impl Scene {
    /// Everything runs and nothing is wrong.
    pub(crate) async fn open() -> Self {
        let cluster = Cluster::start(HUBS).await;
        let mut hubs = Vec::new();
        for index in 0..HUBS {
            let mut bus = Vec::new();
            for url in cluster.endpoints() {
                bus.push(Proxy::start(&url).await);
            }
            let mut settings = settings(&node(index), bus.iter().map(Proxy::url).collect());
            settings.heartbeat.interval = Time::from_secs(5);
            settings.heartbeat.timeout = Time::from_secs(5);
            settings.slow_client.max_age = Time::from_secs(3);
            // A thousand clients keep a machine of two cores busy: what is slow is not yet gone.
            settings.cluster.etcd.request_timeout = Time::from_secs(5);
            settings.cluster.etcd.lease_ttl = Time::from_secs(6);
            let process = Process::start(settings.clone()).await;
            let door = Proxy::narrow(&process.address.to_string()).await;
            hubs.push(Hub { settings, process: Some(process), door, bus, log: Vec::new() });
        }
        Self { cluster, hubs, leader: 0 }
    }

    /// Where the clients go.
    pub(crate) fn doors(&self) -> Vec<Target> {
        let door = |hub: &Hub| hub.door.url().replace("http://", "ws://").parse().expect("a proxy's address");
        self.hubs.iter().map(door).collect()
    }

    /// Does it.
    pub(crate) async fn strike(&mut self, event: &Event) -> Strike {
        let (at, Event { fault, target, .. }) = (Instant::now(), *event);
        let hub = &mut self.hubs[target];
        match fault {
            Fault::KillHub => {
                if let Some(mut process) = hub.process.take() {
                    process.kill();
                    hub.log.extend(process.log());
                    hub.log.push(format!("{} was killed", hub.settings.cluster.node));
                }
            }
            Fault::StopHub => hub.process.iter().for_each(Process::pause),
            Fault::SlowClients(millis) => hub.door.delay(Duration::from_millis(millis)),
            Fault::NarrowClients(rate) => hub.door.rate(rate),
            Fault::ResetClients => hub.door.reset(),
            Fault::LoseClients => hub.door.lose(true),
            Fault::SlowBus(millis) => hub.bus.iter().for_each(|proxy| proxy.delay(Duration::from_millis(millis))),
            Fault::NarrowBus(rate) => hub.bus.iter().for_each(|proxy| proxy.rate(rate)),
            Fault::ResetBus => hub.bus.iter().for_each(Proxy::reset),
            Fault::LoseBus => hub.bus.iter().for_each(|proxy| proxy.lose(true)),
            Fault::KillMember => self.cluster.kill(target),
            Fault::KillLeader => {
                self.leader = self.cluster.leader().await;
                self.cluster.kill(self.leader);
            }
            Fault::StopLeader => {
                self.leader = self.cluster.leader().await;
                self.cluster.pause(self.leader);
            }
            Fault::LoseMajority => {
                self.cluster.kill(target);
                self.cluster.kill((target + 1) % HUBS);
            }
        }
        Strike { event: *event, at }
    }

    /// Takes it back.
    pub(crate) async fn mend(&mut self, event: &Event) {
        let Event { fault, target, .. } = *event;
        let hub = &mut self.hubs[target];
        match fault {
            Fault::KillHub => {
                let process = Process::start(hub.settings.clone()).await;
                hub.door.retarget(process.address);
                hub.process = Some(process);
            }
            Fault::StopHub => hub.process.iter().for_each(Process::resume),
            Fault::SlowClients(_) => hub.door.delay(Duration::ZERO),
            Fault::NarrowClients(_) => hub.door.rate(0),
            Fault::LoseClients => hub.door.lose(false),
            Fault::SlowBus(_) => hub.bus.iter().for_each(|proxy| proxy.delay(Duration::ZERO)),
            Fault::NarrowBus(_) => hub.bus.iter().for_each(|proxy| proxy.rate(0)),
            Fault::LoseBus => hub.bus.iter().for_each(|proxy| proxy.lose(false)),
            Fault::ResetClients | Fault::ResetBus => {}
            Fault::KillMember => self.cluster.restart(target),
            Fault::KillLeader => self.cluster.restart(self.leader),
            Fault::StopLeader => self.cluster.resume(self.leader),
            Fault::LoseMajority => {
                self.cluster.restart(target);
                self.cluster.restart((target + 1) % HUBS);
            }
        }
    }

    /// Writes what every hub logged, one file each.
    pub(crate) fn keep_logs(&self, directory: &Path) {
        for hub in &self.hubs {
            let mut lines = hub.log.clone();
            lines.extend(hub.process.iter().flat_map(Process::log));
            std::fs::write(directory.join(format!("{}.log", hub.settings.cluster.node)), lines.join("\n")).unwrap();
        }
    }
}

/// The name of a hub.
pub(crate) fn node(index: usize) -> String {
    format!("hub-{index}")
}
