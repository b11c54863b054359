//! Whole messages, and what is wrong with a single frame.

use crate::peer::{BINARY, FIN, PING, PONG, Seen, TEXT, close, expect, expect_of, frame};

const BROKEN: Seen = Seen::Fault(1002);

#[test]
fn whole_messages_of_every_header_length_come_out_as_they_went_in() {
    for length in [0, 1, 2, 3, 4, 5, 124, 125, 126, 127, 300] {
        let body: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
        expect(&frame(FIN | BINARY, &body), &[Seen::Binary(body)]);
        let letters = vec![b'a'; length];
        expect(&frame(FIN | TEXT, &letters), &[Seen::Text(letters)]);
    }
}

#[test]
fn messages_and_control_frames_come_out_in_their_order() {
    expect_of(
        [
            frame(FIN | TEXT, b"one"),
            frame(FIN | PING, b"are you there"),
            frame(FIN | PONG, b""),
            frame(FIN | BINARY, &[0, 255]),
            frame(FIN | PING, &[7; 125]),
            close(1000, b"bye"),
        ],
        &[
            Seen::Text(b"one".to_vec()),
            Seen::Ping(b"are you there".to_vec()),
            Seen::Pong(vec![]),
            Seen::Binary(vec![0, 255]),
            Seen::Ping(vec![7; 125]),
            Seen::Close(Some(1000)),
        ],
    );
}

#[test]
fn a_stream_that_ends_inside_a_message_is_unfinished() {
    let whole = frame(FIN | TEXT, b"hello");
    for length in 1..whole.len() {
        expect(&whole[..length], &[Seen::Unfinished]);
    }
    expect_of([frame(TEXT, b"hel"), frame(FIN | PING, b"")], &[Seen::Ping(vec![]), Seen::Unfinished]);
}

#[test]
fn s43_an_unmasked_frame_breaks_the_rules() {
    expect_of([frame(FIN | TEXT, b"fine"), vec![FIN | TEXT, 2, b'h', b'i']], &[Seen::Text(b"fine".to_vec()), BROKEN]);
    expect(&[FIN | PING, 0], &[BROKEN]);
}

#[test]
fn reserved_bits_break_the_rules_on_every_frame() {
    for bits in [0x40, 0x20, 0x10, 0x70] {
        for first in [FIN | TEXT, FIN | BINARY, TEXT, FIN | PING, FIN | PONG, FIN | 0x8] {
            expect_of([frame(FIN | TEXT, b"fine"), frame(first | bits, b"x")], &[Seen::Text(b"fine".to_vec()), BROKEN]);
        }
    }
}

#[test]
fn unknown_opcodes_break_the_rules() {
    for opcode in [3, 4, 5, 6, 7, 11, 12, 13, 14, 15] {
        expect(&frame(FIN | opcode, b"x"), &[BROKEN]);
        expect(&frame(FIN | opcode, b""), &[BROKEN]);
    }
}

#[test]
fn control_frames_are_short_and_whole() {
    for opcode in [0x8, PING, PONG] {
        expect(&frame(opcode, b""), &[BROKEN]);
        expect(&frame(FIN | opcode, &[b'x'; 126]), &[BROKEN]);
    }
}

#[test]
fn lengths_are_minimally_encoded_and_below_63_bits() {
    expect(&[FIN | BINARY, 0xFE, 0, 125, 1, 2, 3, 4], &[BROKEN]);
    expect(&[FIN | BINARY, 0xFF, 0, 0, 0, 0, 0, 0, 0, 200, 1, 2, 3, 4], &[BROKEN]);
    expect(&[FIN | BINARY, 0xFF, 0x80, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4], &[BROKEN]);
}
