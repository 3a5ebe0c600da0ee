//! What has reached its age is removed, a small step at a time: photos, raw payloads, what was read,
//! the history of jobs and the counts of it. Nothing that anybody is still owed, and no message id.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Store, StoreError, Tx};
use crate::domain::retention::Retention;

/// Messages in one step: small enough that nobody waits behind it.
const STEP: i64 = 1000;

/// The same of jobs and counts.
const JOBS: i32 = 1000;

/// Why a photo is lost that was removed by its age; see `ops.messages`.
const BY_AGE: &str = "removed after RETAIN_PHOTOS_DAYS";

/// Bytes that were stored or told again a moment ago are about to be used.
const IN_USE: TimeDelta = TimeDelta::days(1);

/// What is removed message by message.
#[derive(Clone, Copy, Debug)]
enum What {
    Photos,
    Raw,
    Readings,
}

impl What {
    fn name(self) -> &'static str {
        match self {
            Self::Photos => "photos",
            Self::Raw => "raw",
            Self::Readings => "readings",
        }
    }
}

/// Messages after one and up to another.
#[derive(Clone, Copy, Debug)]
struct Span {
    after: i64,
    up_to: i64,
}

impl Store {
    /// Removes what has reached its age at `now`. Several workers may be at it at once, and an
    /// interrupted one has done no harm.
    pub(super) async fn retain(
        &self,
        retention: &Retention,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        for (what, age) in [
            (What::Photos, retention.photos),
            (What::Raw, retention.raw),
            (What::Readings, retention.history),
        ] {
            let Some(age) = age else { continue };
            while self.step(what, now - age, now).await? {}
        }
        if let Some(age) = retention.raw {
            self.drop_kept_items(now - age).await?;
        }
        if let Some(age) = retention.history {
            self.drop_jobs(age).await?;
            self.drop_counts(now - age).await?;
            while self.drop_events(now - age).await? {}
        }
        Ok(())
    }

    /// One step; whether there may be another.
    async fn step(
        &self,
        what: What,
        before: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let Some(span) = aged(&mut tx, what, before).await? else { return Ok(false) };
        match what {
            What::Photos => remove_photos(&mut tx, span, now).await?,
            What::Raw => remove_raw(&mut tx, span).await?,
            What::Readings => remove_words(&mut tx, span).await?,
        }
        sqlx::query!(
            "update retention_marks set message_id = $2 where what = $1",
            what.name(),
            span.up_to
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Items that were kept raw; their counts in `ops.kept` stay. Ids grow with time.
    async fn drop_kept_items(&self, before: DateTime<Utc>) -> Result<(), StoreError> {
        loop {
            let gone = sqlx::query!(
                "delete from kept_items
                 where received_at < $1
                   and id in (select id from kept_items order by id limit $2)",
                before,
                STEP
            )
            .execute(&self.pool)
            .await?;
            if gone.rows_affected() < STEP.unsigned_abs() {
                return Ok(());
            }
        }
    }

    /// Done jobs and their attempts.
    async fn drop_jobs(&self, age: TimeDelta) -> Result<(), StoreError> {
        loop {
            let gone = sqlx::query_scalar!(
                r#"select apalis_lease.prune(make_interval(secs => $1::bigint), $2) as "gone!""#,
                age.num_seconds(),
                JOBS
            )
            .fetch_one(&self.pool)
            .await?;
            if gone < JOBS {
                return Ok(());
            }
        }
    }

    /// Events that nobody is owed any more; one step, and whether there may be another. What a retired
    /// endpoint was owed goes too, with its jobs.
    async fn drop_events(&self, before: DateTime<Utc>) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let aged = sqlx::query_scalar!(
            "select events.id
             from events
             where events.occurred_at < $1
                 and not exists (
                     select from event_deliveries as owed
                     join event_endpoints on event_endpoints.id = owed.endpoint_id
                     where owed.event_id = events.id and owed.state = 'pending'
                         and event_endpoints.state <> 'retired'
                 )
             order by events.occurred_at
             limit $2
             for update of events skip locked",
            before,
            STEP
        )
        .fetch_all(&mut *tx)
        .await?;
        sqlx::query!(
            "select apalis_lease.cancel_job(jobs.id, 'its event has reached its age')
             from apalis_lease.jobs
             where jobs.queue = 'events' and jobs.payload ->> 'delivery_id' in (
                 select id::text from event_deliveries where event_id = any($1)
             )",
            &aged
        )
        .fetch_all(&mut *tx)
        .await?;
        sqlx::query!("delete from events where id = any($1)", &aged).execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(i64::try_from(aged.len()).is_ok_and(|it| it == STEP))
    }

    /// What was counted of steps and failures.
    async fn drop_counts(&self, before: DateTime<Utc>) -> Result<(), StoreError> {
        loop {
            let gone = sqlx::query!(
                "delete from step_minutes
                 where (minute, step) in (
                     select minute, step from step_minutes where minute < $1 order by minute limit $2
                 )",
                before,
                STEP
            )
            .execute(&self.pool)
            .await?;
            if gone.rows_affected() < STEP.unsigned_abs() {
                break;
            }
        }
        sqlx::query!("delete from failure_hours where hour < $1", before)
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}

/// The next messages that were all accepted before `before`; `None` when there is none, or another
/// worker is at them. Holds the mark until `tx` ends. Ids grow with time, but for moments that are
/// nothing to the least age.
async fn aged(tx: &mut Tx, what: What, before: DateTime<Utc>) -> Result<Option<Span>, StoreError> {
    let mark = sqlx::query_scalar!(
        "select message_id from retention_marks where what = $1 for update skip locked",
        what.name()
    )
    .fetch_optional(&mut **tx)
    .await?;
    let Some(after) = mark else { return Ok(None) };
    let up_to = sqlx::query_scalar!(
        "select max(id)
         from (
             select id, bool_and(accepted_at < $2) over (order by id) as aged
             from (
                 select id, accepted_at from messages where id > $1 order by id limit $3
             ) as next
         ) as next
         where aged",
        after,
        before,
        STEP
    )
    .fetch_one(&mut **tx)
    .await?;
    Ok(up_to.map(|up_to| Span { after, up_to }))
}

/// Takes the photos from messages that have their answer, and their bytes where no other message has
/// the same photo.
async fn remove_photos(tx: &mut Tx, span: Span, now: DateTime<Utc>) -> Result<(), StoreError> {
    let photos = sqlx::query_scalar!(
        r#"select media.sha256 as "sha256!"
           from media
           where media.message_id > $1 and media.message_id <= $2 and media.state = 'stored'
             and exists (
                 select from replies
                 where replies.message_id = media.message_id
                   and replies.part = 'answer' and replies.state <> 'owed'
             )
           order by media.sha256
           for update"#,
        span.after,
        span.up_to
    )
    .fetch_all(&mut **tx)
    .await?;
    sqlx::query!(
        "update media
         set state = 'lost', sha256 = null, reason = $3
         where message_id > $1 and message_id <= $2 and state = 'stored' and sha256 = any($4)
           and exists (
               select from replies
               where replies.message_id = media.message_id
                 and replies.part = 'answer' and replies.state <> 'owed'
           )",
        span.after,
        span.up_to,
        BY_AGE,
        &photos
    )
    .execute(&mut **tx)
    .await?;
    sqlx::query!(
        "delete from blobs
         where sha256 = any($1) and stored_at < $2
           and not exists (select from media where media.sha256 = blobs.sha256)",
        &photos,
        now - IN_USE
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Empties what Meta sent, and the words of a text that replies to something.
async fn remove_raw(tx: &mut Tx, span: Span) -> Result<(), StoreError> {
    sqlx::query!(
        "update messages
         set raw = '', quoted_words = null
         where id > $1 and id <= $2 and raw <> ''",
        span.after,
        span.up_to
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Takes the words from readings of messages that have their answer; the entry keeps its own.
async fn remove_words(tx: &mut Tx, span: Span) -> Result<(), StoreError> {
    sqlx::query!(
        "update readings
         set merchant = null, merchant_sure = null, tax_number = null, tax_lines = null
         where message_id > $1 and message_id <= $2
           and (merchant is not null or tax_number is not null or tax_lines is not null)
           and exists (
               select from replies
               where replies.message_id = readings.message_id
                 and replies.part = 'answer' and replies.state <> 'owed'
           )",
        span.after,
        span.up_to
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}
