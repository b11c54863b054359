//! Space in etcd's database: given back member by member, and the alarm taken back once there is some.
//!
//! Hubs compact the history that nobody can resume from. That frees pages inside the file, which etcd uses again, so a large file harms
//! nobody until it nears the quota: only then is it worth a defragmentation, during which the member answers nobody.

use super::plan::{Member, NO_SPACE, Observation, Step};

/// What to do about space, if the members are otherwise as they should be.
#[must_use]
pub fn care(seen: &Observation) -> Option<Step> {
    let members = seen.members.as_deref()?;
    if members.iter().any(|member| !member.healthy) {
        return None;
    }
    let full = match seen.alarm.as_deref() {
        None => false,
        Some(NO_SPACE) => true,
        // Nothing is done about any other alarm, which speaks of damaged data.
        Some(_) => return None,
    };
    // All hold the same data, so what one of them needs is enough for each. A member counts pages that a compaction has freed as used
    // until its next writes, and a full etcd takes none of its clients': hence the recount.
    let needed = members.iter().map(|member| member.in_use).min()?;
    let wasteful = |member: &&Member| is_wasteful(member.size, needed, seen.quota, full);
    if let Some(follower) = members.iter().filter(|member| !member.leader).find(wasteful) {
        return Some(Step::Defragment { name: follower.name.clone() });
    }
    if let Some(leader) = members.iter().find(wasteful) {
        return Some(match members.iter().find(|member| !member.leader && !member.learner) {
            Some(other) => Step::MoveLeader { from: leader.id, to: other.id },
            None => Step::Defragment { name: leader.name.clone() },
        });
    }
    let has_space = |member: &Member| member.size <= seen.quota / 4 * 3;
    full.then(|| if members.iter().all(has_space) { Step::Disarm } else { Step::Recount })
}

/// Whether so much of a file is free that giving it back is worth the silence.
fn is_wasteful(size: u64, needed: u64, quota: u64, full: bool) -> bool {
    let free = size.saturating_sub(needed);
    if full { free >= size / 4 && free > 0 } else { size >= quota / 2 && free >= size / 2 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUOTA: u64 = 1000;

    /// Members with the size of their file and what of it is in use; the first leads.
    fn seen(sizes: &[(u64, u64)], alarm: Option<&str>) -> Observation {
        let member = |(index, (size, in_use)): (usize, &(u64, u64))| Member {
            id: 100 + index as u64,
            name: index.to_string(),
            leader: index == 0,
            healthy: true,
            size: *size,
            in_use: *in_use,
            ..Member::default()
        };
        let members = Some(sizes.iter().enumerate().map(member).collect());
        Observation { members, alarm: alarm.map(str::to_owned), quota: QUOTA, ..Observation::default() }
    }

    fn defragment(name: &str) -> Option<Step> {
        Some(Step::Defragment { name: name.to_owned() })
    }

    #[test]
    fn a_large_file_of_mostly_nothing_is_made_smaller_followers_first() {
        assert_eq!(care(&seen(&[(600, 100), (600, 100), (600, 100)], None)), defragment("1"));
        assert_eq!(care(&seen(&[(600, 100), (100, 100), (600, 100)], None)), defragment("2"));
        let lead = Some(Step::MoveLeader { from: 100, to: 101 });
        assert_eq!(
            care(&seen(&[(600, 100), (100, 100), (100, 100)], None)),
            lead,
            "the leader becomes a follower before"
        );
        assert_eq!(care(&seen(&[(600, 100)], None)), defragment("0"), "a single member has nobody to hand the lead to");
    }

    #[test]
    fn a_file_whose_pages_will_be_used_again_is_left_alone() {
        assert_eq!(care(&seen(&[(400, 1), (400, 1), (400, 1)], None)), None);
        assert_eq!(care(&seen(&[(900, 600), (900, 600), (900, 600)], None)), None);
    }

    #[test]
    fn o21_the_alarm_is_taken_back_once_there_is_space_and_not_before() {
        let alarmed = |sizes: &[(u64, u64)]| care(&seen(sizes, Some("NOSPACE")));
        let before_compaction = alarmed(&[(1000, 1000), (1000, 1000), (1000, 1000)]);
        assert_eq!(before_compaction, Some(Step::Recount), "nothing can be given back yet");
        assert_eq!(alarmed(&[(1000, 300), (1000, 300), (1000, 300)]), defragment("1"));
        let lead = Some(Step::MoveLeader { from: 100, to: 101 });
        assert_eq!(alarmed(&[(1000, 1000), (300, 300), (300, 300)]), lead, "its count is behind, and its data theirs");
        assert_eq!(alarmed(&[(300, 300), (300, 300), (300, 300)]), Some(Step::Disarm));
    }

    #[test]
    fn o21_damaged_data_and_silent_members_are_left_to_people() {
        assert_eq!(care(&seen(&[(1000, 300), (1000, 300)], Some("CORRUPT"))), None);
        let mut one_silent = seen(&[(1000, 300), (1000, 300), (1000, 300)], Some("NOSPACE"));
        one_silent.members.as_mut().unwrap()[2].healthy = false;
        assert_eq!(care(&one_silent), None, "a second one that answers nobody would cost the majority");
    }
}
