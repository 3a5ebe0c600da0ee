//! Numbers for Prometheus: what a program counts, and its text form. Labels are words of ours, never
//! anything that came from outside: nothing personal, and no more series than there are words.

use std::sync::Arc;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// The content type of [`Page::text`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// A page of numbers that is being made up: register everything, then [`Numbers::done`].
#[derive(Debug, Default)]
pub struct Numbers(Registry);

/// The numbers of a program, to be read at any time. A clone shows the same.
#[derive(Clone, Debug)]
pub struct Page(Arc<Registry>);

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

impl Numbers {
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

    /// Nothing more is registered.
    pub fn done(self) -> Page {
        Page(Arc::new(self.0))
    }
}

impl Page {
    /// All numbers, in the text form of `OpenMetrics`.
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a text does not fail.
        encode(&mut text, &self.0).ok();
        text
    }
}
