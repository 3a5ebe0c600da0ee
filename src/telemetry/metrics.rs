//! Numbers for Prometheus: what a program counts, and its text form. Labels are words of ours, never
//! anything that came from outside: nothing personal, and no more series than there are words.

use std::sync::{Arc, PoisonError, RwLock};

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::{Family, MetricConstructor};
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Metric, Registry};

/// The content type of [`Page::text`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// A page of numbers that is being made up: register everything, then [`Numbers::done`].
#[derive(Debug, Default)]
pub struct Numbers(Entries);

/// What stands on a page. A clone is the same page.
#[derive(Clone, Debug, Default)]
pub(super) struct Entries(Arc<RwLock<Registry>>);

/// The numbers of a program, to be read at any time. A clone shows the same.
#[derive(Clone, Debug)]
pub struct Page(Entries);

/// Something that is counted by its one label.
#[derive(Clone, Debug)]
pub struct Counts {
    label: &'static str,
    by: Family<[(&'static str, &'static str); 1], Counter>,
}

impl Counts {
    /// Counts one more of `word`.
    pub fn one(&self, word: &'static str) {
        self.several(word, 1);
    }

    /// Counts `more` of `word`.
    pub fn several(&self, word: &'static str, more: usize) {
        let more = u64::try_from(more).unwrap_or(u64::MAX);
        self.by.get_or_create(&[(self.label, word)]).inc_by(more);
    }
}

/// Something that is counted by two labels.
#[derive(Clone, Debug)]
pub struct PairCounts {
    labels: [&'static str; 2],
    by: Family<[(&'static str, &'static str); 2], Counter>,
}

impl PairCounts {
    /// Counts one more of this pair of words.
    pub fn one(&self, first: &'static str, second: &'static str) {
        self.by(first, second).inc();
    }

    fn by(&self, first: &'static str, second: &'static str) -> Counter {
        let [one, other] = self.labels;
        self.by.get_or_create_owned(&[(one, first), (other, second)])
    }
}

/// A number that goes up and down.
#[derive(Clone, Debug)]
pub struct Level(Gauge);

impl Level {
    /// It is `now`.
    pub fn set(&self, now: u64) {
        self.0.set(i64::try_from(now).unwrap_or(i64::MAX));
    }
}

/// How often what was measured was how much.
#[derive(Clone, Debug)]
pub struct Spread(Histogram);

impl Spread {
    /// Notes one measurement.
    pub fn note(&self, measured: f64) {
        self.0.observe(measured);
    }
}

/// The same for each word of one label.
#[derive(Clone, Debug)]
pub struct Spreads {
    label: &'static str,
    by: Family<[(&'static str, &'static str); 1], Histogram, Buckets>,
}

impl Spreads {
    /// Notes one measurement of `word`.
    pub fn note(&self, word: &'static str, measured: f64) {
        self.by.get_or_create(&[(self.label, word)]).observe(measured);
    }
}

/// Upper bounds of a histogram's buckets.
#[derive(Clone, Debug)]
pub(super) struct Buckets(pub Vec<f64>);

impl MetricConstructor<Histogram> for Buckets {
    fn new_metric(&self) -> Histogram {
        Histogram::new(self.0.iter().copied())
    }
}

impl Entries {
    /// Puts `metric` on the page.
    pub(super) fn register(&self, name: &str, help: &str, metric: impl Metric) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).register(name, help, metric);
    }
}

impl Numbers {
    /// The page, for who puts numbers on it in their own way.
    pub(super) fn entries(&self) -> Entries {
        self.0.clone()
    }

    /// A count of events by `label`, named `name` (`_total` is added). Each of `words` is shown from
    /// the start: a count of 0 is an answer too.
    pub fn counts(
        &mut self,
        name: &str,
        help: &str,
        label: &'static str,
        words: &[&'static str],
    ) -> Counts {
        let counts = Counts { label, by: Family::default() };
        self.0.register(name, help, counts.by.clone());
        for word in words {
            counts.several(word, 0);
        }
        counts
    }

    /// A number that goes up and down.
    pub fn level(&mut self, name: &str, help: &str) -> Level {
        let level = Level(Gauge::default());
        self.0.register(name, help, level.0.clone());
        level
    }

    /// Measurements, counted in `buckets` by their upper bounds.
    pub fn spread(&mut self, name: &str, help: &str, buckets: &[f64]) -> Spread {
        let spread = Spread(Histogram::new(buckets.iter().copied()));
        self.0.register(name, help, spread.0.clone());
        spread
    }

    /// The same by two labels; each pair of `words` is shown from the start.
    pub fn pair_counts(
        &mut self,
        name: &str,
        help: &str,
        labels: [&'static str; 2],
        words: [&[&'static str]; 2],
    ) -> PairCounts {
        let counts = PairCounts { labels, by: Family::default() };
        self.0.register(name, help, counts.by.clone());
        let [firsts, seconds] = words;
        for first in firsts {
            for second in seconds {
                counts.by(first, second);
            }
        }
        counts
    }

    /// Measurements for each of `words`.
    pub fn spreads(
        &mut self,
        name: &str,
        help: &str,
        label: &'static str,
        words: &[&'static str],
        buckets: &[f64],
    ) -> Spreads {
        let by = Family::new_with_constructor(Buckets(buckets.to_vec()));
        self.0.register(name, help, by.clone());
        for word in words {
            drop(by.get_or_create(&[(label, *word)]));
        }
        Spreads { label, by }
    }

    /// Nothing more is made here.
    pub fn done(self) -> Page {
        Page(self.0)
    }
}

impl Page {
    /// All numbers, in the text form of `OpenMetrics`.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let entries = self.0.0.read().unwrap_or_else(PoisonError::into_inner);
        // Writing to a text does not fail.
        encode(&mut text, &entries).ok();
        text
    }
}
