//! Claims jobs for the free slots, and knows when the next is due. Runs no handler and writes no
//! verdict (`settler`).

use std::sync::Arc;
use std::time::Duration;

use apalis_core::worker::context::WorkerContext;
use chrono::{DateTime, Utc};
use sqlx::postgres::PgConnectOptions;
use tokio::time::Instant;

use crate::config::Config;
use crate::desk::{Claimed, Desk, Fence, Marks, Verdict};
use crate::link::{Link, within};
use crate::sql;

/// A statement that takes longer is given up with its connection.
const STATEMENT: Duration = Duration::from_secs(30);
/// Before looking again for a ready job that somebody else has locked.
const LOCKED: Duration = Duration::from_millis(50);
/// So many ready jobs of each priority are looked through at once for those of paused groups.
const ASIDE: i64 = 1_000;

/// Moves jobs from the table to the desk.
pub(crate) struct Pump {
    desk: Arc<Desk>,
    worker: WorkerContext,
    config: Config,
    link: Link,
    /// There may be ready jobs.
    due: bool,
    look_at: Instant,
}

impl Pump {
    pub(crate) fn new(
        desk: Arc<Desk>,
        worker: WorkerContext,
        options: &PgConnectOptions,
        config: Config,
    ) -> Self {
        Pump {
            desk,
            worker,
            config,
            link: Link::new("pump", options, Some(sql::PLAN_BY_INDEX)),
            due: true,
            look_at: Instant::now(),
        }
    }

    /// Works until the desk closes, then gives back what nobody started.
    pub(crate) async fn run(mut self) {
        while !self.desk.is_closing() {
            tokio::select! {
                () = self.desk.stirred() => {}
                () = tokio::time::sleep_until(self.look_at) => self.look().await,
            }
            self.give_back_unstarted();
            self.due |= self.desk.take_woken();
            self.claim().await;
        }
        // Every handler has ended and handed in its verdict by now; claimed jobs that nobody began
        // may be left.
        for job in self.desk.take_unstarted() {
            drop(self.desk.settle(job.fence, Verdict::Release));
        }
        self.desk.finish();
        self.link.close().await;
    }

    /// A worker that was stopped or paused starts nothing more: what it has claimed and not begun
    /// is for others.
    fn give_back_unstarted(&self) {
        if self.worker.is_running() || self.worker.is_pending() {
            return;
        }
        for job in self.desk.take_unstarted() {
            drop(self.desk.settle(job.fence, Verdict::Release));
        }
    }

    fn may_claim(&self) -> bool {
        self.worker.is_running() && !self.worker.is_shutting_down() && self.desk.wants_jobs()
    }

    async fn claim(&mut self) {
        let slots = self.desk.free();
        if !self.due || slots == 0 || !self.may_claim() {
            return;
        }
        let taken = self.take(slots).await;
        let Ok(Taken { claimed, set_aside }) = self.link.keep_if_good(taken) else {
            self.look_at = Instant::now() + self.link.pause();
            return;
        };
        self.give_back_unstarted();
        if set_aside > 0 {
            // Others may be behind them.
            self.look_at = Instant::now();
            return;
        }
        if claimed < slots {
            self.due = false;
            self.look().await;
        }
        if claimed == 0 && self.due {
            self.due = false;
            self.look_at = Instant::now() + LOCKED;
        }
    }

    /// Claims up to `slots` jobs and hands them over. A claim that met jobs of a paused group has
    /// set them aside; then those behind them are set aside too.
    async fn take(&mut self, slots: usize) -> Result<Taken, sqlx::Error> {
        let mut rows = self.claim_once(slots).await?;
        let met = rows.len();
        rows.retain(|it| it.state == "running");
        self.desk.meters.claimed(rows.iter().map(Row::waited));
        let mut claimed: Vec<Claimed> = rows.into_iter().map(Into::into).collect();
        // Postgres answers an update in no particular order.
        claimed.sort_by_key(|it| (it.priority, it.run_at, it.fence.id));
        let taken = Taken { claimed: claimed.len(), set_aside: met - claimed.len() };
        self.desk.hand_over(claimed);
        if taken.set_aside > 0 {
            self.set_aside().await?;
        }
        Ok(taken)
    }

    async fn claim_once(&mut self, slots: usize) -> Result<Vec<Row>, sqlx::Error> {
        let connection = self.link.open().await?;
        let statement = sqlx::query_as(sql::CLAIM)
            .bind(&self.config.queue)
            .bind(i64::try_from(slots).unwrap_or(i64::MAX))
            .bind(&self.config.worker)
            .bind(self.config.lease_ms())
            .fetch_all(connection);
        within(STATEMENT, statement).await
    }

    async fn set_aside(&mut self) -> Result<(), sqlx::Error> {
        let connection = self.link.open().await?;
        let statement =
            sqlx::query(sql::SET_ASIDE).bind(&self.config.queue).bind(ASIDE).execute(connection);
        within(STATEMENT, statement).await.map(drop)
    }

    /// Finds out when the next job is due. Cheaper than a claim that finds nothing.
    async fn look(&mut self) {
        let now = Instant::now();
        self.look_at = now + self.config.poll;
        if self.desk.free() == 0 {
            self.due = true;
            return;
        }
        let found = self.look_once().await;
        match self.link.keep_if_good(found) {
            Ok(Some(wait_ms)) => match u64::try_from(wait_ms) {
                Ok(wait_ms @ 1..) => {
                    self.look_at = self.look_at.min(now + Duration::from_millis(wait_ms + 1));
                }
                Ok(0) | Err(_) => self.due = true,
            },
            Ok(None) => {}
            Err(_logged) => self.look_at = now + self.link.pause(),
        }
    }

    async fn look_once(&mut self) -> Result<Option<i64>, sqlx::Error> {
        let queue = &self.config.queue;
        let connection = self.link.open().await?;
        let statement = sqlx::query_scalar(sql::NEXT_DUE).bind(queue).fetch_one(connection);
        within(STATEMENT, statement).await
    }
}

/// What one claim came to.
struct Taken {
    claimed: usize,
    set_aside: usize,
}

/// A row of [`sql::CLAIM`].
#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    run: i32,
    attempt: i32,
    max_attempts: i32,
    priority: i16,
    run_at: DateTime<Utc>,
    created_at: DateTime<Utc>,
    payload: String,
    trace_parent: Option<String>,
    group_key: Option<String>,
    /// `running`, or `paused` where it was set aside instead.
    state: String,
    /// Since it was ready.
    waited_s: f64,
}

impl Row {
    fn waited(&self) -> Duration {
        Duration::try_from_secs_f64(self.waited_s).unwrap_or_default()
    }
}

impl From<Row> for Claimed {
    fn from(row: Row) -> Self {
        Claimed {
            fence: Fence { id: row.id, run: row.run },
            // The table's checks keep both above zero.
            attempt: row.attempt.unsigned_abs(),
            max_attempts: row.max_attempts.unsigned_abs(),
            priority: row.priority,
            run_at: row.run_at,
            enqueued_at: row.created_at,
            payload: row.payload,
            trace_parent: row.trace_parent,
            group: row.group_key,
            marks: Arc::new(Marks::default()),
        }
    }
}
