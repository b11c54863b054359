//! What a message may cost: judged at the header, however it is fragmented.

use gohub::ws::{FrameLimits, Inbound, Library, Pool};

use crate::peer::{BINARY, CONTINUATION, FIN, LIMITS, PING, Seen, TEXT, expect, expect_of, feed, feed_on, frame};

const TOO_BIG: Seen = Seen::Fault(1009);
const TOO_MANY: Seen = Seen::Fault(1008);

#[test]
fn a_message_of_the_limit_passes_and_one_byte_more_does_not() {
    let full = vec![b'x'; 300];
    expect(&frame(FIN | TEXT, &full), &[Seen::Text(full.clone())]);
    expect_of([frame(BINARY, &full[..200]), frame(FIN, &full[200..])], &[Seen::Binary(full.clone())]);
    expect(&frame(FIN | TEXT, &[b'x'; 301]), &[TOO_BIG]);
    expect_of([frame(TEXT, &full), frame(FIN, b"x")], &[TOO_BIG]);
}

#[test]
fn what_comes_before_a_message_that_is_too_big_is_handed_out() {
    let stream = [frame(FIN | TEXT, b"one"), frame(TEXT, b"two"), frame(FIN | PING, b"!"), frame(FIN, &[b'x'; 298])];
    expect_of(stream, &[Seen::Text(b"one".to_vec()), Seen::Ping(b"!".to_vec()), TOO_BIG]);
}

#[test]
fn a_length_is_refused_before_its_first_byte_has_come() {
    let gigabytes = [FIN | BINARY, 0xFF, 0, 0, 0, 4, 0, 0, 0, 0, 1, 2, 3, 4];
    expect(&gigabytes, &[TOO_BIG]);
}

#[test]
fn fragments_are_counted_empty_ones_too() {
    let six = [frame(TEXT, b"a"), frame(0, b""), frame(0, b""), frame(0, b""), frame(0, b""), frame(FIN, b"z")];
    expect_of(six, &[Seen::Text(b"az".to_vec())]);
    let seven: Vec<u8> = [frame(TEXT, b"a"), frame(CONTINUATION, b"").repeat(6)].concat();
    expect(&seven, &[TOO_MANY]);
}

#[test]
fn large_messages_pass_where_they_are_allowed() {
    let limits = FrameLimits { max_message: 1 << 20, max_fragments: 100 };
    let body: Vec<u8> = (0..1 << 20).map(|at: u32| (at % 251) as u8).collect();
    let whole = frame(FIN | BINARY, &body);
    let pieces: Vec<u8> = [frame(BINARY, &body[..70_000]), frame(FIN, &body[70_000..])].concat();
    for library in Library::ALL {
        let mut pool = Pool::new(*library, limits);
        for stream in [&whole, &pieces] {
            for step in [1_021, 65_536, stream.len()] {
                let seen = feed(&mut pool, stream.chunks(step));
                assert!(seen == [Seen::Binary(body.clone())], "{library:?}, {step} bytes at a time");
            }
        }
    }
}

#[test]
fn new_limits_count_for_messages_that_begin_after_them() {
    for library in Library::ALL {
        let mut pool = Pool::new(*library, LIMITS);
        let (mut inbound, mut seen) = (Inbound::default(), Vec::new());
        assert!(feed_on(&mut inbound, &mut pool, &frame(FIN | TEXT, &[b'x'; 300]), &mut seen));
        pool.set_limits(FrameLimits { max_message: 400, ..LIMITS });
        assert!(feed_on(&mut inbound, &mut pool, &frame(FIN | TEXT, &[b'x'; 400]), &mut seen), "{library:?}");
        assert_eq!(seen.len(), 2);
        assert!(!feed_on(&mut inbound, &mut pool, &frame(FIN | TEXT, &[b'x'; 401]), &mut seen));
        assert_eq!(seen.last(), Some(&TOO_BIG));
    }
}
