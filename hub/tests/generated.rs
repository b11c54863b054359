//! Documents that are made from the code, checked in, and must not drift from it.

use std::fmt::Write;
use std::path::Path;

use gohub::metrics::Metrics;

/// Compares `docs/<name>` with what the code says now; writes it anew and fails when they differ.
#[track_caller]
fn is_checked_in(name: &str, made: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name);
    if std::fs::read_to_string(&path).unwrap_or_default() != made {
        std::fs::write(&path, made).unwrap();
        panic!("docs/{name} had drifted from the code; it is written anew: look at it and commit it");
    }
}

#[test]
fn the_openapi_document_is_the_one_that_is_served() {
    is_checked_in("openapi.json", &format!("{}\n", gohub::admin::openapi().to_pretty_json().unwrap()));
}

#[test]
fn every_call_has_a_name_of_its_own_for_generated_clients() {
    let document = serde_json::to_value(gohub::admin::openapi()).unwrap();
    let calls = document["paths"].as_object().unwrap().values().flat_map(|path| path.as_object().unwrap().values());
    let mut names: Vec<&str> = calls.map(|call| call["operationId"].as_str().unwrap()).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count, "{names:?}");
}

#[tokio::test]
async fn every_metric_is_documented() {
    let metrics = Metrics::default();
    let shard = metrics.shard();
    // A family without a single series is not shown.
    shard.closes.inc(1012);
    let net = metrics.net();
    let bus = metrics.bus();
    for tally in [
        &shard.gaps,
        &shard.errors,
        &shard.shared_debts,
        &net.refused,
        &net.tls_failures,
        &net.tokens,
        &net.tickets,
        &net.key_fetches,
        &net.hook_calls,
        &net.webhooks,
        &bus.failures,
    ] {
        tally.inc("x");
    }
    net.api_answers.inc(200);
    metrics.config().loaded("x");

    let mut page = String::from(
        "# Metrics\n\nWhat `/metrics` on the admin listener shows, in Prometheus' text format. No label holds what a peer chose: no room, no client,\n\
         no path. Written by `hub/tests/generated.rs` from the hub itself.\n\n| metric | type | labels | what |\n| --- | --- | --- | --- |\n",
    );
    for family in metrics.registry().gather() {
        let labels: Vec<_> =
            family.get_metric()[0].get_label().iter().map(|label| format!("`{}`", label.name())).collect();
        let kind = format!("{:?}", family.get_field_type()).to_lowercase();
        writeln!(page, "| `{}` | {kind} | {} | {} |", family.name(), labels.join(", "), family.help()).unwrap();
    }
    is_checked_in("metrics.md", &page);
}
