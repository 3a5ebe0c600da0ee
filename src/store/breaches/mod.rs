//! Rows that break a promise, for `paragon audit`. Every question is a short transaction of its own in
//! which Postgres refuses to write, with a limit to each statement; messages are gone through a step at
//! a time. So no snapshot is held open, nobody is locked out, and memory does not grow with the tables.
//! What it names are our own ids.

mod messages;
mod answers;
mod queue;
mod photos;

use std::time::Duration;

use chrono::{DateTime, Utc};

pub use self::photos::{PhotoStep, Photos};
use super::{Store, StoreError, Tx};
use crate::domain::breach::Breach;

/// Messages, or reminders, in one step.
const STEP: i64 = 2000;

/// The first ids of a breach that are named.
const EXAMPLES: usize = 5;

/// Which rows are looked at, and how patiently.
#[derive(Clone, Copy, Debug)]
pub struct Scope {
    /// What is younger may still be under way.
    pub settled_before: DateTime<Utc>,
    /// A statement that takes longer is ended, and the audit with it.
    pub statement_limit: Duration,
}

/// How many rows break a promise, and the first of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    /// How many.
    pub count: i64,
    /// The first five ids: of what, depends on the breach.
    pub examples: Vec<i64>,
}

impl Rows {
    /// These and `more`.
    pub fn add(&mut self, more: Self) {
        self.count += more.count;
        let room = EXAMPLES.saturating_sub(self.examples.len());
        self.examples.extend(more.examples.into_iter().take(room));
    }
}

/// What a step found, question by question.
pub type Found = Vec<(Breach, Rows)>;

/// Ids after one and up to another.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    after: i64,
    up_to: i64,
}

/// Tables that are gone through by their ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Walked {
    /// `messages`.
    Messages,
    /// `reminders`.
    Reminders,
}

/// The rows whose ids `$ids` (a query in one column) gives.
macro_rules! rows {
    ($tx:expr, $ids:tt $(, $given:expr)* $(,)?) => {
        sqlx::query_as!(
            Rows,
            "select count(*) as \"count!\",
                    coalesce((array_agg(id order by id) filter (where id is not null))[1:5], '{}')
                        as \"examples!\"
             from (" + $ids + ") as broken (id)",
            $($given),*
        )
        .fetch_one(&mut **$tx)
        .await?
    };
}
use rows;

impl Store {
    /// A transaction in which Postgres refuses every write, and ends a statement that takes longer.
    async fn begin_reading(&self, statement_limit: Duration) -> Result<Tx, StoreError> {
        let mut tx = self.pool.begin_with("begin read only").await?;
        sqlx::query!(
            "select set_config('statement_timeout', $1, true)",
            statement_limit.as_millis().to_string()
        )
        .fetch_one(&mut *tx)
        .await?;
        Ok(tx)
    }

    /// The ids after `after` that make the next step; `None` when there is none.
    pub async fn next_span(
        &self,
        scope: &Scope,
        of: Walked,
        after: i64,
    ) -> Result<Option<Span>, StoreError> {
        let mut tx = self.begin_reading(scope.statement_limit).await?;
        let up_to = match of {
            Walked::Messages => {
                sqlx::query_scalar!(
                    "select max(id)
                     from (select id from messages where id > $1 order by id limit $2) as next",
                    after,
                    STEP
                )
                .fetch_one(&mut *tx)
                .await?
            }
            Walked::Reminders => {
                sqlx::query_scalar!(
                    "select max(id)
                     from (select id from reminders where id > $1 order by id limit $2) as next",
                    after,
                    STEP
                )
                .fetch_one(&mut *tx)
                .await?
            }
        };
        tx.commit().await?;
        Ok(up_to.map(|up_to| Span { after, up_to }))
    }
}

impl Span {
    /// The last id in it: the next step begins after.
    pub fn end(self) -> i64 {
        self.up_to
    }
}
