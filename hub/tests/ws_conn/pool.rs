//! One library object serves many connections: nothing of one is seen by another.

use gohub::ws::{Inbound, Library, Pool};

use crate::peer::{FIN, LIMITS, Seen, TEXT, feed, feed_on, frame};

#[test]
fn connections_with_messages_under_way_do_not_mix() {
    for library in Library::ALL {
        let mut pool = Pool::new(*library, LIMITS);
        let texts: Vec<String> = (0..20).map(|number| format!("message of connection {number}")).collect();
        let streams: Vec<Vec<u8>> = texts
            .iter()
            .map(|text| [frame(TEXT, &text.as_bytes()[..9]), frame(FIN, &text.as_bytes()[9..])].concat())
            .collect();
        let mut connections: Vec<(Inbound, Vec<Seen>)> = (0..20).map(|_| <_>::default()).collect();
        let longest = streams.iter().map(Vec::len).max().unwrap();
        for round in 0..3 {
            // Byte by byte in turn, so that all are under way at once.
            for at in 0..longest {
                for ((inbound, seen), stream) in connections.iter_mut().zip(&streams) {
                    if let Some(byte) = stream.get(at) {
                        assert!(feed_on(inbound, &mut pool, &[*byte], seen), "{library:?}");
                    }
                }
            }
            for ((inbound, seen), text) in connections.iter().zip(&texts) {
                assert!(!inbound.is_partial(), "{library:?} keeps nothing between messages");
                assert_eq!(seen.len(), round + 1);
                assert_eq!(seen.last(), Some(&Seen::Text(text.as_bytes().to_vec())));
            }
        }
    }
}

#[test]
fn a_connection_that_broke_the_rules_leaves_nothing_behind() {
    for library in Library::ALL {
        let mut pool = Pool::new(*library, LIMITS);
        let hello = frame(FIN | TEXT, b"hello");
        for bad in [frame(FIN | TEXT, &[0xFF]), frame(FIN, b"x"), [frame(TEXT, b"a"), frame(TEXT, b"b")].concat()] {
            let stream = [hello.as_slice(), &bad, &hello].concat();
            let seen = feed(&mut pool, [stream.as_slice()]);
            assert!(matches!(seen.as_slice(), [Seen::Text(_), Seen::Fault(_)]), "{library:?}: {seen:?}");
            assert_eq!(feed(&mut pool, [hello.as_slice()]), [Seen::Text(b"hello".to_vec())], "{library:?}");
        }
    }
}
