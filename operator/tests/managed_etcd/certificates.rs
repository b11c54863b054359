//! Certificates made anew under members that run.

use std::time::{Duration, SystemTime};

use gohub_operator::etcd::pki;
use gohub_operator::etcd::plan::Step;
use gohub_operator::reconcile::observed::Pair;

use super::world::{World, ids};

const YEAR: Duration = Duration::from_secs(365 * 86_400);

#[tokio::test]
async fn o37_a_renewed_certificate_is_used_without_a_restart() {
    let mut world = World::running(3).await;
    let before = world.look().await;
    let processes = ["0", "1", "2"].map(|member| world.kubelet.process(member));
    // Leaves only: as if they had been lost.
    let mut lost = world.certificates.clone();
    lost.member = Pair::default();
    lost.peer = Pair::default();
    let renewed = pki::renew(&world.plan.owner, &lost, true, SystemTime::now()).unwrap().unwrap();
    assert_ne!(renewed.member, world.certificates.member);
    world.show(renewed);
    let after = world.until_done().await;
    assert_eq!((ids(&after), world.steps.len()), (ids(&before), 0), "{:?}", world.steps);
    assert_eq!(processes, ["0", "1", "2"].map(|member| world.kubelet.process(member)));
    // Proof that the new one is served: the member trusts nothing new, and still a cut peer connection comes back with it.
    world.lose_pod("1");
    assert_eq!(ids(&world.until_done().await), ids(&before));
}

#[tokio::test]
async fn o37_a_new_authority_is_rolled_out_under_the_old_one_and_then_signs() {
    let mut world = World::running(3).await;
    let before = world.look().await;
    let owner = world.plan.owner.clone();
    world.put("0", "/gohub/kept", "yes").await;
    // The old one's key is lost: from the operator's side the same as the end of its life, and certificates hold on this day.
    let mut lost = world.certificates.clone();
    lost.authorities.signing.key = String::new();
    let now = SystemTime::now();
    world.show(pki::renew(&owner, &lost, true, now).unwrap().unwrap());
    let rolled = world.until_done().await;
    assert_eq!(ids(&rolled), ids(&before));
    assert_eq!(world.steps.iter().filter(|step| matches!(step, Step::RestartPod { .. })).count(), 3);
    // Everybody trusts the new one: it signs, and nobody is restarted for that.
    world.steps.clear();
    let now = now + YEAR / 1000;
    world.show(pki::renew(&owner, &world.certificates, rolled.is_rolled(), now).unwrap().unwrap());
    assert!(world.certificates.authorities.next.is_none());
    world.until_done().await;
    assert_eq!(world.steps, []);
    // With a member that starts under the new one among members that started under both.
    world.lose_pod("2");
    assert_eq!(ids(&world.until_done().await), ids(&before));
    assert_eq!(world.read("2", "/gohub/kept").await, "yes");
}
