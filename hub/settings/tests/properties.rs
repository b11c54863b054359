//! What holds for every input, found or not found by a person.

use gohub_settings::{
    ByteSize, Duplicate, Duration, OnPartition, RoomOverride, Route, RouteTo, Secret, Settings, SlowPolicy, Token, diff,
};
use proptest::{collection::vec, option, prelude::*};

prop_compose! {
    fn durations()(millis in 10_u64..3_600_000) -> Duration { Duration::from_millis(millis) }
}

prop_compose! {
    fn routes()(id in 1000_u32.., to in 0_usize..4, room in "[a-z *:#'\"]{0,12}", timeout in 10_u64..60_000) -> Route {
        let to = [RouteTo::Broadcast, RouteTo::Room, RouteTo::Client, RouteTo::Webhook][to];
        let is_webhook = to == RouteTo::Webhook;
        Route {
            id,
            to,
            room: if to == RouteTo::Room { room } else { String::new() },
            client: String::new(),
            url: if is_webhook { "https://app.example.com/hook".to_owned() } else { String::new() },
            secret: Secret::new(if is_webhook { "0123456789abcdef" } else { "" }),
            timeout: Duration::from_millis(timeout),
        }
    }
}

prop_compose! {
    fn some_settings()(
        interval in durations(),
        retention in 64_u64 << 10..64 << 30,
        keys in vec("[!-~]{16,40}", 0..4),
        route in option::of(routes()),
        pattern in "[a-zé*#: -]{1,20}",
        presence in option::of(any::<bool>()),
        limits in any::<(u16, bool, bool)>(),
        shards in 0_u32..1024,
        password in ".{1,20}",
    ) -> Settings {
        let mut settings = Settings::default();
        settings.server.shards = shards;
        settings.heartbeat.interval = interval;
        settings.retention.max_bytes = ByteSize::from_bytes(retention);
        settings.limits.max_message = ByteSize::from_bytes(64);
        settings.slow_client.max_pending = ByteSize::from_bytes(retention.min(1 << 20));
        settings.slow_client.policy = if limits.1 { SlowPolicy::Kick } else { SlowPolicy::Drop };
        settings.clients.duplicate = if limits.2 { Duplicate::Refuse } else { Duplicate::Replace };
        settings.limits.accept_rate = u32::from(limits.0);
        let mut keys = keys;
        keys.sort();
        keys.dedup();
        settings.auth.tokens =
            keys.iter().map(|key| Token { token: Secret::new(key), client_id: "me".to_owned(), capabilities: None }).collect();
        settings.admin.api_keys = keys.iter().map(Secret::new).collect();
        settings.routes = route.into_iter().collect();
        settings.rooms.overrides = vec![RoomOverride {
            pattern: pattern.parse().unwrap(),
            on_partition: limits.1.then_some(OnPartition::LocalOnly),
            partition_buffer: limits.2.then_some(u32::from(limits.0) + 1),
            presence_changes: presence,
        }];
        settings.cluster.etcd.username = "hub".to_owned();
        settings.cluster.etcd.password = Secret::new(password);
        settings
    }
}

fn parse(text: &str) -> Result<Settings, gohub_settings::SettingsError> {
    Settings::from_yaml(text, std::iter::empty())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_for_a_hub_is_read_back_the_same(settings in some_settings()) {
        prop_assume!(settings.cluster.etcd.password.expose() != "***");
        let read = parse(&settings.to_yaml_with_secrets()).unwrap();
        prop_assert!(diff(&settings, &read).is_empty());
        prop_assert_eq!(settings.hash(), read.hash());
        prop_assert_eq!(settings, read);
    }

    #[test]
    fn printed_settings_show_no_key(settings in some_settings()) {
        let printed = settings.to_yaml() + &format!("{settings:?}");
        for key in &settings.admin.api_keys {
            prop_assert!(!printed.contains(key.expose()));
        }
    }

    #[test]
    fn the_hash_differs_exactly_when_the_settings_do(a in some_settings(), b in some_settings()) {
        prop_assert_eq!(a == b, a.hash() == b.hash());
        prop_assert_eq!(a == b, diff(&a, &b).is_empty());
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in vec(any::<u8>(), 0..512)) {
        let text = String::from_utf8_lossy(&bytes);
        drop((parse(&text), Settings::hash_of_text(&text)));
    }

    #[test]
    fn no_text_that_looks_like_yaml_makes_it_panic(text in "((server|log|routes|addr|level|[a-z]{1,4}|- |\\? |: |\\{|\\}|\\[|\\]|&a |\\*a|!t |'|\"|<<|\n|  |1e9|\\.inf|~|#){1,3}){0,40}") {
        drop(parse(&text));
    }

    #[test]
    fn a_file_cut_in_half_never_makes_it_panic(cut in 0_usize..20_000) {
        let file = Settings::reference();
        let end = (0..=cut.min(file.len())).rev().find(|end| file.is_char_boundary(*end)).unwrap();
        drop(parse(&file[..end]));
    }

    #[test]
    fn no_variable_makes_it_panic(name in "(?i)gohub_[a-z_é0-9]{0,40}", value in ".{0,60}") {
        drop(Settings::from_yaml("", std::iter::once((name, value))));
    }

    #[test]
    fn no_value_of_a_real_field_makes_it_panic(field in 0_usize..6, value in ".{0,60}") {
        let name = ["SERVER__ADDR", "ROUTES", "ADMIN__API_KEYS", "HEARTBEAT__INTERVAL", "LIMITS__MAX_ROOMS", "LOG__LEVEL"][field];
        drop(Settings::from_yaml("", std::iter::once((format!("GOHUB_{name}"), value))));
    }

    #[test]
    fn durations_and_sizes_are_read_back_as_written(number in 0_u64..=31_622_400_000) {
        let (duration, size) = (Duration::from_millis(number), ByteSize::from_bytes(number));
        prop_assert_eq!(duration.to_string().parse(), Ok(duration));
        prop_assert_eq!(size.to_string().parse(), Ok(size));
    }
}

#[test]
fn a_billion_laughs_and_a_deep_nest_are_refused_soon() {
    let mut laughs = "a: &a [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in b'b'..=b'k' {
        let (name, last) = (level as char, (level - 1) as char);
        laughs += &format!("{name}: &{name} [{}]\n", vec![format!("*{last}"); 10].join(", "));
    }
    let begun = std::time::Instant::now();
    assert!(parse(&laughs).is_err());
    assert!(parse(&"[".repeat(1_000)).is_err());
    assert!(parse(&"[".repeat(100_000)).is_err());
    assert!(parse(&"a: {".repeat(100_000)).is_err());
    assert!(parse(&"- ".repeat(100_000)).is_err());
    assert!(parse(&"? ".repeat(100_000)).is_err());
    assert!(begun.elapsed().as_secs() < 20, "took {:?}", begun.elapsed());
}
