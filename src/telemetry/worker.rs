//! What a worker counts. Names are an interface: docs/metrics.md has them all.

use std::time::Duration;

use opentelemetry::metrics::Meter;

use super::meter::meter;
use super::metrics::{Level, Numbers, Page, PairCounts, Spread, Spreads};

/// Upper bounds of times, in seconds: from a step in Postgres to a photo that is hard to read.
const SECONDS: [f64; 13] =
    [0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0];

/// How a step or job ended, as `ops.throughput` has it.
pub mod ending {
    /// Well.
    pub const DONE: &str = "done";
    /// Badly: tried again, or given up.
    pub const FAILED: &str = "failed";
    /// It waits for somebody else.
    pub const PUT_OFF: &str = "put_off";

    pub(super) const ALL: [&str; 3] = [DONE, FAILED, PUT_OFF];
}

/// What became of an attempt to send.
pub mod sent {
    /// Meta took it.
    pub const ACCEPTED: &str = "accepted";
    /// Meta did not take it.
    pub const REFUSED: &str = "refused";
    /// Meta was not reached.
    pub const NOT_SENT: &str = "not_sent";
    /// Nobody knows yet: its echo is waited for.
    pub const UNKNOWN: &str = "unknown";

    pub(super) const ALL: [&str; 4] = [ACCEPTED, REFUSED, NOT_SENT, UNKNOWN];
}

/// How a call to somebody else ended.
const CALL_ENDINGS: [&str; 7] =
    ["answered", "refused", "slow_down", "failed", "not_sent", "outcome_unknown", "too_large"];

/// Whom a worker calls.
const CALLED: [&str; 3] = ["graph", "stripe", "anthropic"];

/// The queues.
const QUEUES: [&str; 3] = ["messages", "local_reading", "reminders"];

/// The engines, and what one can make of a photo.
const ENGINES: [&str; 3] = ["anthropic", "ppocr", "tesseract"];
const VERDICTS: [&str; 3] = ["receipt", "not_a_receipt", "unreadable"];

/// What a worker can do with a message.
const STEPS: [&str; 5] = ["extract", "match_customer", "record", "reply", "follow_move"];

/// The worker's numbers. A clone counts the same.
#[derive(Clone, Debug)]
pub struct WorkerMetrics {
    /// Steps by name and ending: see [`ending`].
    pub steps: PairCounts,
    /// How long steps took, in seconds, by name.
    pub step_s: Spreads,
    /// From a webhook to Meta having its answer, in seconds.
    pub answer_s: Spread,
    /// Readings by engine and verdict.
    pub readings: PairCounts,
    /// Calls by whom and how they ended.
    pub calls: PairCounts,
    /// How long calls took, in seconds, by whom.
    pub call_s: Spreads,
    /// Attempts to send by what is sent (`answer`, `delay`, `notice`, `reminder`) and [`sent`].
    pub sends: PairCounts,
    /// Numbers that are paused, as Postgres has it.
    pub paused_numbers: Level,
    /// When Postgres was last asked what the queues hold, in seconds since 1970; 0 before.
    pub looked_at: Level,
    meter: Meter,
    page: Page,
}

impl Default for WorkerMetrics {
    fn default() -> Self {
        let mut numbers = Numbers::default();
        let meter = meter(&numbers.entries(), "queue", &QUEUES);
        Self {
            steps: numbers.pair_counts(
                "paragon_worker_steps",
                "Steps of messages, by how they ended",
                ["step", "outcome"],
                [&STEPS, &ending::ALL],
            ),
            step_s: numbers.spreads(
                "paragon_worker_step_seconds",
                "How long a step took that was done or failed",
                "step",
                &STEPS,
                &SECONDS,
            ),
            answer_s: numbers.spread(
                "paragon_worker_answer_seconds",
                "From a webhook to Meta having its answer",
                &SECONDS,
            ),
            readings: numbers.pair_counts(
                "paragon_worker_readings",
                "What engines made of photos",
                ["engine", "verdict"],
                [&ENGINES, &VERDICTS],
            ),
            calls: numbers.pair_counts(
                "paragon_worker_calls",
                "Calls to others, by how they ended",
                ["to", "outcome"],
                [&CALLED, &CALL_ENDINGS],
            ),
            call_s: numbers.spreads(
                "paragon_worker_call_seconds",
                "How long a call took, with the body of its answer",
                "to",
                &CALLED,
                &SECONDS,
            ),
            sends: numbers.pair_counts(
                "paragon_worker_sends",
                "Attempts to send, by what came of them",
                ["what", "outcome"],
                [&["answer", "delay", "notice", "reminder"], &sent::ALL],
            ),
            paused_numbers: numbers.level(
                "paragon_worker_paused_numbers",
                "Numbers whose jobs wait because their token is dead",
            ),
            looked_at: numbers.level(
                "paragon_worker_looked_at_seconds",
                "When Postgres was last asked for this page, in seconds since 1970",
            ),
            meter,
            page: numbers.done(),
        }
    }
}

impl WorkerMetrics {
    /// Where the queue tells what it does; what it tells is shown with the rest.
    pub fn meter(&self) -> &Meter {
        &self.meter
    }

    /// A call to `to` has ended.
    pub fn called(&self, to: &'static str, outcome: &'static str, took: Duration) {
        self.calls.one(to, outcome);
        self.call_s.note(to, took.as_secs_f64());
    }

    /// All numbers, in the text form of `OpenMetrics`.
    pub fn text(&self) -> String {
        self.page.text()
    }
}
