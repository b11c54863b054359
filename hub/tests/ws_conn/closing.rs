//! Close frames: which codes a peer may send, and what it is answered with.

use crate::peer::{CLOSE, FIN, Seen, TEXT, close, expect, expect_of, frame};

#[test]
fn an_empty_close_has_no_code() {
    expect(&frame(FIN | CLOSE, b""), &[Seen::Close(None)]);
}

#[test]
fn codes_that_a_peer_may_send_are_answered_with_themselves() {
    for code in [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 3000, 3999, 4000, 4999] {
        expect(&close(code, b""), &[Seen::Close(Some(code))]);
        expect(&close(code, "because κόσμε".as_bytes()), &[Seen::Close(Some(code))]);
        expect(&close(code, &[b'x'; 123]), &[Seen::Close(Some(code))]);
    }
}

#[test]
fn codes_that_no_peer_may_send_are_answered_with_1002() {
    for code in [0, 1, 999, 1004, 1005, 1006, 1014, 1015, 1016, 1100, 2000, 2999, 5000, 65_535] {
        expect(&close(code, b""), &[Seen::Close(Some(1002))]);
        expect(&close(code, b"reason"), &[Seen::Close(Some(1002))]);
    }
}

#[test]
fn half_a_code_breaks_the_rules() {
    expect(&frame(FIN | CLOSE, &[3]), &[Seen::Fault(1002)]);
}

#[test]
fn a_reason_that_is_not_utf8_ends_with_1007() {
    expect(&close(1000, &[0xCE, 0xBA, 0xE1]), &[Seen::Fault(1007)]);
    expect(&close(1000, &[0xFF]), &[Seen::Fault(1007)]);
    expect(&close(999, &[0xFF]), &[Seen::Fault(1007)]);
}

#[test]
fn nothing_comes_after_a_close() {
    expect_of([close(1000, b""), frame(FIN | TEXT, b"too late")], &[Seen::Close(Some(1000))]);
    expect_of([close(1000, b""), frame(0x70, b"not even a fault")], &[Seen::Close(Some(1000))]);
}
