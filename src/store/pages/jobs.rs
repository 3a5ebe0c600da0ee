//! The queue as an operator handles it: dead jobs and what they died of, pauses; and the acts, each
//! in one transaction with its line in the audit log.

use chrono::{DateTime, Utc};

use super::{Page, ROWS};
use crate::store::audit_log::{self, Act};
use crate::store::views::DeadJob;
use crate::store::{Store, StoreError, Tx};

/// Dead jobs of one queue that died of the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// Which queue.
    pub queue: String,
    /// Why they gave up, without the ids of the other side's requests.
    pub reason: String,
    /// How many.
    pub jobs: i64,
    /// The first.
    pub first: DateTime<Utc>,
    /// The last.
    pub last: DateTime<Utc>,
}

/// Which dead jobs are meant: of one queue, dead by this moment of exactly this cause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alike {
    /// Which queue.
    pub queue: String,
    /// Why they gave up, as [`Cause::reason`] says it.
    pub reason: String,
    /// Those that die later were not seen, and are not meant.
    pub until: DateTime<Utc>,
}

/// A pause of a queue, or of one number's jobs in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pause {
    /// Which queue.
    pub queue: String,
    /// Which number; `None`: all of the queue.
    pub number: Option<String>,
    /// Since when.
    pub since: DateTime<Utc>,
    /// Why, in the words of whoever paused it.
    pub reason: Option<String>,
}

/// More than this are not made ready in one go.
pub const AT_ONCE: i64 = 10_000;

impl Store {
    /// What dead jobs died of, the most frequent first; a hundred causes at most. Reads the dead
    /// jobs, which wait for a person, and no others.
    pub async fn causes(&self) -> Result<Vec<Cause>, StoreError> {
        Ok(sqlx::query_as!(
            Cause,
            r#"select queue, cause_of(reason) as "reason!", count(*) as "jobs!",
                      min(dead_since) as "first!", max(dead_since) as "last!"
               from apalis_lease.jobs
               where state = 'dead'
               group by queue, cause_of(reason)
               order by count(*) desc, max(dead_since) desc
               limit 100"#
        )
        .fetch_all(&self.pool)
        .await?)
    }

    /// How many dead jobs are meant.
    pub async fn count_alike(&self, alike: &Alike) -> Result<i64, StoreError> {
        Ok(sqlx::query_scalar!(
            r#"select count(*) as "jobs!"
               from apalis_lease.jobs
               where state = 'dead' and queue = $1 and cause_of(reason) = $2 and dead_since < $3"#,
            alike.queue,
            alike.reason,
            alike.until
        )
        .fetch_one(&self.pool)
        .await?)
    }

    /// A page of dead jobs below the id `before`, the newest first; with `alike` only those.
    pub async fn dead_page(
        &self,
        alike: Option<&Alike>,
        before: i64,
    ) -> Result<Page<DeadJob>, StoreError> {
        let mut rows = sqlx::query_as!(
            DeadJob,
            r#"select job as "job!", message, attempts as "attempts!", reason as "reason!",
                      since as "since!"
               from ops.dead_jobs
               where job < $1
                   and ($2::text is null
                        or (queue = $2 and cause_of(reason) = $3 and since < $4))
               order by job desc
               limit 51"#,
            before,
            alike.map(|it| it.queue.as_str()),
            alike.map(|it| it.reason.as_str()),
            alike.map(|it| it.until)
        )
        .fetch_all(&self.pool)
        .await?;
        let is_full = rows.len() > ROWS;
        rows.truncate(ROWS);
        let older = rows.last().filter(|_| is_full).map(|it| it.job);
        Ok(Page { rows, older, window_ended: false })
    }

    /// Makes a dead job ready again with all its attempts. [`StoreError::Overtaken`] if it is not
    /// dead (any more).
    pub async fn retry_dead_job(&self, job: i64, act: &Act<'_>) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let retried = sqlx::query_scalar!(r#"select apalis_lease.retry_job($1) as "done!""#, job)
            .fetch_one(&mut *tx)
            .await?;
        done(tx, retried, act).await
    }

    /// Makes all that are meant ready again, at most [`AT_ONCE`], and says how many.
    pub async fn retry_alike(&self, alike: &Alike, act: &Act<'_>) -> Result<i64, StoreError> {
        let mut tx = self.begin().await?;
        let retried = sqlx::query_scalar!(
            r#"select count(*) filter (where apalis_lease.retry_job(id)) as "jobs!"
               from (
                   select id
                   from apalis_lease.jobs
                   where state = 'dead' and queue = $1 and cause_of(reason) = $2 and dead_since < $3
                   order by dead_since, id
                   limit $4
                   for update skip locked
               ) as meant"#,
            alike.queue,
            alike.reason,
            alike.until,
            AT_ONCE
        )
        .fetch_one(&mut *tx)
        .await?;
        let act = Act { details: Some(format!("{retried} jobs: {}", alike.reason)), ..act.clone() };
        audit_log::write(&mut tx, &act).await?;
        tx.commit().await?;
        Ok(retried)
    }

    /// What is paused.
    pub async fn pauses(&self) -> Result<Vec<Pause>, StoreError> {
        Ok(sqlx::query_as!(
            Pause,
            r#"select queue as "queue!", number, since as "since!", reason
               from (
                   select queue, null as number, since, reason from apalis_lease.paused_queues
                   union all
                   -- Endpoints of events have a page of their own.
                   select queue, group_key, since, reason from apalis_lease.paused_groups
                   where queue <> 'events'
               ) as paused
               order by since"#
        )
        .fetch_all(&self.pool)
        .await?)
    }

    /// Nobody takes jobs of `queue`, or of one number in it, until [`Store::resume`].
    /// [`StoreError::Overtaken`] if it was paused already.
    pub async fn pause(
        &self,
        queue: &str,
        number: Option<&str>,
        why: &str,
        act: &Act<'_>,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let paused = match number {
            None => apalis_lease::pause_queue(&mut *tx, queue, why).await?,
            Some(number) => apalis_lease::pause_group(&mut *tx, queue, number, why).await?,
        };
        done(tx, paused, act).await
    }

    /// Ends [`Store::pause`], or a pause that a worker made. [`StoreError::Overtaken`] if it was not
    /// paused.
    pub async fn resume(
        &self,
        queue: &str,
        number: Option<&str>,
        act: &Act<'_>,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let resumed = match number {
            None => apalis_lease::resume_queue(&mut *tx, queue).await?,
            Some(number) => {
                sqlx::query!("delete from told_pauses where phone_number_id = $1", number)
                    .execute(&mut *tx)
                    .await?;
                apalis_lease::resume_group(&mut *tx, queue, number).await?
            }
        };
        done(tx, resumed, act).await
    }
}

/// Commits with the act's line, if there was anything to do.
async fn done(mut tx: Tx, changed: bool, act: &Act<'_>) -> Result<(), StoreError> {
    if !changed {
        return Err(StoreError::Overtaken { table: "apalis_lease" });
    }
    audit_log::write(&mut tx, act).await?;
    Ok(tx.commit().await?)
}
