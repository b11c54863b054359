//! Members of etcd are added and taken away one at a time, under clients that notice nothing.

use gohub_crowd::report::Verdict;
use gohub_e2e::bed::{self, has_quorum};
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod};

fn gohub(members: usize) -> String {
    format!(
        r"
apiVersion: gohub.io/v1alpha1
kind: GoHub
metadata: {{ name: chat }}
spec:
  hub: {{ replicas: 2 }}
  etcd: {{ managed: {{ replicas: {members}, storage: {{ size: 512Mi }} }} }}
"
    )
}

#[tokio::test]
async fn o19_one_member_becomes_three_and_five_and_three_again_and_a_majority_is_always_there() {
    bed::test("etcd-scale", async |bed| {
        bed.apply(&gohub(1)).await;
        bed.until_condition("chat", "Ready").await;
        let crowd = bed.crowd("chat", 40, 10).await;
        let history = bed.history("chat").await;
        for members in [3, 5, 3] {
            bed.apply(&gohub(members)).await;
            // Also that pods and volumes of removed members are gone.
            bed.until_members("chat", members).await;
            crowd.until_acked(20).await;
        }
        let statuses = history.all();
        assert!(statuses.iter().all(has_quorum), "{statuses:#?}");
        // None at all means that nobody could be asked at that moment.
        let counted = statuses.iter().map(|status| status.etcd.members.len()).filter(|count| *count > 0);
        let mut counts: Vec<usize> = counted.collect();
        counts.dedup();
        eprintln!("members, as they were seen: {counts:?}");
        assert!(counts.windows(2).all(|pair| pair[0].abs_diff(pair[1]) == 1), "one at a time: {counts:?}");
        assert!(counts.contains(&5), "{counts:?}");

        let report = crowd.finish().await;
        eprintln!("{} acked, longest silence {} ms", report.acked, report.all.longest_silence_ms);
        assert_eq!(report.verdict, Verdict::Complete, "{report:#?}");
        assert_eq!(report.all.reconnects, 0, "members of etcd are no reason to disconnect anybody");
    })
    .await;
}

#[tokio::test]
async fn o40_a_volume_whose_class_cannot_grow_is_told_of_and_costs_nothing() {
    bed::test("etcd-grow", async |bed| {
        let gohub = |size: &str| {
            format!(
                r"
apiVersion: gohub.io/v1alpha1
kind: GoHub
metadata: {{ name: chat }}
spec:
  hub: {{ replicas: 1 }}
  etcd: {{ managed: {{ replicas: 1, storage: {{ size: {size} }} }} }}
"
            )
        };
        bed.apply(&gohub("512Mi")).await;
        bed.until_condition("chat", "Ready").await;
        let pods = bed.until_pods("chat", "etcd", 1).await;
        let began = bed.api::<Pod>().get(&pods[0]).await.expect("it is there").metadata.uid;
        bed.apply(&gohub("1Gi")).await;
        // A class that can grow volumes does so instead; the one of kind cannot.
        let grown = async || {
            let status = bed.status("chat").await;
            let asked = bed.api::<PersistentVolumeClaim>().get(&pods[0]).await.expect("it is there").spec;
            let requests = asked.and_then(|spec| spec.resources?.requests).unwrap_or_default();
            let ready = status.conditions.into_iter().find(|one| one.type_ == "Ready");
            (requests["storage"].0.clone(), ready.map(|one| (one.reason, one.message)).unwrap_or_default())
        };
        let settled = |(size, (reason, message)): &(String, (String, String))| {
            size == "1Gi" || (reason == "Refused" && message.contains(&pods[0]) && message.contains("resize"))
        };
        let (size, told) = bed::eventually("it grows, or that it cannot is said", grown, settled).await;
        eprintln!("{size}: {told:?}");
        if size != "1Gi" {
            let is = bed.api::<Pod>().get(&pods[0]).await.expect("it is there").metadata.uid;
            assert_eq!(is, began, "no member is restarted for space that it has not got");
        }
        let refused = bed.try_apply(&gohub("512Mi")).await.expect_err("it is refused").to_string();
        assert!(refused.contains("cannot shrink"), "{refused}");
    })
    .await;
}
