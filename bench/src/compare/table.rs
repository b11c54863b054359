//! The comparison for people, on standard error.

use super::Comparison;
use std::fmt::Write as _;
use std::io::Write as _;

/// Rows of text, columns aligned when printed.
pub(super) struct Table(Vec<Vec<String>>);

impl Table {
    /// One row per measurement, then one per ratio.
    pub(super) fn of(comparison: &Comparison) -> Self {
        let head = [
            "measurement",
            "connections",
            "deliveries/s",
            "lost",
            "p50 ms",
            "p99 ms",
            "cpu s/M",
            "server",
            "client",
            "KiB/conn",
        ];
        let mut rows = vec![head.map(str::to_owned).to_vec()];
        let some = |value: Option<f64>, places: usize| {
            value.map_or_else(|| "-".to_owned(), |value| format!("{value:.places$}"))
        };
        for measured in &comparison.measurements {
            let report = &measured.report;
            rows.push(vec![
                measured.label.clone(),
                report.connections.to_string(),
                millions(report.deliveries_per_second),
                report.lost.to_string(),
                some(report.latency_ms.map(|latency| latency.p50), 1),
                some(report.latency_ms.map(|latency| latency.p99), 1),
                some(report.server.cpu_seconds_per_million, 3),
                some(report.server.server_cores, 2),
                format!("{:.2}", report.client_cores),
                some(report.server.kib_per_connection, 2),
            ]);
        }
        rows.push(Vec::new());
        rows.push(["ratio", "hub", "limit", "ratio"].map(str::to_owned).to_vec());
        for ratio in &comparison.ratios {
            let figure = |value: f64| if value >= 100_000.0 { millions(value) } else { format!("{value}") };
            rows.push(vec![ratio.what.clone(), figure(ratio.hub), figure(ratio.limit), format!("{:.2}", ratio.ratio)]);
        }
        Self(rows)
    }

    fn text(&self) -> String {
        let columns = self.0.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| self.0.iter().filter_map(|row| row.get(column)).map(String::len).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let mut text = String::new();
        for row in &self.0 {
            for (at, cell) in row.iter().enumerate() {
                let width = widths[at];
                // Writing into a string cannot fail.
                let _written = if at == 0 { write!(text, "{cell:<width$}") } else { write!(text, "  {cell:>width$}") };
            }
            text.push('\n');
        }
        text
    }

    /// Prints it.
    ///
    /// # Errors
    /// When standard error is closed.
    pub(super) fn print(&self) -> anyhow::Result<()> {
        Ok(std::io::stderr().write_all(self.text().as_bytes())?)
    }
}

fn millions(value: f64) -> String {
    format!("{:.2} M", value / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let table = Table(vec![vec!["a".into(), "bbb".into()], vec![], vec!["cc".into(), "d".into()]]);
        assert_eq!(table.text(), "a   bbb\n\ncc    d\n");
    }
}
