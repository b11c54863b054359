//! Messages in pieces: what may stand between the pieces, and what may not.

use crate::peer::{BINARY, CONTINUATION, FIN, PING, PONG, Seen, TEXT, close, expect_of, frame};

const BROKEN: Seen = Seen::Fault(1002);

#[test]
fn fragments_make_one_message_and_empty_ones_count_for_nothing() {
    expect_of(
        [frame(TEXT, b"one, "), frame(CONTINUATION, b""), frame(CONTINUATION, b"two, "), frame(FIN, b"three")],
        &[Seen::Text(b"one, two, three".to_vec())],
    );
    expect_of([frame(BINARY, b""), frame(FIN, b"")], &[Seen::Binary(vec![])]);
    expect_of([frame(TEXT, b""), frame(FIN, b"")], &[Seen::Text(vec![])]);
}

#[test]
fn a_message_after_a_fragmented_one_is_a_message_of_its_own() {
    expect_of(
        [
            frame(BINARY, &[0xC3]),
            frame(FIN, &[0x28]),
            frame(FIN | TEXT, b"text"),
            frame(TEXT, b"te"),
            frame(FIN, b"xt"),
        ],
        &[Seen::Binary(vec![0xC3, 0x28]), Seen::Text(b"text".to_vec()), Seen::Text(b"text".to_vec())],
    );
}

#[test]
fn control_frames_between_fragments_are_handed_out_at_once() {
    expect_of(
        [
            frame(TEXT, b"half"),
            frame(FIN | PING, b"1"),
            frame(CONTINUATION, b" and"),
            frame(FIN | PONG, b"2"),
            frame(FIN | PING, b""),
            frame(FIN, b" half"),
        ],
        &[
            Seen::Ping(b"1".to_vec()),
            Seen::Pong(b"2".to_vec()),
            Seen::Ping(vec![]),
            Seen::Text(b"half and half".to_vec()),
        ],
    );
    expect_of([frame(TEXT, b"half"), close(1001, b"")], &[Seen::Close(Some(1001))]);
}

#[test]
fn a_continuation_needs_a_message() {
    for first in [CONTINUATION, FIN] {
        expect_of([frame(first, b"x")], &[BROKEN]);
        expect_of([frame(FIN | TEXT, b"ok"), frame(first, b"x")], &[Seen::Text(b"ok".to_vec()), BROKEN]);
        let ended = [frame(TEXT, b"o"), frame(FIN, b"k"), frame(first, b"x")];
        expect_of(ended, &[Seen::Text(b"ok".to_vec()), BROKEN]);
    }
}

#[test]
fn a_message_inside_a_fragmented_one_breaks_the_rules_whole_or_not() {
    for first in [TEXT, BINARY] {
        for second in [TEXT, BINARY, FIN | TEXT, FIN | BINARY] {
            expect_of([frame(first, b"one"), frame(second, b"two")], &[BROKEN]);
            expect_of([frame(first, b"one"), frame(second, b"two"), frame(FIN, b"three")], &[BROKEN]);
        }
    }
    // Where it stands counts, not what is in it.
    expect_of([frame(BINARY, b"one"), frame(FIN | TEXT, &[0xFF])], &[BROKEN]);
}
