//! The operator is killed after any one of its writes, and whoever comes after it finds its place: the end is always the same.

use std::time::Duration;

use gohub_e2e::bed::{self, Bed};
use gohub_operator::api::v1alpha1::GoHub;
use kube::ResourceExt;

/// Hubs are not what it is about, and their writes are all there without a pod.
const GOHUB: &str = r"
apiVersion: gohub.io/v1alpha1
kind: GoHub
metadata: { name: chat }
spec:
  hub: { replicas: 0 }
  etcd: { managed: { replicas: 1, storage: { size: 512Mi } } }
";

/// At least as many as a first reconcile has writes, and the undisturbed one.
const NAMESPACES: usize = 26;
/// For an operator to start and come to a write.
const STARTS: Duration = Duration::from_secs(60);

#[tokio::test]
async fn o1_killed_after_any_write_of_the_first_reconcile_the_end_is_the_same() {
    bed::tests("operator-loss", NAMESPACES, async |beds| {
        let (undisturbed, disturbed) = beds.split_first().expect("several");
        let mut all = Vec::new();
        undisturbed
            .without_operator(async || {
                all = begin(undisturbed, usize::MAX).await;
                assert!(all.len() <= disturbed.len(), "{} namespaces are too few for {all:#?}", beds.len());
                for (bed, writes) in disturbed.iter().zip(1..=all.len()) {
                    let done = begin(bed, writes).await;
                    assert_eq!(done.len(), writes, "killed after {writes} writes, and not later: {done:#?}");
                }
            })
            .await;
        eprintln!("killed after each of {} writes", all.len());

        // Now the operator of the cluster goes on with what it finds.
        let expected = end(undisturbed).await;
        for (bed, writes) in disturbed.iter().zip(1..=all.len()) {
            let found = end(bed).await;
            let last = &all[writes - 1];
            let kinds = |end: &End| end.0.keys().cloned().collect::<Vec<_>>();
            assert_eq!(kinds(&found), kinds(&expected), "killed after write {writes}, {last}");
            for (name, object) in &found.0 {
                assert_eq!(*object, expected.0[name], "{name} after write {writes}, {last}");
            }
            assert_eq!(found.1, expected.1, "conditions after write {writes}, {last}");
        }
    })
    .await;
}

/// Lets an operator work until it has done so many writes, or its first reconcile is at its end, and kills it.
async fn begin(bed: &Bed, writes: usize) -> Vec<String> {
    bed.apply(GOHUB).await;
    let gate = bed.gate(writes).await;
    let operator = bed.own_operator(&gate);
    let is_end = |write: &String| write.ends_with("/status");
    let enough = gate.until(|done| done.len() >= writes || done.last().is_some_and(is_end));
    if tokio::time::timeout(STARTS, enough).await.is_err() {
        panic!("only {:#?} of {writes} writes:\n{}", gate.writes(), operator.log());
    }
    operator.kill().await;
    let mut done = gate.writes();
    // What came behind the status is no part of the first reconcile.
    if let Some(end) = done.iter().position(is_end) {
        done.truncate(end + 1);
    }
    done
}

type End = (std::collections::BTreeMap<String, serde_json::Value>, Vec<(String, String, String)>);

/// Objects and conditions when nothing is left to do.
async fn end(bed: &Bed) -> End {
    bed.until_members("chat", 1).await;
    let status = bed.until_condition_is("chat", "Progressing", "False").await;
    let conditions = status.conditions.into_iter().map(|one| (one.type_, one.status, one.reason)).collect();
    let gohub = bed.api::<GoHub>().get("chat").await.expect("it is there");
    assert!(gohub.finalizers().is_empty());
    (bed.normalised("chat").await, conditions)
}
