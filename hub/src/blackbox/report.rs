//! The lives of a client's connections as people read them: what `gohub why` prints. Pure.

use std::fmt::Write as _;

use super::life::{Entry, Life, Lives};

/// The report; several lines.
#[must_use]
pub fn report(lives: &Lives) -> String {
    let mut out = String::new();
    if lives.lives.is_empty() {
        line(
            &mut out,
            &format!("{}: no hub knows a connection of it, open or ended a while ago", shown(&lives.client_id)),
        );
    }
    for life in &lives.lives {
        tell(&mut out, &lives.client_id, life);
    }
    for missing in &lives.missing {
        line(
            &mut out,
            &format!(
                "hub {} did not answer ({}): connections there are not shown",
                shown(&missing.node),
                shown(&missing.error)
            ),
        );
    }
    out
}

fn tell(out: &mut String, client: &str, life: &Life) {
    let Life { node, connection, address, format, opened_at, recovered, counts, .. } = life;
    line(out, &format!("{}, connection {connection} on {}, from {address}, {format}", shown(client), shown(node)));
    let resumed = match recovered {
        None => "",
        Some(true) => ", went on where it was",
        Some(false) => ", wanted to go on where it was and could not",
    };
    line(out, &format!("  {}  connected{resumed}", time(*opened_at)));
    if life.events_dropped > 0 {
        line(out, &format!("  ...  {} events were not kept (why.events)", life.events_dropped));
    }
    for event in &life.events {
        line(out, &format!("  {}  {}", time(event.at), words(event)));
    }
    if let Some(now) = &life.now {
        let mut state = vec![format!("open; last sign of life {} ms ago", now.silent_ms)];
        if now.blocked {
            state.push("takes no bytes".to_owned());
        }
        if now.paused {
            state.push("is not read from (over a limit)".to_owned());
        }
        if let Some(left) = now.expires_in_ms {
            state.push(format!("its token ends in {} s", left / 1000));
        }
        line(out, &format!("  now  {}", state.join("; ")));
        let rooms = if now.rooms.is_empty() { "none".to_owned() } else { shown(&now.rooms.join(", ")) };
        line(out, &format!("       rooms: {rooms}"));
        let waiting = now.unsent_bytes + now.pending_bytes;
        line(out, &format!("       waiting for it: {waiting} bytes; requests under way: {}", now.inflight));
    }
    if let Some(end) = &life.end {
        let who = match end.by.as_str() {
            "client" => "by the client",
            "network" => "the stream was gone",
            _ => "by the hub",
        };
        line(out, &format!("  {}  closed {who}, {}: {}", time(end.at), end.code, shown(&end.reason)));
        if end.unsent_bytes + end.behind_bytes > 0 {
            let (unsent, behind) = (end.unsent_bytes, end.behind_bytes);
            line(out, &format!("       not sent: {unsent} bytes of its own; the log was {behind} bytes ahead of it"));
        }
    }
    let (published, refused, delivered, sent) = (counts.published, counts.refused, counts.delivered, counts.bytes_sent);
    line(out, &format!("  all  published {published}, refused {refused}, got {delivered} messages, {sent} bytes"));
}

fn words(event: &Entry) -> String {
    let room = shown(event.room.as_deref().unwrap_or_default());
    let code = shown(event.code.as_deref().unwrap_or_default());
    let mut text = match event.what.as_str() {
        "joined" => format!("entered {room}"),
        "left" => format!("left {room}"),
        "refused" => format!("was refused: {code}"),
        "limited" => format!("reached {code}, was not read from for a while"),
        "blocked" => "took no more bytes".to_owned(),
        "gap" => format!("missed messages: {code}"),
        "new_epoch" => "the epoch changed".to_owned(),
        "token_ends" => "was told that its token ends".to_owned(),
        "refreshed" => "brought a new token".to_owned(),
        "rights_changed" => "the back end changed what it may do".to_owned(),
        "drain" => "was told that the hub goes".to_owned(),
        other => shown(other),
    };
    match event.by.as_deref() {
        Some("back_end") => text.push_str(" (by the back end)"),
        Some("rights") => text.push_str(" (it may not be there any more)"),
        _ => {}
    }
    if let Some(detail) = &event.detail {
        let _written = write!(text, " ({})", shown(detail));
    }
    if let (Some(until), true) = (event.until, event.times > 1) {
        let _written = write!(text, ", {} times until {}", event.times, time(until));
    }
    text
}

fn line(out: &mut String, text: &str) {
    out.push_str(text);
    out.push('\n');
}

/// Names come from peers, and terminals obey control characters.
fn shown(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { '\u{fffd}' } else { character }).collect()
}

/// Unix milliseconds as a time of day in UTC, with the date: `2026-11-23 15:04:41.120`. The days as in "chrono-Compatible Low-Level Date Algorithms".
fn time(millis: u64) -> String {
    let (days, rest) = (millis / 86_400_000, millis % 86_400_000);
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hours, minutes, seconds) = (rest / 3_600_000, rest / 60_000 % 60, rest / 1000 % 60);
    format!("{year:04}-{month:02}-{day:02} {hours:02}:{minutes:02}:{seconds:02}.{:03}", rest % 1000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blackbox::{Counts, Ending};
    use crate::inventory::Missing;

    #[test]
    fn times_are_those_of_the_calendar() {
        for (millis, text) in [
            (0, "1970-01-01 00:00:00.000"),
            (951_782_400_000, "2000-02-29 00:00:00.000"),
            (1_748_000_000_123, "2025-05-23 11:33:20.123"),
            (4_107_542_399_999, "2100-02-28 23:59:59.999"),
            (4_107_542_400_000, "2100-03-01 00:00:00.000"),
        ] {
            assert_eq!(time(millis), text);
        }
    }

    #[test]
    fn a_life_is_told_in_lines_and_no_name_steers_a_terminal() {
        let entry = |what: &str| Entry { at: 1_000, times: 1, what: what.to_owned(), ..Entry::default() };
        let events = vec![
            Entry { room: Some("lob\u{1b}by".to_owned()), by: Some("back_end".to_owned()), ..entry("joined") },
            Entry { until: Some(2_000), times: 7, ..entry("published") },
            Entry {
                code: Some("slow_client".to_owned()),
                detail: Some("12 messages, 1-0 to 2-0".to_owned()),
                ..entry("gap")
            },
        ];
        let end = Ending {
            at: 3_000,
            code: 4001,
            by: "hub".to_owned(),
            reason: "too far behind".to_owned(),
            ..Ending::default()
        };
        let life = Life {
            node: "hub-0".to_owned(),
            connection: "17".to_owned(),
            address: "127.0.0.1:4".to_owned(),
            format: "gohub.v1.json".to_owned(),
            recovered: Some(true),
            counts: Counts { published: 7, refused: 0, delivered: 3, bytes_sent: 99 },
            events,
            end: Some(end),
            ..Life::default()
        };
        let missing = vec![Missing { node: "hub-1".to_owned(), error: "no answer within 2s".to_owned() }];
        let text = report(&Lives { client_id: "alice".to_owned(), lives: vec![life], missing });
        let expected = "\
alice, connection 17 on hub-0, from 127.0.0.1:4, gohub.v1.json
  1970-01-01 00:00:00.000  connected, went on where it was
  1970-01-01 00:00:01.000  entered lob\u{fffd}by (by the back end)
  1970-01-01 00:00:01.000  published, 7 times until 1970-01-01 00:00:02.000
  1970-01-01 00:00:01.000  missed messages: slow_client (12 messages, 1-0 to 2-0)
  1970-01-01 00:00:03.000  closed by the hub, 4001: too far behind
  all  published 7, refused 0, got 3 messages, 99 bytes
hub hub-1 did not answer (no answer within 2s): connections there are not shown
";
        assert_eq!(text, expected);
        assert!(report(&Lives { client_id: "bob".to_owned(), ..Lives::default() }).starts_with("bob: no hub knows"));
    }
}
