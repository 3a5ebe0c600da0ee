//! Turns the verdicts of many runs into one statement, and its answer into one word for each. A
//! run whose job was taken over writes nothing.

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use rand::RngExt;
use sqlx::PgConnection;

use crate::backoff::Backoff;
use crate::desk::{Desk, Fence, Settled, Settlement, Verdict};
use crate::outcome::Outcome;
use crate::sql;

/// No reason in the table is longer, in characters.
const REASON: usize = 500;

/// The next state of each job whose verdict was written, or its outcome if that was found written.
pub(crate) type Written = HashMap<Fence, String>;

/// No wait is longer than ten years, whatever a handler asks for: Postgres' calendar ends.
const LONGEST_WAIT: Duration = Duration::from_hours(24 * 3650);

/// An outcome of attempt number `attempt` with its wait.
pub(crate) fn verdict(outcome: Outcome, attempt: u32, backoff: Backoff) -> Verdict {
    let wait = match outcome {
        Outcome::Retry { after: Some(after), .. } => after,
        Outcome::Retry { after: None, .. } => backoff.delay(attempt, rand::rng().random()),
        Outcome::Done
        | Outcome::NotBefore { .. }
        | Outcome::Halt { .. }
        | Outcome::GiveUp { .. } => Duration::ZERO,
    };
    let delay_ms = i64::try_from(wait.min(LONGEST_WAIT).as_millis()).unwrap_or(i64::MAX);
    Verdict::Ended { outcome, delay_ms }
}

/// Writes one verdict as part of `connection`'s transaction. False if the job is somebody else's.
pub(crate) async fn settle_one(
    connection: &mut PgConnection,
    fence: Fence,
    verdict: &Verdict,
) -> Result<bool, sqlx::Error> {
    let mut columns = Columns::default();
    columns.push(fence, verdict);
    Ok(!columns.write(connection).await?.is_empty())
}

/// Writes all of `batch`, durably. `maybe_written` says that some may be written already, by a try
/// whose answer was lost or by their own job: that is found then, and not taken for lost.
pub(crate) async fn settle(
    connection: &mut PgConnection,
    batch: &[Settlement],
    maybe_written: bool,
) -> Result<Written, sqlx::Error> {
    // Rows are locked in this order, by everybody in the same.
    let mut ordered: Vec<&Settlement> = batch.iter().collect();
    ordered.sort_unstable_by_key(|it| it.fence.id);
    let mut columns = Columns::default();
    for settlement in ordered {
        columns.push(settlement.fence, &settlement.verdict);
    }
    let mut written = columns.write(connection).await?;
    if maybe_written && written.len() < batch.len() {
        written.extend(columns.written_before(connection).await?);
    }
    Ok(written)
}

fn index(rows: Vec<(i64, i32, String)>) -> Written {
    rows.into_iter().map(|(id, run, next)| (Fence { id, run }, next)).collect()
}

/// Frees the slots of `batch` and tells each run what became of its verdict.
pub(crate) fn tell(desk: &Desk, batch: Vec<Settlement>, written: &Written) {
    for Settlement { fence, told, .. } in batch {
        desk.let_go(fence);
        let next = written.get(&fence).map(String::as_str);
        match next {
            Some("dead" | "give_up") => {
                tracing::error!(job.id = fence.id, run = fence.run, "a job gave up and is dead");
            }
            Some(next) => tracing::debug!(job.id = fence.id, run = fence.run, next, "settled"),
            None => tracing::warn!(
                job.id = fence.id,
                run = fence.run,
                "ended too late: the job was taken over"
            ),
        }
        // Nobody waits for the answer to a release, nor where verdicts may wait.
        let _unheard = told.send(next.map_or(Settled::TooLate, |_| Settled::Durably));
    }
}

#[derive(Default)]
struct Columns {
    ids: Vec<i64>,
    runs: Vec<i32>,
    verdicts: Vec<&'static str>,
    delays_ms: Vec<i64>,
    not_befores: Vec<Option<DateTime<Utc>>>,
    reasons: Vec<Option<String>>,
}

impl Columns {
    fn push(&mut self, fence: Fence, verdict: &Verdict) {
        self.ids.push(fence.id);
        self.runs.push(fence.run);
        let (word, delay, not_before, reason) = match verdict {
            Verdict::Release => ("release", 0, None, None),
            Verdict::Ended { outcome, delay_ms } => match outcome {
                Outcome::Done => (outcome.word(), 0, None, None),
                Outcome::Retry { reason, .. } => (outcome.word(), *delay_ms, None, Some(reason)),
                Outcome::NotBefore { at, reason } => {
                    (outcome.word(), 0, Some(storable(*at)), Some(reason))
                }
                Outcome::Halt { reason } | Outcome::GiveUp { reason } => {
                    (outcome.word(), 0, None, Some(reason))
                }
            },
        };
        self.verdicts.push(word);
        self.delays_ms.push(delay);
        self.not_befores.push(not_before);
        self.reasons.push(reason.map(|it| short(it)));
    }

    async fn write(&self, connection: &mut PgConnection) -> Result<Written, sqlx::Error> {
        let rows = sqlx::query_as(sql::SETTLE)
            .bind(&self.ids)
            .bind(&self.runs)
            .bind(&self.verdicts)
            .bind(&self.delays_ms)
            .bind(&self.not_befores)
            .bind(&self.reasons)
            .fetch_all(connection)
            .await?;
        Ok(index(rows))
    }

    async fn written_before(&self, connection: &mut PgConnection) -> Result<Written, sqlx::Error> {
        let rows = sqlx::query_as(sql::SETTLED_BEFORE)
            .bind(&self.ids)
            .bind(&self.runs)
            .fetch_all(connection)
            .await?;
        Ok(index(rows))
    }
}

/// chrono knows years that Postgres does not. A moment in the past means "now" anyway.
fn storable(at: DateTime<Utc>) -> DateTime<Utc> {
    at.max(DateTime::UNIX_EPOCH)
}

/// A reason as Postgres takes it: no NUL, not endless. One refused reason would hold up every
/// verdict beside it.
fn short(reason: &str) -> String {
    reason.chars().filter(|it| *it != '\0').take(REASON).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_always_fits() {
        assert_eq!(short("a\0b"), "ab");
        assert_eq!(short(&"é".repeat(900)).chars().count(), REASON);
    }
}
