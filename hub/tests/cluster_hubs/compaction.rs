//! etcd has forgotten what a hub had not seen yet: its clients are told, nobody else.

use std::time::Duration;

use gohub::protocol::{GapReason, Mode};

use crate::deadline::bounded;
use crate::etcd::Cluster;
use crate::etcd::proxy::Proxy;
use crate::publisher::{Answer, Publisher};
use crate::site::{knows, settings, start};
use crate::witness::Witness;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_compacted_while_a_hub_was_cut_off_is_a_gap_for_its_clients() {
    bounded(Duration::from_secs(120), async {
        let cluster = Cluster::start(1).await;
        let proxy = Proxy::start(&cluster.endpoints()[0]).await;
        let a = start(settings("a", vec![proxy.url()])).await;
        let b = start(settings("b", cluster.endpoints())).await;
        knows(&b, 2).await;
        let mut here = Witness::new("here", a.address()).await;
        let mut away = Witness::new("away", a.address()).await;
        let mut there = Witness::new("there", b.address()).await;
        let mut publisher = Publisher::new("p", b.address()).await;
        let publish = async |publisher: &mut Publisher, text: &str| match publisher.broadcast(text).await {
            Answer::Acked(offset) => offset,
            other => panic!("{text}: {other:?}"),
        };
        let before = publish(&mut publisher, "before").await;
        for witness in [&mut here, &mut away, &mut there] {
            witness.until_text("before").await;
        }
        away.cut();
        // Cut off, and nothing passes for longer than the history lasts.
        proxy.delay(Duration::from_secs(3600));
        proxy.cut();
        let first = publish(&mut publisher, "missed").await;
        let missed = publish(&mut publisher, "missed too").await;
        let kept = publish(&mut publisher, "kept").await;
        cluster.client().await.compact(kept.major as i64, None).await.unwrap();
        here.until("the mode degraded", |witness| witness.modes == [Mode::Degraded]).await;
        proxy.delay(Duration::ZERO);
        proxy.cut();
        here.until_text("kept").await;
        here.until("the mode normal", |witness| witness.modes == [Mode::Degraded, Mode::Normal]).await;
        there.until_text("kept").await;

        assert_eq!(here.texts(), ["before", "kept"]);
        let [gap] = here.gaps[..] else { panic!("{:?}", here.gaps) };
        assert_eq!(gap.reason, GapReason::Compacted);
        assert!(before < gap.from && gap.from <= first && missed <= gap.to && gap.to < kept, "{gap:?}");
        assert_eq!((there.texts(), there.gaps.len()), (vec!["before", "missed", "missed too", "kept"], 0));

        // Who was away meanwhile is told the same on that hub, and on the other one misses nothing.
        let mut elsewhere = Witness::new("elsewhere", b.address()).await;
        elsewhere.cut();
        away.resume(a.address()).await;
        away.until_text("kept").await;
        assert!(!away.welcomes[1].2, "recovered is said only when nothing is missing");
        assert_eq!((away.texts(), away.gaps.len()), (vec!["before", "kept"], 1));
        let after = publish(&mut publisher, "after").await;
        elsewhere.resume(a.address()).await;
        elsewhere.until_text("after").await;
        assert_eq!((&elsewhere.seen, elsewhere.gaps.len()), (&vec![(after, "after".to_owned())], 0));
        assert!(elsewhere.welcomes[1].2, "it had seen what the hub missed");
    })
    .await;
}
