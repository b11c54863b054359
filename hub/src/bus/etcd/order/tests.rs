//! The order inside a revision, and revisions that come in pieces.

use super::*;
use crate::bus::fixture::publication;
use crate::protocol::{ClientId, Target};

const ID: BatchId = BatchId { writer: 1, counter: 1 };

fn assembler() -> Assembler {
    Assembler::new(Keys::new("/gohub"), 1000)
}

fn value(total: u32, entries: &[(u32, u32)], client: Option<&str>) -> Vec<u8> {
    let target = client.map_or(Target::Broadcast, |name| Target::Client(ClientId::parse(name).unwrap()));
    let list: Vec<_> = entries
        .iter()
        .map(|(index, id)| (*index, Publication { id: *id, target: target.clone(), ..publication(None) }))
        .collect();
    batch::encode(ID, total, list.iter().map(|(index, publication)| (*index, publication)))
}

fn push(assembler: &mut Assembler, revision: u64, key: &str, value: &[u8]) -> Pushed {
    assembler.push(Event { revision, key: key.as_bytes(), value }, 7)
}

fn taken(assembler: &mut Assembler) -> Vec<(u64, u32, Vec<u32>)> {
    let ids = |group: &Group| group.publications.iter().map(|(_, publication)| publication.id).collect();
    assembler.take().iter().map(|group| (group.revision, group.first, ids(group))).collect()
}

#[test]
fn publications_stand_in_the_order_of_publishing_across_keys() {
    let mut assembler = assembler();
    push(&mut assembler, 5, "/gohub/broadcast", &value(4, &[(0, 100), (3, 103)], None));
    push(&mut assembler, 5, "/gohub/unicast/bob", &value(4, &[(2, 102)], Some("bob")));
    push(&mut assembler, 5, "/gohub/unicast/al", &value(4, &[(1, 101)], Some("al")));
    assert_eq!(taken(&mut assembler), [(5, 0, vec![100, 101, 102, 103])]);
    assert_eq!(taken(&mut assembler), []);
}

#[test]
fn a_revision_that_etcd_split_waits_for_its_rest() {
    let mut assembler = assembler();
    push(&mut assembler, 5, "/gohub/broadcast", &value(2, &[(1, 101)], None));
    assert_eq!(taken(&mut assembler), []);
    push(&mut assembler, 5, "/gohub/unicast/bob", &value(2, &[(0, 100)], Some("bob")));
    push(&mut assembler, 6, "/gohub/broadcast", &value(1, &[(0, 200)], None));
    assert_eq!(taken(&mut assembler), [(5, 0, vec![100, 101]), (6, 0, vec![200])]);
}

#[test]
fn a_break_in_the_middle_of_a_revision_starts_there_again() {
    let mut assembler = assembler();
    push(&mut assembler, 5, "/gohub/broadcast", &value(2, &[(1, 101)], None));
    assert!(assembler.is_at(5));
    assert_eq!(assembler.resume(6), 5);
    assert!(!assembler.is_at(5));
    assert_eq!(assembler.resume(6), 6);
    push(&mut assembler, 5, "/gohub/broadcast", &value(2, &[(1, 101), (0, 100)], None));
    assert_eq!(taken(&mut assembler), [(5, 0, vec![100, 101])]);
}

#[test]
fn a_rest_that_never_comes_holds_nothing_up() {
    let mut assembler = assembler();
    push(&mut assembler, 5, "/gohub/broadcast", &value(9, &[(0, 100)], None));
    push(&mut assembler, 6, "/gohub/broadcast", &value(1, &[(0, 200)], None));
    assert_eq!(taken(&mut assembler), [(5, 0, vec![100]), (6, 0, vec![200])]);
}

#[test]
fn s87_a_broken_neighbour_does_not_hold_up_the_rest() {
    let mut assembler = assembler();
    push(&mut assembler, 5, "/gohub/broadcast", &value(2, &[(1, 101)], None));
    assert_eq!(push(&mut assembler, 5, "/gohub/unicast/bob", b"\x01broken"), Pushed::Skipped);
    assert_eq!(taken(&mut assembler), [(5, 0, vec![101])]);
    assert_eq!(push(&mut assembler, 6, "/gohub/broadcast", &[b'x'; 1001]), Pushed::Skipped);
    assert_eq!(push(&mut assembler, 6, "/gohub/nodes/a", b"{}"), Pushed::Fine);
    assert_eq!(push(&mut assembler, 6, "/gohub/epoch", b"e"), Pushed::Epoch(b"e".to_vec()));
    assert_eq!(push(&mut assembler, 6, "/gohub/x", b"e"), Pushed::Skipped);
    assert_eq!(taken(&mut assembler), []);
}

#[test]
fn a_revision_put_by_hand_that_comes_in_pieces_goes_on_counting() {
    let mut assembler = assembler();
    push(&mut assembler, 5, "/gohub/broadcast", br#"{"message_id":1000}"#);
    assert_eq!(taken(&mut assembler), [(5, 0, vec![1000])]);
    push(&mut assembler, 5, "/gohub/unicast/bob", br#"{"message_id":1001}"#);
    assert_eq!(taken(&mut assembler), [(5, 1, vec![1001])]);
}
