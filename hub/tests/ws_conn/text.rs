//! Text is UTF-8, also where a character is cut by a fragment.

use crate::peer::{BINARY, CONTINUATION, FIN, PING, Seen, TEXT, expect, expect_of, frame};

const NOT_TEXT: Seen = Seen::Fault(1007);

/// Greek, a character of four bytes, the largest of all, and two that are no characters but allowed.
const GOOD: &str = "κόσμε 🌍 \u{10FFFF} \u{FFFE}\u{FFFF}";

/// Overlong, surrogate, beyond the last, alone, cut.
const BAD: [&[u8]; 9] = [
    &[0xC0, 0xAF],
    &[0xE0, 0x80, 0xAF],
    &[0xED, 0xA0, 0x80],
    &[0xF4, 0x90, 0x80, 0x80],
    &[0xFE],
    &[0xFF, 0xFF],
    &[0x80],
    &[0xCE, 0xBA, 0xE1],
    &[b'o', b'k', 0xF0, 0x9F, 0x8C],
];

#[test]
fn characters_may_be_cut_by_fragments_anywhere() {
    let text = GOOD.as_bytes();
    expect(&frame(FIN | TEXT, text), &[Seen::Text(text.to_vec())]);
    for at in 0..=text.len() {
        let (one, two) = text.split_at(at);
        expect_of([frame(TEXT, one), frame(FIN, two)], &[Seen::Text(text.to_vec())]);
    }
    // A fragment shorter than a character, with a ping in the middle of it.
    let earth = "🌍".as_bytes();
    expect_of(
        [
            frame(TEXT, &earth[..1]),
            frame(CONTINUATION, &earth[1..2]),
            frame(FIN | PING, &[0xFF]),
            frame(CONTINUATION, &earth[2..3]),
            frame(FIN, &earth[3..]),
        ],
        &[Seen::Ping(vec![0xFF]), Seen::Text(earth.to_vec())],
    );
}

#[test]
fn text_that_is_not_utf8_ends_with_1007() {
    for bad in BAD {
        expect(&frame(FIN | TEXT, bad), &[NOT_TEXT]);
        expect_of([frame(FIN | TEXT, b"ok"), frame(FIN | TEXT, bad)], &[Seen::Text(b"ok".to_vec()), NOT_TEXT]);
        for at in 0..=bad.len() {
            let (one, two) = bad.split_at(at);
            expect_of([frame(TEXT, one), frame(FIN, two)], &[NOT_TEXT]);
        }
    }
}

#[test]
fn a_fault_in_a_fragment_is_found_before_the_message_ends() {
    expect_of([frame(TEXT, b"fine so far"), frame(CONTINUATION, &[b'x', 0xFF])], &[NOT_TEXT]);
    expect_of([frame(TEXT, &[0xCE]), frame(CONTINUATION, b"x")], &[NOT_TEXT]);
}

#[test]
fn binary_messages_are_not_looked_into() {
    for bad in BAD {
        expect(&frame(FIN | BINARY, bad), &[Seen::Binary(bad.to_vec())]);
        expect_of([frame(BINARY, bad), frame(FIN, bad)], &[Seen::Binary([bad, bad].concat())]);
        expect(&frame(FIN | PING, bad), &[Seen::Ping(bad.to_vec())]);
    }
}
