//! The tables of the specification are written from the enums, so that the text an SDK author
//! reads cannot disagree with what the hub does.

use std::{env, fmt::Write as _, fs, path::PathBuf};

use gohub::protocol::{CloseCode, ErrorCode, Field, Format, GapReason, MAX_DATA_DEPTH, MAX_NAME_BYTES, MessageId};
use serde_json::{Value, json};

fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../sdk/protocol")
}

/// Compares a generated file with what it should be; writes it and fails when it has drifted.
fn assert_current(name: &str, expected: &str, same: impl Fn(&str) -> bool) {
    let path = directory().join(name);
    if fs::read_to_string(&path).is_ok_and(|text| same(&text)) {
        return;
    }
    fs::write(&path, expected).unwrap();
    let asked = env::var_os("GOHUB_GENERATE").is_some();
    assert!(asked, "sdk/protocol/{name} had drifted and was written anew: review and commit it");
}

fn yes(value: bool) -> &'static str {
    if value { "yes" } else { "no" }
}

fn table(head: &str, rows: impl Iterator<Item = String>) -> String {
    let mut text = format!("{head}\n{}|\n", "| --- ".repeat(head.matches('|').count() - 1));
    for row in rows {
        writeln!(text, "{row}").unwrap();
    }
    text
}

/// Replaces what stands between the marks of a section.
fn fill(text: &str, section: &str, table: &str) -> String {
    let open = format!("<!-- generated: {section} -->\n");
    let (before, rest) = text.split_once(&open).unwrap_or_else(|| panic!("PROTOCOL.md has no mark for {section}"));
    let (_, after) = rest.split_once("<!-- /generated -->").expect("the mark is closed");
    format!("{before}{open}{table}<!-- /generated -->{after}")
}

#[test]
fn the_generated_tables_of_the_specification_are_current() {
    let ids = MessageId::ALL.iter().map(|message| {
        format!("| {} | `{}` | {} | {} |", message.id(), message.name(), message.direction(), message.what())
    });
    let fields = Field::ALL.iter().map(|field| format!("| `{}` | {} | {} |", field.name(), field.key(), field.what()));
    let errors = ErrorCode::ALL
        .iter()
        .map(|code| format!("| `{}` | {} | {} |", code.name(), yes(code.retryable()), code.what()));
    let gaps = GapReason::ALL.iter().map(|reason| format!("| `{}` | {} |", reason.name(), reason.what()));
    let closes = CloseCode::ALL
        .iter()
        .map(|code| format!("| {} | `{}` | {} | {} |", code.code(), code.reason(), code.action().name(), code.what()));
    let mut text = fs::read_to_string(directory().join("PROTOCOL.md")).unwrap();
    for (section, table) in [
        ("ids", table("| id | name | from | what |", ids)),
        ("fields", table("| JSON name | CBOR key | what |", fields)),
        ("error_codes", table("| code | retryable | what |", errors)),
        ("gap_reasons", table("| reason | what |", gaps)),
        ("close_codes", table("| code | reason | action | what happened, what an SDK does |", closes)),
    ] {
        text = fill(&text, section, &table);
    }
    assert_current("PROTOCOL.md", &text, |there| there == text);
}

#[test]
fn the_generated_tables_for_programs_are_current() {
    let tables = json!({
        "about": "Generated from the hub's enums by hub/tests/specification.rs: make constants from it.",
        "version": gohub::protocol::VERSION,
        "subprotocols": Format::ALL.map(Format::subprotocol),
        "limits": { "name_bytes": MAX_NAME_BYTES, "field_bytes": gohub::protocol::MAX_FIELD_BYTES, "data_depth": MAX_DATA_DEPTH },
        "first_application_id": MessageId::FIRST_APPLICATION,
        "ids": MessageId::ALL.iter()
            .map(|message| json!({ "id": message.id(), "name": message.name(), "from": message.direction() }))
            .collect::<Vec<_>>(),
        "fields": Field::ALL.iter()
            .map(|field| json!({ "name": field.name(), "key": field.key() }))
            .collect::<Vec<_>>(),
        "error_codes": ErrorCode::ALL.iter()
            .map(|code| json!({ "name": code.name(), "retryable": code.retryable() }))
            .collect::<Vec<_>>(),
        "gap_reasons": GapReason::ALL.iter().map(|reason| reason.name()).collect::<Vec<_>>(),
        "close_codes": CloseCode::ALL.iter()
            .map(|code| json!({ "code": code.code(), "reason": code.reason(), "action": code.action().name() }))
            .collect::<Vec<_>>(),
    });
    // By value: the order of keys depends on features that other crates switch on.
    let same = |there: &str| serde_json::from_str::<Value>(there).is_ok_and(|there| there == tables);
    assert_current("vectors/tables.json", &format!("{tables:#}\n"), same);
}
