//! What has ended, counted once for `ops.throughput`, `ops.latency` and `ops.failures`. Counts and
//! throws nothing away.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::{Store, StoreError, Tx};

/// How far behind the present attempts are counted: one that ended has been committed by then. The
/// commit of a settlement takes milliseconds; one that hung for longer is not counted.
const BEHIND: TimeDelta = TimeDelta::seconds(5);

/// How much of the past is counted in one transaction.
const AT_ONCE: TimeDelta = TimeDelta::minutes(1);

impl Store {
    /// Counts steps that were done by now, with how long each took.
    pub async fn note_steps(&self, done: &[(&'static str, Duration)]) -> Result<(), StoreError> {
        if done.is_empty() {
            return Ok(());
        }
        let steps: Vec<&str> = done.iter().map(|it| it.0).collect();
        let took: Vec<f64> = done.iter().map(|it| it.1.as_secs_f64() * 1000.0).collect();
        sqlx::query!(
            "insert into step_minutes (minute, step, done, running)
             select date_trunc('minute', now()), noted.step, count(*), histogram(noted.took_ms)
             from unnest($1::text[], $2::double precision[]) as noted (step, took_ms)
             group by noted.step
             order by noted.step
             on conflict (minute, step) do update
             set done = step_minutes.done + excluded.done,
                 running = histogram_add(step_minutes.running, excluded.running)",
            &steps as _,
            &took
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Counts the attempts of jobs that ended since this was last done, up to a few seconds ago.
    /// Several workers may call it at once: one counts, the others find nothing to do.
    pub async fn roll_up(&self) -> Result<(), StoreError> {
        loop {
            let mut tx = self.begin().await?;
            let Some((after, up_to)) = uncounted(&mut tx).await? else { return Ok(()) };
            sqlx::query!("select roll_up_attempts($1, $2)", after, up_to)
                .fetch_one(&mut *tx)
                .await?;
            sqlx::query!(
                "update watermarks set reached_at = $1 where name = 'step_minutes'",
                up_to
            )
            .execute(&mut *tx)
            .await?;
            tx.commit().await?;
        }
    }
}

/// A span of time, a minute at most, in which attempts ended that are not counted; `None` when there
/// is none, or somebody else is counting. Holds the watermark until `tx` ends.
async fn uncounted(tx: &mut Tx) -> Result<Option<(DateTime<Utc>, DateTime<Utc>)>, StoreError> {
    let span = sqlx::query!(
        r#"select mark.reached_at as after, now() as "now!",
                  (
                      select min(attempts.ended_at)
                      from apalis_lease.attempts
                      where attempts.ended_at > mark.reached_at
                  ) as first
           from watermarks as mark
           where mark.name = 'step_minutes'
           for update of mark skip locked"#
    )
    .fetch_optional(&mut **tx)
    .await?;
    let Some(span) = span else { return Ok(None) };
    let settled = span.now - BEHIND;
    // Where nothing ended, nothing is stepped through.
    let Some(first) = span.first.filter(|it| *it <= settled) else { return Ok(None) };
    Ok(Some((span.after, settled.min(first + AT_ONCE))))
}
