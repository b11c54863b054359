//! Turns plain numbers into the metric families a registry gathers.

use prometheus::proto::{self, LabelPair, Metric, MetricFamily, MetricType};

use super::histogram::Snapshot;

/// A counter without labels.
pub(super) fn counter(name: &str, help: &str, value: u64) -> MetricFamily {
    counters(name, help, "", [(String::new(), value)])
}

/// A counter whose series differ in the one label `label`.
pub(super) fn counters<V: Into<String>>(
    name: &str,
    help: &str,
    label: &str,
    values: impl IntoIterator<Item = (V, u64)>,
) -> MetricFamily {
    seconds(name, help, label, values.into_iter().map(|(key, value)| (key, value as f64)))
}

/// A counter of something that is not whole, such as seconds.
pub(super) fn seconds<V: Into<String>>(
    name: &str,
    help: &str,
    label: &str,
    values: impl IntoIterator<Item = (V, f64)>,
) -> MetricFamily {
    let metrics = values.into_iter().map(|(key, value)| {
        let mut counter = proto::Counter::default();
        counter.set_value(value);
        let mut metric = labelled(label, key.into());
        metric.set_counter(counter);
        metric
    });
    family(name, help, MetricType::COUNTER, metrics.collect())
}

/// A gauge without labels.
pub(super) fn gauge(name: &str, help: &str, value: f64) -> MetricFamily {
    gauges(name, help, "", [(String::new(), value)])
}

/// A gauge whose series differ in the one label `label`.
pub(super) fn gauges<V: Into<String>>(
    name: &str,
    help: &str,
    label: &str,
    values: impl IntoIterator<Item = (V, f64)>,
) -> MetricFamily {
    let metrics = values.into_iter().map(|(key, value)| {
        let mut gauge = proto::Gauge::default();
        gauge.set_value(value);
        let mut metric = labelled(label, key.into());
        metric.set_gauge(gauge);
        metric
    });
    family(name, help, MetricType::GAUGE, metrics.collect())
}

/// A histogram without labels.
pub(super) fn histogram(name: &str, help: &str, snapshot: &Snapshot) -> MetricFamily {
    let buckets = snapshot.cumulative().map(|(bound, count)| {
        let mut bucket = proto::Bucket::default();
        bucket.set_upper_bound(bound);
        bucket.set_cumulative_count(count);
        bucket
    });
    let mut histogram = proto::Histogram::default();
    histogram.set_bucket(buckets.collect());
    histogram.set_sample_count(snapshot.count());
    histogram.set_sample_sum(snapshot.sum());
    let mut metric = Metric::default();
    metric.set_histogram(histogram);
    family(name, help, MetricType::HISTOGRAM, vec![metric])
}

fn labelled(name: &str, value: String) -> Metric {
    if name.is_empty() {
        return Metric::default();
    }
    let mut pair = LabelPair::default();
    pair.set_name(name.to_owned());
    pair.set_value(value);
    Metric::from_label(vec![pair])
}

fn family(name: &str, help: &str, kind: MetricType, metrics: Vec<Metric>) -> MetricFamily {
    let mut family = MetricFamily::default();
    family.set_name(name.to_owned());
    family.set_help(help.to_owned());
    family.set_field_type(kind);
    family.set_metric(metrics);
    family
}
