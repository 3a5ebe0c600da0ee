//! What the ingress counts. Names are an interface: docs/metrics.md has them all.

use super::metrics::{Counts, Level, Numbers, Page, Spread};

/// Upper bounds of answer times, in seconds: Meta's own bars are 0.25 and 1.
const SECONDS: [f64; 11] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];

/// Upper bounds of the number of webhooks in one commit.
const WEBHOOKS: [f64; 9] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];

/// The ingress's numbers. A clone counts the same.
#[derive(Clone, Debug)]
pub struct IngressMetrics {
    /// Webhooks of Meta's by how they were answered: see [`outcome`].
    pub webhooks: Counts,
    /// From the whole request to the answer, in seconds.
    pub answer_s: Spread,
    /// Webhooks in each commit.
    pub commit_webhooks: Spread,
    /// What webhooks held: `message`, `repeated`, `status`, `news`, `kept`.
    pub items: Counts,
    /// Photos by what became of them: `inline`, `by_id`, `no_room`, `pending`.
    pub media: Counts,
    /// Bytes in the spool that wait to be replayed.
    pub spool_bytes: Level,
    /// Requests under way.
    pub requests: Level,
    /// Bytes of their bodies.
    pub request_bytes: Level,
    /// Bytes of photos in memory.
    pub media_bytes: Level,
    /// 1 while Postgres counts as away.
    pub postgres_away: Level,
    page: Page,
}

/// How a webhook was answered.
pub mod outcome {
    /// 200: in Postgres.
    pub const ACCEPTED: &str = "accepted";
    /// 200: in the spool.
    pub const SPOOLED: &str = "spooled";
    /// 403: the signature does not hold.
    pub const FORGED: &str = "forged";
    /// 413: over 3 MB.
    pub const TOO_LARGE: &str = "too_large";
    /// 408: the body did not come in time.
    pub const TOO_SLOW: &str = "too_slow";
    /// 400: the body broke off.
    pub const CUT: &str = "cut";
    /// 503: too much is under way.
    pub const SHED: &str = "shed";
    /// 503: neither Postgres nor the spool took it.
    pub const NOT_TAKEN: &str = "not_taken";

    pub(super) const ALL: [&str; 8] =
        [ACCEPTED, SPOOLED, FORGED, TOO_LARGE, TOO_SLOW, CUT, SHED, NOT_TAKEN];
}

impl Default for IngressMetrics {
    fn default() -> Self {
        let mut numbers = Numbers::default();
        let level = |numbers: &mut Numbers, name: &str, help: &str| {
            numbers.level(&format!("paragon_ingress_{name}"), help)
        };
        Self {
            webhooks: numbers.counts(
                "paragon_ingress_webhooks",
                "Webhooks of Meta's, by how they were answered",
                "outcome",
                &outcome::ALL,
            ),
            answer_s: numbers.spread(
                "paragon_ingress_answer_seconds",
                "From the whole request to its answer",
                &SECONDS,
            ),
            commit_webhooks: numbers.spread(
                "paragon_ingress_commit_webhooks",
                "Webhooks that shared a commit",
                &WEBHOOKS,
            ),
            items: numbers.counts(
                "paragon_ingress_items",
                "What accepted webhooks held",
                "item",
                &["message", "repeated", "status", "news", "kept"],
            ),
            media: numbers.counts(
                "paragon_ingress_media",
                "Photos, by what became of them while the webhook waited",
                "outcome",
                &["inline", "by_id", "no_room", "pending"],
            ),
            spool_bytes: level(&mut numbers, "spool_bytes", "Bytes that wait to be replayed"),
            requests: level(&mut numbers, "requests_in_flight", "Requests under way"),
            request_bytes: level(&mut numbers, "request_bytes_in_flight", "Bytes of their bodies"),
            media_bytes: level(&mut numbers, "media_bytes_in_flight", "Bytes of photos in memory"),
            postgres_away: level(&mut numbers, "postgres_away", "1 while Postgres counts as away"),
            page: numbers.done(),
        }
    }
}

impl IngressMetrics {
    /// All numbers, in the text form of `OpenMetrics`.
    pub fn text(&self) -> String {
        self.page.text()
    }
}
