//! OpenTelemetry's instruments as numbers of ours, for a library that tells OpenTelemetry what it does
//! (the queue). Knows counters, gauges and histograms of its kinds, and drops every other.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use opentelemetry::metrics::{
    Counter as OtelCounter, Gauge as OtelGauge, Histogram as OtelHistogram, HistogramBuilder,
    InstrumentBuilder, InstrumentProvider, Meter, SyncInstrument,
};
use opentelemetry::{KeyValue, Value};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Metric;

use super::metrics::{Buckets, Entries};

/// A measurement's attributes.
type Labels = Vec<(String, String)>;

/// The meter whose instruments are numbers of `entries`, named as Prometheus names what comes by OTLP:
/// dots are underscores, and a unit of seconds is part of the name. A counter is shown from the start
/// for each of `words` of the one label that it has: an alert sees its first step.
pub(super) fn meter(entries: &Entries, label: &'static str, words: &'static [&str]) -> Meter {
    Meter::new(Arc::new(Provider { entries: entries.clone(), label, words }))
}

struct Provider {
    entries: Entries,
    label: &'static str,
    words: &'static [&'static str],
}

/// How an instrument is called, and by which words it is explained.
struct Told<'a> {
    name: &'a str,
    unit: Option<&'a str>,
    description: Option<&'a str>,
}

impl Provider {
    fn register(&self, told: &Told<'_>, metric: impl Metric) {
        let seconds = if told.unit == Some("s") { "_seconds" } else { "" };
        let name = format!("{}{seconds}", told.name.replace('.', "_"));
        // The page ends each with a full stop of its own.
        let help = told.description.unwrap_or_default().trim_end_matches('.');
        self.entries.register(&name, help, metric);
    }
}

macro_rules! told {
    ($builder:expr) => {
        Told {
            name: &$builder.name,
            unit: $builder.unit.as_deref(),
            description: $builder.description.as_deref(),
        }
    };
}

impl InstrumentProvider for Provider {
    fn u64_counter(&self, builder: InstrumentBuilder<'_, OtelCounter<u64>>) -> OtelCounter<u64> {
        let family = Family::<Labels, Counter>::default();
        self.register(&told!(builder), family.clone());
        for word in self.words {
            let known = vec![(self.label.to_owned(), (*word).to_owned())];
            drop(family.get_or_create(&known));
        }
        OtelCounter::new(Arc::new(Counts(family)))
    }

    fn i64_gauge(&self, builder: InstrumentBuilder<'_, OtelGauge<i64>>) -> OtelGauge<i64> {
        let family = Family::<Labels, Gauge>::default();
        self.register(&told!(builder), family.clone());
        OtelGauge::new(Arc::new(Level(family)))
    }

    fn f64_gauge(&self, builder: InstrumentBuilder<'_, OtelGauge<f64>>) -> OtelGauge<f64> {
        let family = Family::<Labels, Gauge<f64, AtomicU64>>::default();
        self.register(&told!(builder), family.clone());
        OtelGauge::new(Arc::new(Amount(family)))
    }

    fn f64_histogram(
        &self,
        builder: HistogramBuilder<'_, OtelHistogram<f64>>,
    ) -> OtelHistogram<f64> {
        let buckets = Buckets(builder.boundaries.clone().unwrap_or_default());
        let family = Family::<Labels, Histogram, Buckets>::new_with_constructor(buckets);
        self.register(&told!(builder), family.clone());
        OtelHistogram::new(Arc::new(Spread(family)))
    }
}

struct Counts(Family<Labels, Counter>);
struct Level(Family<Labels, Gauge>);
struct Amount(Family<Labels, Gauge<f64, AtomicU64>>);
struct Spread(Family<Labels, Histogram, Buckets>);

impl SyncInstrument<u64> for Counts {
    fn measure(&self, measured: u64, attributes: &[KeyValue]) {
        self.0.get_or_create(&labels(attributes)).inc_by(measured);
    }
}

impl SyncInstrument<i64> for Level {
    fn measure(&self, measured: i64, attributes: &[KeyValue]) {
        self.0.get_or_create(&labels(attributes)).set(measured);
    }
}

impl SyncInstrument<f64> for Amount {
    fn measure(&self, measured: f64, attributes: &[KeyValue]) {
        self.0.get_or_create(&labels(attributes)).set(measured);
    }
}

impl SyncInstrument<f64> for Spread {
    fn measure(&self, measured: f64, attributes: &[KeyValue]) {
        self.0.get_or_create(&labels(attributes)).observe(measured);
    }
}

fn labels(attributes: &[KeyValue]) -> Labels {
    let text = |value: &Value| value.as_str().into_owned();
    attributes.iter().map(|it| (it.key.as_str().to_owned(), text(&it.value))).collect()
}
