//! The next step towards the etcd cluster that was asked for: **one**, and only if a majority survives it.
//!
//! ```text
//! (wanted members, pods and volumes seen, members as etcd lists them, who answers) -> Step
//! ```
//! The order of the questions is the order of safety. A cluster without a majority gets nothing destructive: its pods are put back
//! over their volumes, and otherwise it is waited for. Then a change that was begun is finished (a learner promoted, an unstarted
//! member given its pod) before another begins, so an operator that dies between two steps finds its place again from what it sees.
//! Adding goes by learners, which count for no majority; the leader is moved before its member is stopped.

mod words;

use std::collections::BTreeMap;

/// The alarm of a full database.
pub const NO_SPACE: &str = "NOSPACE";

/// Everything the decision depends on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observation {
    /// Number of voting members asked for.
    pub wanted: usize,
    /// Hash of the pod template that members should run.
    pub template: String,
    /// Whether the cluster was bootstrapped once: then no new one is ever made under its name.
    pub bootstrapped: bool,
    /// Members as etcd itself lists them; `None` while no member answers the question.
    pub members: Option<Vec<Member>>,
    /// The pods and volumes of members, by name.
    pub homes: BTreeMap<String, Home>,
    /// An alarm that etcd raised, such as `NOSPACE`.
    pub alarm: Option<String>,
    /// Bytes a member's database may have before etcd raises that alarm.
    pub quota: u64,
}

impl Observation {
    /// Whether every member's pod was made from the newest template, and so trusts every authority there is.
    #[must_use]
    pub fn is_rolled(&self) -> bool {
        self.homes.values().filter_map(|home| home.pod.as_ref()).all(|pod| pod.template == self.template)
    }
}

/// A member as etcd lists it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Member {
    /// etcd's id.
    pub id: u64,
    /// Its name. A member that has not started yet has none in etcd: whoever observes fills it in from its peer URL.
    pub name: String,
    /// Whether it does not vote yet.
    pub learner: bool,
    /// Whether it leads.
    pub leader: bool,
    /// Whether it answers.
    pub healthy: bool,
    /// Whether a learner has caught up enough to vote.
    pub caught_up: bool,
    /// Whether it has never run: its volume may be empty, and nobody else's may.
    pub unstarted: bool,
    /// Bytes of its database's file; 0 if it does not answer.
    pub size: u64,
    /// Bytes of these that are in use.
    pub in_use: u64,
    /// Its etcd's version; empty if it does not answer.
    pub version: String,
}

/// Where a member lives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Home {
    /// The pod, if there is one.
    pub pod: Option<Pod>,
    /// Whether its volume claim exists, and so its data.
    pub volume: bool,
    /// Whether the claim asks for less space than was asked for since.
    pub small: bool,
    /// Whether the claim would go with its `GoHub` though the spec keeps it, or the other way round; or has lost a label of ours.
    pub stray: bool,
}

/// A member's pod.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pod {
    /// Hash of the template it was made from.
    pub template: String,
    /// Whether it is being deleted. It may still run on a node that nobody hears of, so nothing takes its place before it is gone.
    pub terminating: bool,
    /// Whether nothing is lost with it: it has ended and will not start again, it does not come up and is of an older template, or it
    /// wants to join with a list of members that is no longer true, which etcd refuses for ever.
    pub useless: bool,
}

/// The one thing to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing: everything is as asked for.
    Done,
    /// Nothing now.
    Wait(Waiting),
    /// Make the first member's volume and pod, which begin a new cluster.
    Bootstrap {
        /// Its name.
        name: String,
    },
    /// Make a member's pod, and its volume if it is new to the cluster.
    CreatePod {
        /// The member.
        name: String,
        /// What its etcd does if the volume is empty; over data it is always the member that wrote it.
        start: Start,
    },
    /// Ask etcd to take a new member that does not vote yet.
    AddLearner {
        /// Its name.
        name: String,
    },
    /// Let a learner that has caught up vote.
    Promote {
        /// Its id.
        id: u64,
    },
    /// Hand the lead to another member, because this one is next to stop.
    MoveLeader {
        /// The leader.
        from: u64,
        /// A voter that answers.
        to: u64,
    },
    /// Ask etcd to forget a member.
    RemoveMember {
        /// Its id.
        id: u64,
        /// Its name.
        name: String,
    },
    /// Delete what is left of a member that etcd has forgotten: its pod, and then its volume.
    DeleteHome {
        /// The member.
        name: String,
    },
    /// Delete a pod that is useless or of an older template; it comes back over its own volume.
    RestartPod {
        /// The member.
        name: String,
    },
    /// Ask for a larger volume, where its class allows it. The member is restarted later, for the quota that follows from the size.
    GrowVolume {
        /// The member.
        name: String,
    },
    /// Make a volume's end what the spec says of it now, kept or collected with its `GoHub`, and put back its labels.
    OwnVolume {
        /// The member.
        name: String,
    },
    /// Give back what a member's database file holds for nothing. The member answers nobody meanwhile.
    Defragment {
        /// The member.
        name: String,
    },
    /// Have a full etcd write something it takes all the same, so that it counts anew which pages of its file are free.
    Recount,
    /// Take back the alarm `NOSPACE`: there is space again.
    Disarm,
}

/// What an etcd process does that finds no data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// It begins a cluster: only before one ever lived.
    New,
    /// It joins the cluster that took it as a member (`initial-cluster-state=existing`).
    Existing,
}

/// What is waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// The members' pods exist and do not answer yet.
    Starting,
    /// More than half of the voters do not answer. Nothing is changed: they come back over their volumes, or somebody restores a snapshot.
    QuorumLost,
    /// A volume of a cluster that existed is missing and no majority could agree to replace its member.
    DataLost,
    /// A pod is being deleted.
    Terminating(String),
    /// A learner is catching up.
    CatchingUp(String),
    /// A voter does not answer, so no other may be stopped or added.
    Unhealthy(String),
    /// etcd raised an alarm: no membership is changed on top of it.
    Alarm(String),
    /// An odd number from 1 to 5 is needed.
    NotASize(usize),
}

/// The next step.
#[must_use]
pub fn plan(seen: &Observation) -> Step {
    if !matches!(seen.wanted, 1 | 3 | 5) {
        return Step::Wait(Waiting::NotASize(seen.wanted));
    }
    // Before anything else, and whatever etcd does: the next thing that happens may be the deletion.
    if let Some((name, _)) = seen.homes.iter().find(|(_, home)| home.volume && home.stray) {
        return Step::OwnVolume { name: name.clone() };
    }
    match &seen.members {
        None => without_answers(seen),
        Some(members) if !has_quorum(members) => {
            revive(seen, members.iter().map(|m| m.name.as_str()), Waiting::QuorumLost)
        }
        Some(members) => with_quorum(seen, members),
    }
}

/// Whether more than half of the voters answer.
#[must_use]
pub fn has_quorum(members: &[Member]) -> bool {
    let voters = members.iter().filter(|m| !m.learner);
    let (all, healthy) = voters.fold((0, 0), |(all, healthy), m| (all + 1, healthy + usize::from(m.healthy)));
    healthy > all / 2
}

/// Nobody can be asked: the very beginning, or everything is down.
fn without_answers(seen: &Observation) -> Step {
    let with_volume = || seen.homes.iter().filter(|(_, home)| home.volume).map(|(name, _)| name.as_str());
    match (seen.bootstrapped, with_volume().next()) {
        // A volume means that a cluster may live in it, whatever the status says: it is started, never made anew.
        (_, Some(_)) => {
            revive(seen, with_volume(), if seen.bootstrapped { Waiting::QuorumLost } else { Waiting::Starting })
        }
        (true, None) => Step::Wait(Waiting::DataLost),
        (false, None) => match seen.homes.iter().find_map(|(name, home)| Some((name, home.pod.as_ref()?))) {
            Some((name, pod)) if pod.terminating => Step::Wait(Waiting::Terminating(name.clone())),
            // Its volume is gone before it ever ran: it waits for one that nobody makes.
            Some((name, _)) => Step::RestartPod { name: name.clone() },
            None => Step::Bootstrap { name: free_name(seen, &[]) },
        },
    }
}

/// Puts missing pods back over their volumes, and nothing else.
fn revive<'a>(seen: &Observation, names: impl Iterator<Item = &'a str> + Clone, otherwise: Waiting) -> Step {
    let home = |name: &&str| seen.homes.get(*name).filter(|home| home.volume);
    let is_useless = |home: &Home| home.pod.as_ref().is_some_and(|pod| pod.useless && !pod.terminating);
    if let Some(name) = names.clone().find(|name| home(name).is_some_and(is_useless)) {
        return Step::RestartPod { name: name.to_owned() };
    }
    // Two volumes are not the beginning of a cluster but what is left of one: an empty one among them must not begin its own.
    let first = !seen.bootstrapped && seen.homes.values().filter(|home| home.volume).count() == 1;
    let start = if first { Start::New } else { Start::Existing };
    match names.clone().find(|name| home(name).is_some_and(|home| home.pod.is_none())) {
        Some(name) => Step::CreatePod { name: name.to_owned(), start },
        None => Step::Wait(otherwise),
    }
}

fn with_quorum(seen: &Observation, members: &[Member]) -> Step {
    let step = bring_back(seen, members)
        .or_else(|| replace_lost(seen, members))
        .or_else(|| finish_learner(seen, members))
        .or_else(|| clean_up(seen, members));
    if let Some(step) = step {
        return step;
    }
    let voters: Vec<&Member> = members.iter().filter(|m| !m.learner).collect();
    if let Some(alarm) = &seen.alarm {
        // Somebody who gave a full etcd a larger volume needs its members restarted for it.
        let may_roll = alarm == NO_SPACE && voters.len() == seen.wanted && voters.iter().all(|m| m.healthy);
        let rolled = may_roll
            .then(|| grow(seen, &voters).unwrap_or_else(|| roll(seen, &voters)))
            .filter(|step| *step != Step::Done);
        return rolled.unwrap_or_else(|| Step::Wait(Waiting::Alarm(alarm.clone())));
    }
    if let Some(silent) = voters.iter().find(|m| !m.healthy) {
        // One too many that is silent is the right one to remove; any other change waits for it.
        if voters.len() > seen.wanted {
            return Step::RemoveMember { id: silent.id, name: silent.name.clone() };
        }
        // A mended template is the way out for a member that does not come up with an older one, and it is silent anyway.
        if is_old(seen, silent) {
            return Step::RestartPod { name: silent.name.clone() };
        }
        return Step::Wait(Waiting::Unhealthy(silent.name.clone()));
    }
    if voters.len() < seen.wanted {
        return Step::AddLearner { name: free_name(seen, members) };
    }
    // Growing or shrinking first would be as safe; rolling last means that a template is rolled over the final members once.
    if voters.len() > seen.wanted {
        return shrink(&voters);
    }
    grow(seen, &voters).unwrap_or_else(|| roll(seen, &voters))
}

/// A member whose volume is there and whose pod is not is the same member in a new pod: no membership changes.
fn bring_back(seen: &Observation, members: &[Member]) -> Option<Step> {
    members.iter().find_map(|member| match seen.homes.get(&member.name) {
        Some(Home { pod: None, volume: true, .. }) => {
            Some(Step::CreatePod { name: member.name.clone(), start: Start::Existing })
        }
        Some(Home { pod: Some(pod), .. }) if pod.terminating => {
            Some(Step::Wait(Waiting::Terminating(member.name.clone())))
        }
        Some(Home { pod: Some(pod), .. }) if pod.useless => Some(Step::RestartPod { name: member.name.clone() }),
        _ => None,
    })
}

/// A member whose volume is gone can never come back as itself: it is removed, and a new one is added later.
fn replace_lost(seen: &Observation, members: &[Member]) -> Option<Step> {
    let lost = members.iter().find(|m| !m.healthy && !seen.homes.get(&m.name).is_some_and(|home| home.volume))?;
    if lost.learner && lost.unstarted {
        // It was added and the operator died before its pod: that is the place to go on from, not a loss.
        return Some(match seen.homes.get(&lost.name).and_then(|home| home.pod.as_ref()) {
            None => Step::CreatePod { name: lost.name.clone(), start: Start::Existing },
            // It waits for a volume that is gone; both are made again together.
            Some(_) => Step::RestartPod { name: lost.name.clone() },
        });
    }
    Some(Step::RemoveMember { id: lost.id, name: lost.name.clone() })
}

/// A learner is promoted, or waited for, before anything else is begun.
fn finish_learner(seen: &Observation, members: &[Member]) -> Option<Step> {
    let learner = members.iter().find(|m| m.learner)?;
    let voters = members.iter().filter(|m| !m.learner).count();
    Some(if voters >= seen.wanted {
        // The wish changed while it was joining.
        Step::RemoveMember { id: learner.id, name: learner.name.clone() }
    } else if learner.healthy && learner.caught_up {
        Step::Promote { id: learner.id }
    } else {
        Step::Wait(Waiting::CatchingUp(learner.name.clone()))
    })
}

/// Pods and volumes that belong to no member are left over from a removal.
fn clean_up(seen: &Observation, members: &[Member]) -> Option<Step> {
    let stray = seen.homes.keys().find(|name| !members.iter().any(|m| m.name == **name))?;
    Some(Step::DeleteHome { name: stray.clone() })
}

/// The member with the last name goes, and hands on the lead first.
fn shrink(voters: &[&Member]) -> Step {
    let Some(last) = voters.iter().max_by_key(|m| &m.name) else { return Step::Done };
    match voters.iter().find(|m| m.id != last.id) {
        Some(other) if last.leader => Step::MoveLeader { from: last.id, to: other.id },
        _ => Step::RemoveMember { id: last.id, name: last.name.clone() },
    }
}

/// Volumes grow before members are restarted: a database may fill half of its volume, and must have that first. None ever shrinks.
fn grow(seen: &Observation, voters: &[&Member]) -> Option<Step> {
    let is_small = |member: &&&Member| seen.homes.get(&member.name).is_some_and(|home| home.volume && home.small);
    voters.iter().find(is_small).map(|member| Step::GrowVolume { name: member.name.clone() })
}

/// Whether the member's pod was made from an older template.
fn is_old(seen: &Observation, member: &Member) -> bool {
    let pod = seen.homes.get(&member.name).and_then(|home| home.pod.as_ref());
    pod.is_some_and(|pod| pod.template != seen.template)
}

/// Restarts the members of an older template, one by one and the leader last.
fn roll(seen: &Observation, voters: &[&Member]) -> Step {
    let old = || voters.iter().filter(|member| is_old(seen, member));
    let Some(next) = old().find(|m| !m.leader).or_else(|| old().next()) else { return Step::Done };
    match voters.iter().find(|m| m.id != next.id) {
        Some(other) if next.leader => Step::MoveLeader { from: next.id, to: other.id },
        _ => Step::RestartPod { name: next.name.clone() },
    }
}

/// The first of `0`, `1`, ... that neither a member nor a volume has. A name is used again only when nothing of its last bearer is left.
fn free_name(seen: &Observation, members: &[Member]) -> String {
    let taken = |name: &str| seen.homes.contains_key(name) || members.iter().any(|m| m.name == name);
    let mut number = 0_u32;
    while taken(&number.to_string()) {
        number += 1;
    }
    number.to_string()
}

#[cfg(test)]
#[path = "plan/tests.rs"]
mod tests;
