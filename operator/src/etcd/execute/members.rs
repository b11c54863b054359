//! Steps that etcd itself carries out.

use std::time::Duration;

use etcd_client::{AlarmAction, AlarmOptions, AlarmType, Client, MemberAddOptions};

use super::super::plan::Member;
use super::{Error, Performed, Scene};

/// For a change of members or of the leader.
const PATIENCE: Duration = Duration::from_secs(5);
/// For writing a whole database anew.
const DEFRAGMENTATION: Duration = Duration::from_secs(60);

impl Scene<'_> {
    fn members(&self) -> &[Member] {
        self.seen.members.as_deref().unwrap_or_default()
    }

    /// A client of the leader, which knows the newest list.
    async fn leader(&self, action: &str) -> Result<Option<Client>, Error> {
        let Some(leader) = self.members().iter().find(|member| member.leader) else { return Ok(None) };
        self.client_of(leader, action).await.map(Some)
    }

    async fn client_of(&self, member: &Member, action: &str) -> Result<Client, Error> {
        bounded(action, PATIENCE, self.connector.client(&member.name)).await
    }
}

/// The survey before this has listed the members: one that was added before and not noticed is there already, and is used.
pub(super) async fn add_learner(scene: &Scene<'_>, name: &str) -> Result<Performed, Error> {
    let action = format!("add member {name}");
    let Some(mut leader) = scene.leader(&action).await? else { return Ok(no_leader()) };
    let url = scene.connector.addresses().peer_url(name);
    let options = MemberAddOptions::new().with_is_learner();
    match bounded(&action, PATIENCE, leader.member_add([url], Some(options))).await {
        Err(error) if says(&error, "unhealthy cluster") || says(&error, "too many learner") => {
            Ok(Performed::NotYet(error.to_string()))
        }
        result => result.map(|_| Performed::Changed),
    }
}

pub(super) async fn promote(scene: &Scene<'_>, id: u64) -> Result<Performed, Error> {
    let action = format!("promote member {id:x}");
    let Some(mut leader) = scene.leader(&action).await? else { return Ok(no_leader()) };
    match bounded(&action, PATIENCE, leader.member_promote(id)).await {
        // The operator's own measure is a little behind that of the leader.
        Err(error) if says(&error, "in sync with leader") => Ok(Performed::NotYet(error.to_string())),
        Err(error) if says(&error, "can only promote a learner member") => Ok(Performed::Already),
        result => result.map(|_| Performed::Changed),
    }
}

pub(super) async fn move_leader(scene: &Scene<'_>, from: u64, to: u64) -> Result<Performed, Error> {
    let action = format!("move the lead from member {from:x} to {to:x}");
    let Some(from) = scene.members().iter().find(|member| member.id == from) else { return Ok(Performed::Already) };
    let mut client = scene.client_of(from, &action).await?;
    match bounded(&action, PATIENCE, client.move_leader(to)).await {
        Err(error) if says(&error, "not leader") => Ok(Performed::Already),
        result => result.map(|_| Performed::Changed),
    }
}

/// Only if a majority of those who are left answers.
pub(super) async fn remove(scene: &Scene<'_>, id: u64) -> Result<Performed, Error> {
    let left: Vec<Member> = scene.members().iter().filter(|member| member.id != id).cloned().collect();
    if !super::super::plan::has_quorum(&left) {
        return Ok(Performed::NotYet(format!("without member {id:x} no majority would answer")));
    }
    let action = format!("remove member {id:x}");
    let Some(mut leader) = scene.leader(&action).await? else { return Ok(no_leader()) };
    match bounded(&action, PATIENCE, leader.member_remove(id)).await {
        Err(error) if says(&error, "member not found") => Ok(Performed::Already),
        Err(error) if says(&error, "unhealthy cluster") => Ok(Performed::NotYet(error.to_string())),
        // Of two changes at the same time etcd drops one, and lets whoever asked for it wait.
        Err(error) => {
            let listed = bounded(&action, PATIENCE, leader.member_list()).await?;
            let is_gone = listed.members().iter().all(|member| member.id() != id);
            if is_gone { Ok(Performed::Already) } else { Err(error) }
        }
        Ok(_) => Ok(Performed::Changed),
    }
}

pub(super) async fn defragment(scene: &Scene<'_>, name: &str) -> Result<Performed, Error> {
    let action = format!("defragment member {name}");
    let Some(member) = scene.members().iter().find(|member| member.name == name) else { return Ok(Performed::Already) };
    let mut client = scene.client_of(member, &action).await?;
    bounded(&action, DEFRAGMENTATION, client.defragment()).await.map(|_| Performed::Changed)
}

/// A member's address is written as it is: of what a full etcd still takes, this changes nothing. Never done for good, because only a
/// compaction frees anything, and that is the hubs' to do.
pub(super) async fn recount(scene: &Scene<'_>) -> Result<Performed, Error> {
    let action = "have etcd count its free space";
    let Some(leader) = scene.members().iter().find(|member| member.leader) else { return Ok(no_leader()) };
    let url = scene.connector.addresses().peer_url(&leader.name);
    let mut client = scene.client_of(leader, action).await?;
    bounded(action, PATIENCE, client.member_update(leader.id, [url])).await?;
    Ok(Performed::NotYet("the space of etcd is looked at again".to_owned()))
}

pub(super) async fn disarm(scene: &Scene<'_>) -> Result<Performed, Error> {
    let action = "take back the alarm NOSPACE";
    let Some(mut leader) = scene.leader(action).await? else { return Ok(no_leader()) };
    let raised = bounded(action, PATIENCE, leader.alarm(AlarmAction::Get, AlarmType::None, None)).await?;
    for alarm in raised.alarms().iter().filter(|alarm| alarm.alarm() == AlarmType::Nospace) {
        let mut options = AlarmOptions::new();
        options.with_member(alarm.member_id());
        bounded(action, PATIENCE, leader.alarm(AlarmAction::Deactivate, AlarmType::Nospace, Some(options))).await?;
    }
    Ok(Performed::Changed)
}

fn no_leader() -> Performed {
    Performed::NotYet("no member leads".to_owned())
}

/// etcd's errors are told apart by their texts: several share a code.
fn says(error: &Error, text: &str) -> bool {
    matches!(error, Error::Etcd { source, .. } if source.to_string().contains(text))
}

async fn bounded<T>(
    action: &str,
    patience: Duration,
    answer: impl Future<Output = Result<T, etcd_client::Error>>,
) -> Result<T, Error> {
    match tokio::time::timeout(patience, answer).await {
        Ok(result) => result.map_err(|source| Error::Etcd { action: action.to_owned(), source: Box::new(source) }),
        Err(_) => Err(Error::TimedOut { action: action.to_owned(), patience }),
    }
}
