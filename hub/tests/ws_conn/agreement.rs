//! All libraries of the build agree on streams that nobody thought of, cut anywhere.

use gohub::ws::{FrameLimits, Library, Pool};
use proptest::prelude::*;

use crate::peer::{BINARY, CONTINUATION, FIN, PING, PONG, TEXT, close, feed, frame};

/// Out of the way: two offences in one frame may be found in either order.
const WIDE: FrameLimits = FrameLimits { max_message: 1 << 20, max_fragments: 1 << 20 };

fn payload() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => any::<String>().prop_map(|text| text.chars().take(30).collect::<String>().into_bytes()),
        2 => prop::sample::select(vec!["κόσμε 🌍".as_bytes()[..4].to_vec(), vec![0xA9], vec![0xF0, 0x9F], vec![]]),
        1 => prop::collection::vec(any::<u8>(), 0..120),
        1 => prop::collection::vec(any::<u8>(), 126..200),
    ]
}

fn any_frame() -> impl Strategy<Value = Vec<u8>> {
    let first = prop_oneof![
        8 => prop::sample::select(vec![FIN | TEXT, FIN | BINARY, TEXT, BINARY, CONTINUATION, CONTINUATION, FIN, FIN]),
        3 => prop::sample::select(vec![FIN | PING, FIN | PONG]),
        1 => any::<u8>(),
    ];
    prop_oneof![
        20 => (first, payload()).prop_map(|(first, payload)| frame(first, &payload)),
        1 => (any::<u16>(), payload()).prop_map(|(code, reason)| close(code, &reason)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn libraries_and_cuts_make_no_difference(
        frames in prop::collection::vec(any_frame(), 1..12),
        step in 1_usize..40,
    ) {
        let stream = frames.concat();
        let expected = feed(&mut Pool::new(Library::Tungstenite, WIDE), [stream.as_slice()]);
        for library in Library::ALL {
            let mut pool = Pool::new(*library, WIDE);
            prop_assert_eq!(&feed(&mut pool, [stream.as_slice()]), &expected, "{:?}, whole", library);
            prop_assert_eq!(&feed(&mut pool, stream.chunks(step)), &expected, "{:?}, by {}", library, step);
        }
    }
}
