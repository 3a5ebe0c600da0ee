//! The heartbeat: prolongs the leases of everything a worker holds, and takes back the jobs of
//! workers that are not heard of any more. Runs beside the jobs, never inside one, on a connection
//! of its own. Starts no job.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use tokio::time::Instant;

use crate::config::Config;
use crate::desk::{Desk, Fence};
use crate::link::{Link, within};
use crate::sql;

/// Keeps a worker's leases.
pub(crate) struct Keeper {
    desk: Arc<Desk>,
    link: Link,
    config: Config,
    beat: Duration,
    lease: Duration,
    /// Since when every heartbeat has been answered in time.
    heard_since: Option<Instant>,
    heard_last: Instant,
}

impl Keeper {
    pub(crate) fn new(desk: Arc<Desk>, options: &PgConnectOptions, config: &Config) -> Self {
        Keeper {
            desk,
            link: Link::new("keeper", options, Some(sql::PLAN_BY_INDEX)),
            config: config.clone(),
            beat: config.beat(),
            lease: config.lease,
            heard_since: None,
            heard_last: Instant::now(),
        }
    }

    /// Beats until it is dropped.
    pub(crate) async fn run(mut self) {
        loop {
            let began = Instant::now();
            let pause = match self.beat().await {
                Ok(()) => (began + self.beat).saturating_duration_since(Instant::now()),
                Err(_logged) => self.link.pause().min(self.beat),
            };
            tokio::time::sleep(pause).await;
        }
    }

    async fn beat(&mut self) -> Result<(), sqlx::Error> {
        let held = self.desk.held();
        let prolonged = self.prolong(&held).await;
        let kept = self.link.keep_if_good(prolonged).inspect_err(|_| self.heard_since = None)?;
        self.note_heard();
        self.note_lost(&held, &kept);
        let reported = self.report().await;
        self.link.keep_if_good(reported).inspect_err(|_| self.heard_since = None)?;
        let rescued = self.rescue().await;
        self.link.keep_if_good(rescued).inspect_err(|_| self.heard_since = None)
    }

    async fn prolong(&mut self, held: &[Fence]) -> Result<HashSet<Fence>, sqlx::Error> {
        let ids: Vec<i64> = held.iter().map(|it| it.id).collect();
        let runs: Vec<i32> = held.iter().map(|it| it.run).collect();
        let limit = self.patience();
        let connection = self.link.open().await?;
        let statement = sqlx::query_as(sql::PROLONG).bind(ids).bind(runs).fetch_all(connection);
        let kept: Vec<(i64, i32)> = within(limit, statement).await?;
        Ok(kept.into_iter().map(|(id, run)| Fence { id, run }).collect())
    }

    /// Shows the worker to whoever looks. A worker that is leaving has been forgotten already.
    async fn report(&mut self) -> Result<(), sqlx::Error> {
        let (limit, instance) = (self.patience(), self.desk.instance);
        let connection = self.link.open().await?;
        let beat = sqlx::query(sql::HEARTBEAT).bind(instance).execute(&mut *connection);
        if within(limit, beat).await?.rows_affected() > 0 || self.desk.is_closing() {
            return Ok(());
        }
        let registered = sqlx::query(sql::REGISTER)
            .bind(instance)
            .bind(&self.config.worker)
            .bind(&self.config.queue)
            .bind(i32::try_from(self.config.concurrency).unwrap_or(i32::MAX))
            .execute(connection);
        within(limit, registered).await.map(drop)
    }

    /// A heartbeat that takes longer than this is none: half of what is left of the lease.
    fn patience(&self) -> Duration {
        (self.lease * 2 / 5).min(Duration::from_secs(10))
    }

    /// Silence of half a lease, on whichever side, means that others may have been cut off too.
    fn note_heard(&mut self) {
        let now = Instant::now();
        if now - self.heard_last > self.lease / 2 {
            self.heard_since = None;
        }
        self.heard_last = now;
        self.heard_since.get_or_insert(now);
    }

    /// A run that was ours and did not come back is somebody else's now, unless it was settled
    /// in the meantime.
    fn note_lost(&self, held: &[Fence], kept: &HashSet<Fence>) {
        for fence in held.iter().filter(|fence| !kept.contains(fence)) {
            if self.desk.lose(*fence) {
                self.desk.meters.lost();
                tracing::warn!(job.id = fence.id, run = fence.run, "lost the lease of a job");
            }
        }
    }

    /// After an outage every lease looks lapsed, those of live workers too. So nobody is
    /// rescued before this worker has heard Postgres for as long as the lease lasts: time for
    /// its holder to come back and prolong it.
    async fn rescue(&mut self) -> Result<(), sqlx::Error> {
        let Some(since) = self.heard_since else {
            return Ok(());
        };
        let heard_ms = i32::try_from(since.elapsed().as_millis()).unwrap_or(i32::MAX);
        if since.elapsed() < self.beat {
            return Ok(());
        }
        let limit = self.patience();
        let connection = self.link.open().await?;
        let statement = sqlx::query_as(sql::RESCUE).bind(heard_ms).fetch_all(&mut *connection);
        let rescued: Vec<(i64, String, String)> = within(limit, statement).await?;
        if rescued.is_empty() {
            return Ok(());
        }
        self.desk.meters.rescued(rescued.len());
        let mut queues: Vec<String> = Vec::new();
        for (id, queue, state) in rescued {
            note_rescued(id, &state);
            if !queues.contains(&queue) {
                queues.push(queue);
            }
        }
        within(limit, sqlx::query(sql::WAKE).bind(queues).execute(connection)).await.map(drop)
    }
}

fn note_rescued(id: i64, state: &str) {
    if state == "dead" {
        tracing::error!(job.id = id, "a job lost its worker in its last attempt and is dead");
    } else {
        tracing::warn!(job.id = id, "took back a job whose worker is not heard of");
    }
}
