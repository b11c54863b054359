//! What the hub says of itself after a run: the size of its log, its passes, its batches, its slow clients.

use serde_json::{Map, Value};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// The families worth a place in a report; of a histogram, its sum and count.
const WANTED: [&str; 13] = [
    "gohub_log_bytes",
    "gohub_log_entries",
    "gohub_passes_total",
    "gohub_pass_seconds_sum",
    "gohub_slow_clients_total",
    "gohub_bus_publishes_total",
    "gohub_bus_failures_total",
    "gohub_bus_queue_messages",
    "gohub_bus_batch_messages_sum",
    "gohub_bus_batch_messages_count",
    "gohub_bus_put_latency_seconds_sum",
    "gohub_bus_put_latency_seconds_count",
    "gohub_bus_watch_lag_revisions",
];

/// Reads `/metrics` of an admin listener; empty when it does not answer within a second, for it is not what is measured.
pub(crate) fn read(admin: SocketAddr) -> Map<String, Value> {
    fetch(admin).map(|text| select(&text)).unwrap_or_default()
}

fn fetch(admin: SocketAddr) -> std::io::Result<String> {
    let timeout = Some(Duration::from_secs(1));
    let mut stream = TcpStream::connect_timeout(&admin, Duration::from_secs(1))?;
    stream.set_read_timeout(timeout)?;
    write!(stream, "GET /metrics HTTP/1.1\r\nHost: {admin}\r\nConnection: close\r\n\r\n")?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    Ok(text)
}

/// Samples of the wanted families, those of one family added up over its labels.
fn select(text: &str) -> Map<String, Value> {
    let mut sums: Map<String, Value> = Map::new();
    for line in text.lines() {
        let Some((series, value)) = line.rsplit_once(' ') else { continue };
        let name = series.split('{').next().unwrap_or(series);
        if let (true, Ok(value)) = (WANTED.contains(&name), value.parse::<f64>()) {
            let sum = sums.get(name).and_then(Value::as_f64).unwrap_or(0.0) + value;
            sums.insert(name.to_owned(), sum.into());
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wanted_families_are_added_up_over_their_labels() {
        let text = "# HELP gohub_log_bytes 7\ngohub_log_bytes 12\ngohub_slow_clients_total{policy=\"drop\"} 2\n\
                    gohub_slow_clients_total{policy=\"kick\"} 3\ngohub_connections 9\n";
        let metrics = select(text);
        assert_eq!(metrics.len(), 2);
        assert_eq!(
            (metrics["gohub_log_bytes"].as_f64(), metrics["gohub_slow_clients_total"].as_f64()),
            (Some(12.0), Some(5.0))
        );
    }

    #[test]
    fn a_hub_that_does_not_answer_has_no_metrics() {
        assert!(read(SocketAddr::from(([127, 0, 0, 1], 1))).is_empty());
    }
}
