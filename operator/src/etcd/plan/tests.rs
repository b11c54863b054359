//! The planner's decisions as a table, and whole changes played step by step against a cluster in memory.

use super::*;

/// Members as `0L 1 2! 3+ 4~ 5~!s`: `L` leads, `!` does not answer, `~` is a learner, `+` one that has caught up, `s` one that ran before
/// it fell silent.
fn members(text: &str) -> Option<Vec<Member>> {
    if text == "?" {
        return None;
    }
    let member = |word: &str| {
        let name: String = word.chars().take_while(char::is_ascii_digit).collect();
        Member {
            id: 100 + name.parse::<u64>().unwrap(),
            leader: word.contains('L'),
            healthy: !word.contains('!'),
            learner: word.contains('~') || word.contains('+'),
            caught_up: word.contains('+'),
            unstarted: word.contains("~!") && !word.contains('s'),
            name,
            ..Member::default()
        }
    };
    Some(text.split_whitespace().map(member).collect())
}

/// Homes as `0 1p 2v 3t 4o 5x`: pod and volume; `p` only a pod, `v` only a volume, `t` a pod that is going, `o` a pod of an old
/// template, `x` a useless one; `s` a volume that is smaller than asked for, `w` one whose owner is the wrong one.
fn homes(text: &str) -> BTreeMap<String, Home> {
    let home = |word: &str| {
        let name: String = word.chars().take_while(char::is_ascii_digit).collect();
        let template = if word.contains('o') { "old" } else { "new" }.to_owned();
        let pod = (!word.contains('v')).then(|| Pod {
            template,
            terminating: word.contains('t'),
            useless: word.contains('x'),
        });
        (name, Home { pod, volume: !word.contains('p'), small: word.contains('s'), stray: word.contains('w') })
    };
    text.split_whitespace().map(home).collect()
}

fn seen(wanted: usize, who: &str, where_: &str) -> Observation {
    Observation {
        wanted,
        template: "new".to_owned(),
        bootstrapped: true,
        members: members(who),
        homes: homes(where_),
        alarm: None,
        quota: 1 << 30,
    }
}

fn text(step: &Step) -> String {
    match step {
        Step::Done => "done".to_owned(),
        Step::Wait(what) => format!("wait {what:?}"),
        Step::Bootstrap { name } => format!("bootstrap {name}"),
        Step::CreatePod { name, start } => format!("pod {name} {start:?}"),
        Step::AddLearner { name } => format!("learner {name}"),
        Step::Promote { id } => format!("promote {}", id - 100),
        Step::MoveLeader { from, to } => format!("lead {} to {}", from - 100, to - 100),
        Step::RemoveMember { id, name } => format!("remove {name} {}", id - 100),
        Step::DeleteHome { name } => format!("delete {name}"),
        Step::RestartPod { name } => format!("restart {name}"),
        Step::GrowVolume { name } => format!("grow {name}"),
        Step::OwnVolume { name } => format!("own {name}"),
        Step::Defragment { name } => format!("defragment {name}"),
        Step::Recount => "recount".to_owned(),
        Step::Disarm => "disarm".to_owned(),
    }
}

#[test]
fn one_step_follows_from_what_is_seen() {
    let table: &[(usize, &str, &str, &str)] = &[
        // At rest.
        (1, "0L", "0", "done"),
        (3, "0L 1 2", "0 1 2", "done"),
        (5, "0 1 2L 3 4", "0 1 2 3 4", "done"),
        // Growing: a learner, its pod, its vote, one at a time.
        (3, "0L", "0", "learner 1"),
        (3, "0L 1~!", "0", "pod 1 Existing"),
        (3, "0L 1~!", "0 1", "wait CatchingUp(\"1\")"),
        (3, "0L 1~", "0 1", "wait CatchingUp(\"1\")"),
        (3, "0L 1+", "0 1", "promote 1"),
        (3, "0L 1", "0 1", "learner 2"),
        (5, "0L 1 2", "0 1 2", "learner 3"),
        // Shrinking: the last name goes, and hands the lead on before.
        (3, "0L 1 2 3 4", "0 1 2 3 4", "remove 4 4"),
        (3, "0L 1 2 3", "0 1 2 3 4", "delete 4"),
        (3, "0 1 2 3L", "0 1 2 3", "lead 3 to 0"),
        (1, "0L 1", "0 1", "remove 1 1"),
        (1, "0L", "0 1v", "delete 1"),
        // The wish turns round while a learner joins.
        (1, "0L 1~", "0 1", "remove 1 1"),
        (3, "0L 1 2 3+", "0 1 2 3", "remove 3 3"),
        // A pod is lost and its volume kept: the same member, no change of membership.
        (3, "0L 1 2!", "0 1 2v", "pod 2 Existing"),
        (3, "0L 1 2!", "0 1 2t", "wait Terminating(\"2\")"),
        (3, "0L 1 2!", "0 1 2", "wait Unhealthy(\"2\")"),
        (5, "0L 1 2!", "0 1 2", "wait Unhealthy(\"2\")"),
        // A learner that has lost what it had learned is another one from then on; a pod without its volume is made anew with it.
        (3, "0L 1~!s", "0", "remove 1 1"),
        (3, "0L 1~!", "0 1p", "restart 1"),
        // A member that does not come up with an older template gets the newest one.
        (3, "0L 1 2!", "0o 1o 2o", "restart 2"),
        (3, "0L 1! 2", "0o 1 2o", "wait Unhealthy(\"1\")"),
        // Volumes grow before members are restarted, and hold up neither healing nor a change of members.
        (3, "0L 1 2", "0 1s 2s", "grow 1"),
        (3, "0L 1 2", "0os 1o 2o", "grow 0"),
        (3, "0L 1 2!", "0s 1 2v", "pod 2 Existing"),
        (3, "0L", "0s", "learner 1"),
        (1, "0L 1", "0s 1", "remove 1 1"),
        (3, "0L 1! 2!", "0s 1 2", "wait QuorumLost"),
        // What is to become of a volume does not wait for etcd.
        (3, "0L 1 2", "0 1w 2w", "own 1"),
        (3, "?", "0 1 2w", "own 2"),
        (3, "0L 1 2", "0 1 2pw", "done"),
        // A pod that has ended for good is put away, and made again.
        (3, "0L 1 2!", "0 1 2x", "restart 2"),
        (3, "0L 1 2~!", "0 1 2x", "restart 2"),
        (3, "0L 1! 2!", "0 1x 2x", "restart 1"),
        (3, "?", "0x 1v 2v", "restart 0"),
        // A member is lost with its volume: removed, then a new one joins.
        (3, "0L 1 2!", "0 1", "remove 2 2"),
        (3, "0L 1 2!", "0 1 2p", "remove 2 2"),
        (3, "0L 1", "0 1 2p", "delete 2"),
        (5, "0L 1 2 3! 4!", "0 1 2", "remove 3 3"),
        // A silent member that is one too many is the one to remove.
        (3, "0L 1! 2 3 4", "0 1 2 3 4", "remove 1 1"),
        // Rolling: one by one, the leader last and only after it handed on the lead.
        (3, "0L 1 2", "0o 1o 2o", "restart 1"),
        (3, "0L 1 2", "0o 1 2o", "restart 2"),
        (3, "0L 1! 2", "0o 1 2o", "wait Unhealthy(\"1\")"),
        (3, "0L 1 2", "0o 1 2", "lead 0 to 1"),
        (3, "0 1L 2", "0o 1 2", "restart 0"),
        (1, "0L", "0o", "restart 0"),
        // No majority: pods go back over their volumes, nothing else is touched.
        (3, "0L 1! 2!", "0 1 2", "wait QuorumLost"),
        (3, "0L 1! 2!", "0 1v 2", "pod 1 Existing"),
        (3, "0L 1! 2!", "0 1 3", "wait QuorumLost"),
        (3, "0L 1! 2!", "0", "wait QuorumLost"),
        (1, "0L 1! 2!", "0o 1 2", "wait QuorumLost"),
        (5, "0L 1! 2!", "0 1 2", "wait QuorumLost"),
        // Nobody answers: what has data is started, never made anew.
        (3, "?", "0v 1v 2v", "pod 0 Existing"),
        (3, "?", "0 1v 2v", "pod 1 Existing"),
        (3, "?", "0 1 2", "wait QuorumLost"),
        (3, "?", "", "wait DataLost"),
        (3, "?", "0p", "wait DataLost"),
        // Sizes that the API server refuses.
        (2, "0L", "0", "wait NotASize(2)"),
        (0, "0L", "0", "wait NotASize(0)"),
        (7, "0L", "0", "wait NotASize(7)"),
    ];
    for (wanted, who, where_, expected) in table {
        let step = plan(&seen(*wanted, who, where_));
        assert_eq!(text(&step), *expected, "wanted {wanted}, members {who:?}, homes {where_:?}");
    }
}

#[test]
fn a_cluster_is_begun_once() {
    let first = |homes_: &str| plan(&Observation { bootstrapped: false, ..seen(3, "?", homes_) });
    assert_eq!(text(&first("")), "bootstrap 0");
    assert_eq!(text(&first("0v")), "pod 0 New", "the operator died between volume and pod");
    assert_eq!(text(&first("0")), "wait Starting");
    assert_eq!(text(&first("0pt")), "wait Terminating(\"0\")");
    assert_eq!(text(&first("0p")), "restart 0", "its volume is gone before it ever ran, and nobody makes it one");
    // Volumes of a GoHub that was deleted and kept them: one that is empty must not begin its own cluster beside the others.
    assert_eq!(text(&first("0v 1v")), "pod 0 Existing");
}

#[test]
fn an_alarm_stops_changes_and_not_healing() {
    let alarmed = |wanted, who: &str, homes_: &str| {
        text(&plan(&Observation { alarm: Some("NOSPACE".to_owned()), ..seen(wanted, who, homes_) }))
    };
    assert_eq!(alarmed(3, "0L", "0"), "wait Alarm(\"NOSPACE\")");
    assert_eq!(alarmed(1, "0L 1 2", "0o 1o 2o"), "wait Alarm(\"NOSPACE\")");
    // A larger volume comes with a larger quota, which a member reads when it starts.
    assert_eq!(alarmed(3, "0L 1 2", "0o 1o 2o"), "restart 1");
    assert_eq!(alarmed(3, "0L 1 2!", "0 1 2"), "wait Alarm(\"NOSPACE\")");
    assert_eq!(alarmed(3, "0L 1 2!", "0 1 2v"), "pod 2 Existing");
}

/// Does to the cluster in memory what the step says, as etcd and Kubernetes would.
fn perform(seen: &mut Observation, step: &Step) {
    let new = |template: &str| Home {
        pod: Some(Pod { template: template.to_owned(), ..Pod::default() }),
        volume: true,
        ..Home::default()
    };
    let template = seen.template.clone();
    let mut list = seen.members.take().unwrap_or_default();
    match step {
        Step::Bootstrap { name } => {
            seen.homes.insert(name.clone(), new(&template));
            seen.bootstrapped = true;
            list = members("0L").unwrap();
        }
        Step::AddLearner { name } => list.extend(members(&format!("{name}~!")).unwrap()),
        Step::CreatePod { name, .. } => {
            seen.homes.insert(name.clone(), new(&template));
            let member = list.iter_mut().find(|m| m.name == *name).unwrap();
            (member.healthy, member.caught_up, member.unstarted) = (true, member.learner, false);
        }
        Step::Promote { id } => list.iter_mut().find(|m| m.id == *id).unwrap().learner = false,
        Step::MoveLeader { to, .. } => list.iter_mut().for_each(|m| m.leader = m.id == *to),
        Step::RemoveMember { id, .. } => list.retain(|m| m.id != *id),
        Step::DeleteHome { name } => drop(seen.homes.remove(name)),
        Step::RestartPod { name } => {
            seen.homes.get_mut(name).unwrap().pod = None;
            list.iter_mut().find(|m| m.name == *name).unwrap().healthy = false;
        }
        Step::GrowVolume { name } => seen.homes.get_mut(name).unwrap().small = false,
        Step::OwnVolume { name } => seen.homes.get_mut(name).unwrap().stray = false,
        Step::Defragment { .. } | Step::Recount | Step::Disarm | Step::Done | Step::Wait(_) => {}
    }
    seen.members = Some(list);
}

/// Plays steps until there are none, and checks after each that a majority of the voters answers.
#[track_caller]
fn play(seen: &mut Observation) -> usize {
    for steps in 0..60 {
        let step = plan(seen);
        if step == Step::Done {
            return steps;
        }
        assert!(!matches!(step, Step::Wait(_)), "stuck with {step:?} at {seen:?}");
        let begins = matches!(step, Step::Bootstrap { .. });
        perform(seen, &step);
        let list = seen.members.as_ref().unwrap();
        // A cluster of one has no majority while its only pod restarts.
        assert!(begins || list.len() == 1 || has_quorum(list), "{step:?} cost the majority: {seen:?}");
        assert!(list.iter().filter(|m| m.learner).count() <= 1, "{step:?}: two learners at once");
    }
    panic!("60 steps and no end: {seen:?}");
}

#[test]
fn every_size_leads_to_every_other_without_losing_the_majority() {
    for from in [1, 3, 5] {
        for to in [1, 3, 5] {
            let mut seen =
                Observation { wanted: from, template: "new".to_owned(), members: None, ..Observation::default() };
            play(&mut seen);
            seen.wanted = to;
            play(&mut seen);
            assert_eq!(seen.members.as_ref().unwrap().len(), to, "{from} to {to}");
            assert_eq!(seen.homes.len(), to, "{from} to {to}: something is left over");
        }
    }
}

#[test]
fn a_roll_restarts_every_member_of_three_and_ends() {
    let mut seen = seen(3, "0L 1 2", "0o 1o 2o");
    play(&mut seen);
    assert!(seen.homes.values().all(|home| home.pod.as_ref().is_some_and(|pod| pod.template == "new")));
}

#[test]
fn a_roll_of_a_single_member_ends() {
    let mut seen = seen(1, "0L", "0o");
    assert_eq!(text(&plan(&seen)), "restart 0");
    perform(&mut seen, &Step::RestartPod { name: "0".to_owned() });
    assert_eq!(text(&plan(&seen)), "pod 0 Existing");
}
