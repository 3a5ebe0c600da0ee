//! Jobs that gave up: which there are, by reason, and how they are made ready again, by the queue's own
//! functions.

use super::{Store, StoreError};

/// Which of the dead jobs. Every condition that is given must hold; none at all is every dead job.
#[derive(Clone, Debug, Default)]
pub struct Chosen {
    /// These jobs.
    pub jobs: Option<Vec<i64>>,
    /// Those about these messages.
    pub messages: Option<Vec<i64>>,
    /// Those whose reason has these words in it, as they are written.
    pub reason: Option<String>,
    /// Those of this queue.
    pub queue: Option<String>,
}

/// Dead jobs that gave up for the same reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadForReason {
    /// Of this queue.
    pub queue: String,
    /// Why.
    pub reason: String,
    /// How many.
    pub jobs: i64,
}

impl Store {
    /// The dead jobs that are `chosen`, counted by queue and reason, the most frequent first.
    pub async fn dead_by_reason(&self, chosen: &Chosen) -> Result<Vec<DeadForReason>, StoreError> {
        Ok(sqlx::query_as!(
            DeadForReason,
            r#"select queue as "queue!", reason as "reason!", count(*) as "jobs!"
               from ops.dead_jobs
               where ($1::bigint[] is null or job = any($1))
                   and ($2::bigint[] is null or message = any($2))
                   and ($3::text is null or position($3 in reason) > 0)
                   and ($4::text is null or queue = $4)
               group by queue, reason
               order by count(*) desc, queue, reason"#,
            chosen.jobs.as_deref(),
            chosen.messages.as_deref(),
            chosen.reason.as_deref(),
            chosen.queue.as_deref()
        )
        .fetch_all(&self.pool)
        .await?)
    }

    /// Makes at most `at_most` of the jobs that are `chosen` ready again, the longest dead first, each
    /// with all its attempts, and wakes the workers. How many; 0 when none is left.
    pub async fn retry_dead(&self, chosen: &Chosen, at_most: i64) -> Result<i64, StoreError> {
        Ok(sqlx::query_scalar!(
            r#"select count(*) filter (where apalis_lease.retry_job(job)) as "retried!"
               from (
                   select job
                   from ops.dead_jobs
                   where ($1::bigint[] is null or job = any($1))
                       and ($2::bigint[] is null or message = any($2))
                       and ($3::text is null or position($3 in reason) > 0)
                       and ($4::text is null or queue = $4)
                   order by since, job
                   limit $5
               ) as chosen"#,
            chosen.jobs.as_deref(),
            chosen.messages.as_deref(),
            chosen.reason.as_deref(),
            chosen.queue.as_deref(),
            at_most
        )
        .fetch_one(&self.pool)
        .await?)
    }
}
