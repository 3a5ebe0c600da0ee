//! Turns the verdicts of many runs into one statement, and its answer into one word for each. A
//! run whose job was taken over writes nothing.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::desk::{Desk, Fence, Settled, Settlement, Verdict};
use crate::outcome::Outcome;
use crate::sql;

/// No reason in the table is longer, in characters.
const REASON: usize = 500;

/// The next state of each job whose verdict was written.
pub(crate) type Written = HashMap<Fence, String>;

/// Writes all of `batch`, durably. `again` says that an earlier try failed and may still have been
/// committed: what it wrote is found then, and not taken for lost.
pub(crate) async fn settle(
    connection: &mut PgConnection,
    batch: &[Settlement],
    again: bool,
) -> Result<Written, sqlx::Error> {
    let mut columns = Columns::default();
    for settlement in batch {
        columns.push(settlement);
    }
    let rows: Vec<(i64, i32, String)> = sqlx::query_as(sql::SETTLE)
        .bind(&columns.ids)
        .bind(&columns.runs)
        .bind(&columns.verdicts)
        .bind(&columns.delays_ms)
        .bind(&columns.not_befores)
        .bind(&columns.reasons)
        .fetch_all(&mut *connection)
        .await?;
    let mut written = index(rows);
    if again {
        let before: Vec<(i64, i32, String)> = sqlx::query_as(sql::SETTLED_BEFORE)
            .bind(&columns.ids)
            .bind(&columns.runs)
            .fetch_all(connection)
            .await?;
        written.extend(index(before));
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
        if next == Some("dead") {
            tracing::error!(job.id = fence.id, run = fence.run, "a job gave up and is dead");
        }
        // Nobody waits for the answer to a release.
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
    fn push(&mut self, settlement: &Settlement) {
        self.ids.push(settlement.fence.id);
        self.runs.push(settlement.fence.run);
        let (word, delay, not_before, reason) = match &settlement.verdict {
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
