//! Members asked about themselves and each other, and one list made of their answers.

use std::collections::BTreeSet;
use std::time::Duration;

use super::super::connect::{Addresses, Connector};
use super::super::plan::{Member, NO_SPACE};

/// How long a member may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);
/// The alarm of damaged data.
const CORRUPT: &str = "CORRUPT";

/// What one member said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Answer {
    /// Its id.
    pub id: u64,
    /// Who leads in its opinion; 0 if nobody does.
    pub leader: u64,
    /// The last change it has applied.
    pub applied: u64,
    /// What it finds wrong, alarms included.
    pub errors: Vec<String>,
    /// Bytes of its database.
    pub size: u64,
    /// Bytes of these in use.
    pub in_use: u64,
    /// Bytes it may grow to; 0 before etcd 3.6, which does not say.
    pub quota: u64,
    /// Its version.
    pub version: String,
    /// Every member it knows of. A learner does not say.
    pub list: Option<Vec<Listed>>,
}

/// A member as another one lists it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Listed {
    pub id: u64,
    /// Empty as long as it has never run.
    pub name: String,
    pub peer_url: String,
    pub learner: bool,
}

/// Asks all of them at once.
pub(super) async fn ask_all(connector: &Connector, names: &BTreeSet<String>) -> Vec<Answer> {
    let asked = names.iter().map(|name| async move {
        match tokio::time::timeout(PATIENCE, ask(connector, name)).await {
            Ok(Ok(answer)) => Some(answer),
            Ok(Err(error)) => {
                tracing::debug!(member = %name, %error, "etcd member did not answer");
                None
            }
            Err(_) => {
                tracing::debug!(member = %name, seconds = PATIENCE.as_secs(), "etcd member did not answer in time");
                None
            }
        }
    });
    futures::future::join_all(asked).await.into_iter().flatten().collect()
}

async fn ask(connector: &Connector, name: &str) -> Result<Answer, etcd_client::Error> {
    let mut client = connector.client(name).await?;
    let status = client.status().await?;
    let list = match client.member_list().await {
        Ok(list) => Some(list.members().iter().map(listed).collect()),
        Err(_) if status.is_learner() => None,
        Err(error) => return Err(error),
    };
    let bytes = |size: i64| u64::try_from(size).unwrap_or_default();
    Ok(Answer {
        id: status.header().map(|header| header.member_id()).unwrap_or_default(),
        leader: status.leader(),
        applied: status.raft_applied_index(),
        errors: status.errors().to_vec(),
        size: bytes(status.db_size()),
        in_use: bytes(status.raft_used_db_size()),
        quota: bytes(status.db_size_quota()),
        version: status.version().to_owned(),
        list,
    })
}

fn listed(member: &etcd_client::Member) -> Listed {
    Listed {
        id: member.id(),
        name: member.name().to_owned(),
        peer_url: member.peer_urls().first().cloned().unwrap_or_default(),
        learner: member.is_learner(),
    }
}

/// The members with what each of them said; `None` if nobody could list them. The leader's list counts: others may be behind.
pub(super) fn members(answers: &[Answer], addresses: &dyn Addresses) -> Option<Vec<Member>> {
    let lists = answers.iter().filter(|answer| answer.list.is_some());
    let newest = lists.max_by_key(|answer| (answer.leader == answer.id, answer.leader != 0, answer.applied))?;
    let list = newest.list.as_deref()?;
    let mut members: Vec<Member> = list.iter().map(|listed| member(listed, answers, newest, addresses)).collect();
    members.sort_by(|a, b| a.name.cmp(&b.name));
    Some(members)
}

fn member(listed: &Listed, answers: &[Answer], newest: &Answer, addresses: &dyn Addresses) -> Member {
    // By id and not by name: a process that answers under a member's name may be another member.
    let said = answers.iter().find(|answer| answer.id == listed.id);
    let answer = said.cloned().unwrap_or_default();
    let healthy = said.is_some() && answer.leader != 0;
    Member {
        id: listed.id,
        name: addresses.member_at(&listed.peer_url).unwrap_or_else(|| listed.name.clone()),
        learner: listed.learner,
        leader: healthy && answer.leader == listed.id,
        healthy,
        // etcd itself promotes a learner that has nine tenths of the leader's log, and refuses before.
        caught_up: healthy && listed.learner && answer.applied >= newest.applied / 10 * 9,
        unstarted: listed.name.is_empty(),
        size: answer.size,
        in_use: answer.in_use,
        version: answer.version,
    }
}

/// The worst alarm that a member knows of. It is part of each status, so no alarm needs a question that goes through the log.
pub(super) fn alarm(answers: &[Answer]) -> Option<String> {
    let errors = || answers.iter().flat_map(|answer| &answer.errors);
    let raised = [CORRUPT, NO_SPACE].into_iter().find(|alarm| errors().any(|error| error.contains(alarm)));
    raised.map(str::to_owned)
}

/// The smallest quota that a member runs with; a member keeps the one it was started with.
pub(super) fn quota(answers: &[Answer]) -> Option<u64> {
    answers.iter().map(|answer| answer.quota).filter(|quota| *quota > 0).min()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reconcile::plan::Owner;

    fn owner() -> Owner {
        Owner { name: "chat".to_owned(), namespace: "demo".to_owned(), uid: "uid-1".to_owned() }
    }

    fn list(names: &[&str]) -> Option<Vec<Listed>> {
        let listed = |(index, name): (u64, &&str)| Listed {
            id: index,
            name: format!("chat-etcd-{name}"),
            peer_url: owner().peer_url(name),
            learner: false,
        };
        Some((1..).zip(names).map(listed).collect())
    }

    #[test]
    fn the_leaders_list_counts_and_not_that_of_one_that_was_cut_off() {
        let leader = Answer { id: 1, leader: 1, applied: 100, list: list(&["0", "1", "2"]), ..Answer::default() };
        let behind = Answer { id: 2, leader: 0, applied: 900, list: list(&["0", "1", "2", "3"]), ..Answer::default() };
        for answers in [[leader.clone(), behind.clone()], [behind, leader]] {
            let members = members(&answers, &owner()).unwrap();
            let seen: Vec<_> = members.iter().map(|m| (m.name.as_str(), m.leader, m.healthy)).collect();
            assert_eq!(seen, [("0", true, true), ("1", false, false), ("2", false, false)]);
        }
    }

    #[test]
    fn a_member_that_never_ran_has_its_name_from_its_address() {
        let mut known = list(&["0", "1"]);
        known.as_mut().unwrap()[1].name.clear();
        let answers = [Answer { id: 1, leader: 1, list: known, ..Answer::default() }];
        let members = members(&answers, &owner()).unwrap();
        assert_eq!((members[1].name.as_str(), members[1].unstarted), ("1", true));
    }

    #[test]
    fn nobody_lists_the_members_of_learners_alone() {
        let answers = [Answer { id: 3, leader: 1, ..Answer::default() }];
        assert_eq!(members(&answers, &owner()), None);
        assert_eq!(members(&[], &owner()), None);
    }

    #[test]
    fn damage_is_a_worse_alarm_than_no_space() {
        let with = |errors: &[&str]| {
            alarm(&[Answer { errors: errors.iter().map(|e| (*e).to_owned()).collect(), ..Answer::default() }])
        };
        assert_eq!(with(&[]), None);
        assert_eq!(with(&["etcdserver: no leader"]), None);
        assert_eq!(with(&["memberID:1 alarm:NOSPACE "]).as_deref(), Some("NOSPACE"));
        assert_eq!(with(&["memberID:1 alarm:NOSPACE ", "memberID:2 alarm:CORRUPT "]).as_deref(), Some("CORRUPT"));
    }
}
