//! The whole program against a small hub that behaves, and against one that does not: what it counts must be what happened.

#[path = "measurements/broadcaster.rs"]
mod broadcaster;

use broadcaster::{Broadcaster, Manners};
use serde_json::Value;
use std::process::Command;

const SHORT: [&str; 6] = ["--seconds", "0.3", "--warmup", "0.1", "--settle", "3"];

fn measure(arguments: &[&str]) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_gohub-bench")).args(arguments).args(SHORT).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text.lines().count(), 1, "one line of JSON: {text}");
    serde_json::from_str(&text).unwrap()
}

fn measure_at(url: &str, arguments: &[&str]) -> Value {
    measure(&[arguments, &["--url", url]].concat())
}

#[track_caller]
fn assert_clean(report: &Value, receivers: u64) {
    let published = report["published"].as_u64().unwrap();
    assert!(published > 0, "{report}");
    assert_eq!(report["expected"], published * receivers, "{report}");
    assert_eq!(report["delivered"], report["expected"], "{report}");
    for name in ["lost", "duplicated", "reordered", "misdelivered"] {
        assert_eq!(report[name], 0, "{name}: {report}");
    }
    assert!(report["machine"]["cores"].as_u64().unwrap() > 0);
}

#[test]
fn the_kernels_limit_is_measured_without_loss() {
    for pace in [["--outstanding", "64"], ["--rate", "200"]] {
        let report = measure(&[&["limit", "-n", "50", "--batch", "8", "--envelope", "60"], &pace[..]].concat());
        assert_clean(&report, 50);
        assert_eq!(report["wire_bytes_per_delivery"].as_f64(), Some(192.0), "header, envelope, payload");
        assert!(report["server_cores"].is_number() && report["latency_ms"]["p99"].is_number(), "{report}");
    }
}

#[test]
fn every_broadcast_is_counted() {
    let hub = Broadcaster::start(Manners::Good);
    let report = measure_at(&hub.url, &["fanout", "-n", "50", "--outstanding", "16", "--publishers", "3"]);
    assert_clean(&report, 50);
    let report = measure_at(&hub.url, &["fanout", "-n", "20", "--rate", "300", "--lazy-us", "1000"]);
    assert_clean(&report, 20);
}

#[test]
fn a_hub_that_loses_doubles_and_swaps_is_found_out() {
    let hub = Broadcaster::start(Manners::Bad);
    let report = measure_at(&hub.url, &["fanout", "-n", "10", "--rate", "300"]);
    let counts = ["lost", "duplicated", "reordered"].map(|name| report[name].as_u64().unwrap());
    assert_eq!(counts, [1, 1, 1], "{report}");
}

#[test]
fn unicasts_rooms_and_clusters_are_counted() {
    let hub = Broadcaster::start(Manners::Good);
    assert_clean(&measure_at(&hub.url, &["unicast", "-n", "20", "--senders", "5", "--outstanding", "10"]), 1);
    let report =
        measure_at(&hub.url, &["rooms", "--rooms", "6", "--members", "4", "--joined", "2", "--outstanding", "12"]);
    assert_clean(&report, 4);
    assert_eq!(report["connections"], 12);
    let report = measure_at(&hub.url, &["cluster", "-n", "12", "--publishers", "4", "--rate", "200"]);
    assert_clean(&report, 12);
    assert_eq!((&report["same_order"], &report["unacked"]), (&Value::Bool(true), &Value::from(0)), "{report}");
    assert!(report["ack_latency_ms"]["p99"].is_number());
}

#[test]
fn idle_connections_and_storms_are_reported() {
    let hub = Broadcaster::start(Manners::Good);
    let pid = std::process::id().to_string();
    let report =
        measure_at(&hub.url, &["idle", "-n", "20", "--message-bytes", "61440", "--rest", "0.1", "--pid", &pid]);
    assert!(report["kib_per_connection"].is_number() && report["message_bytes"] == 61_440, "{report}");
    let report = measure_at(&hub.url, &["storm", "-n", "20", "--rounds", "2"]);
    assert_eq!(report["rounds"].as_array().unwrap().len(), 2, "{report}");
    assert_eq!(report["rounds"][0]["refused"], 0);
}

#[test]
fn a_comparison_sets_the_hub_against_the_limit() {
    let hub = Broadcaster::start(Manners::Good);
    let report = measure_at(&hub.url, &["compare", "--quick", "--formats", "json"]);
    let ratios = report["ratios"].as_array().unwrap();
    assert!(ratios.iter().all(|ratio| ratio["ratio"].as_f64().is_some_and(|ratio| ratio > 0.0)), "{ratios:?}");
    let labels: Vec<&str> =
        report["measurements"].as_array().unwrap().iter().map(|one| one["label"].as_str().unwrap()).collect();
    for wanted in ["limit, batch 256, 512 outstanding", "hub, gohub.v1.json, 512 outstanding", "hub, idle"] {
        assert!(labels.contains(&wanted), "{wanted} in {labels:?}");
    }
}

#[test]
fn what_cannot_work_is_refused_in_words() {
    let refused = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_gohub-bench")).args(arguments).output().unwrap();
        assert!(!output.status.success(), "{arguments:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(refused(&["fanout", "--url", "ws://127.0.0.1:1/ws", "-n", "1"]).contains("refused"));
    assert!(refused(&["fanout", "--hub", "/nonexistent"]).contains("no hub"));
    assert!(refused(&["limit", "-n", "100000000"]).contains("descriptors"));
}
