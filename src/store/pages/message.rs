//! One message: who sent it, what was said back, and every attempt of every job that was about it.

use chrono::{DateTime, Utc};

use crate::domain::ids::{MessageId, SenderId};
use crate::store::{Store, StoreError};

/// Who sent a message, and to which number. Personal data: for a page, never for a log.
#[derive(Clone, PartialEq, Eq)]
pub struct From {
    /// Meta's id of the number that was written to.
    pub number: String,
    /// Their number.
    pub phone: Option<String>,
    /// Their business-scoped user id.
    pub user_id: Option<String>,
    /// What they call themselves.
    pub profile_name: Option<String>,
    /// When they sent it, by Meta's clock.
    pub sent_at: DateTime<Utc>,
    /// Our row of them, and their customer at Stripe, once matched.
    pub matched: Option<(SenderId, String)>,
    /// What stands in the way of the photo's bytes: `pending`, `lost` with its reason; `stored`.
    pub photo: Option<(String, Option<String>)>,
    /// What their bytes are.
    pub mime: Option<String>,
}

/// Something that was said to the sender. Personal data.
#[derive(Clone, PartialEq, Eq)]
pub struct Said {
    /// Which.
    pub id: i64,
    /// `answer`, `notice`, `delay`.
    pub part: String,
    /// Our word for what it says.
    pub outcome: String,
    /// In which language.
    pub language: String,
    /// The words.
    pub body: String,
    /// `owed`, `sent`, `withheld`.
    pub state: String,
    /// Why it waits or is withheld.
    pub reason: Option<String>,
    /// When it was owed.
    pub created_at: DateTime<Utc>,
}

/// One attempt to send something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Send {
    /// Of which [`Said`].
    pub said: i64,
    /// Counted from 1.
    pub number: i32,
    /// `text` or `template`.
    pub form: String,
    /// When it was written down that it would be made.
    pub intended_at: DateTime<Utc>,
    /// `accepted`, `refused`, `not_sent`; `None`: nobody knows yet.
    pub outcome: Option<String>,
    /// Meta's code, of a refusal or of what did not arrive.
    pub error_code: Option<i32>,
    /// How far it has come.
    pub delivery: Option<String>,
    /// When we heard that the phone has it.
    pub delivered_at: Option<DateTime<Utc>>,
}

/// A job about the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Which.
    pub id: i64,
    /// In which queue.
    pub queue: String,
    /// waiting, paused, running, dead; done or cancelled.
    pub state: String,
    /// Counted attempts.
    pub attempts: i32,
    /// When it was written.
    pub created_at: DateTime<Utc>,
    /// Not before then, while it waits.
    pub run_at: DateTime<Utc>,
    /// When it was over.
    pub done_at: Option<DateTime<Utc>>,
    /// Why it is not done.
    pub reason: Option<String>,
}

/// One attempt of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Of which job.
    pub job: i64,
    /// Counted number; one that was put off gives its number back.
    pub number: i32,
    /// Which worker.
    pub worker: String,
    /// When it was claimed.
    pub started_at: DateTime<Utc>,
    /// When it was settled, or found lost.
    pub ended_at: DateTime<Utc>,
    /// `done`, `retry`, `not_before`, `halt`, `give_up`, `lost`, `cancelled`.
    pub outcome: String,
    /// Why it was not done.
    pub reason: Option<String>,
}

impl Store {
    /// Who sent it.
    pub async fn message_from(&self, id: MessageId) -> Result<From, StoreError> {
        let row = sqlx::query!(
            r#"select messages.phone_number_id, messages.phone, messages.user_id,
                      messages.profile_name, messages.sent_at, media.state as "photo?",
                      media.reason as photo_reason, blobs.mime as "mime?",
                      matches.sender_id as "sender_id?", matches.customer_id as "customer_id?"
               from messages
               left join media on media.message_id = messages.id
               left join blobs on blobs.sha256 = media.sha256
               left join matches on matches.message_id = messages.id
               where messages.id = $1"#,
            id.0
        )
        .fetch_optional(&self.pool)
        .await?
        .ok_or(StoreError::Missing { table: "messages" })?;
        Ok(From {
            number: row.phone_number_id,
            phone: row.phone,
            user_id: row.user_id,
            profile_name: row.profile_name,
            sent_at: row.sent_at,
            matched: row.sender_id.map(SenderId).zip(row.customer_id),
            photo: row.photo.map(|it| (it, row.photo_reason)),
            mime: row.mime,
        })
    }

    /// What was said to its sender about it.
    pub async fn said_about(&self, id: MessageId) -> Result<Vec<Said>, StoreError> {
        Ok(sqlx::query_as!(
            Said,
            "select id, part, outcome, language, body, state, reason, created_at
             from replies
             where message_id = $1
             order by id",
            id.0
        )
        .fetch_all(&self.pool)
        .await?)
    }

    /// Each attempt to say it.
    pub async fn sends_about(&self, id: MessageId) -> Result<Vec<Send>, StoreError> {
        Ok(sqlx::query_as!(
            Send,
            r#"select replies.id as said, send_attempts.number, send_attempts.form,
                      send_attempts.intended_at, send_attempts.outcome,
                      coalesce(send_attempts.delivery_error_code, send_attempts.error_code)
                          as error_code,
                      send_attempts.delivery, send_attempts.delivered_at
               from replies
               join send_attempts on send_attempts.reply_id = replies.id
               where replies.message_id = $1
               order by replies.id, send_attempts.number"#,
            id.0
        )
        .fetch_all(&self.pool)
        .await?)
    }

    /// The jobs about it, in their order; a hundred at most.
    pub async fn jobs_about(&self, id: MessageId) -> Result<Vec<Job>, StoreError> {
        Ok(sqlx::query_as!(
            Job,
            r#"select id as "id!", queue as "queue!", state as "state!", attempts as "attempts!",
                      created_at as "created_at!", run_at as "run_at!", done_at, reason
               from (
                   select id, queue, state, attempt as attempts, created_at, run_at,
                          dead_since as done_at, reason
                   from apalis_lease.jobs
                   where payload ->> 'message_id' = $1
                   union all
                   select id, queue, outcome, attempt, created_at, run_at, done_at, reason
                   from apalis_lease.done_jobs
                   where payload ->> 'message_id' = $1
               ) as about
               order by id
               limit 100"#,
            id.0.to_string()
        )
        .fetch_all(&self.pool)
        .await?)
    }

    /// The ended attempts of these jobs, in their order; five hundred at most.
    pub async fn attempts_of(&self, jobs: &[i64]) -> Result<Vec<Attempt>, StoreError> {
        Ok(sqlx::query_as!(
            Attempt,
            "select job_id as job, attempt as number, worker, started_at, ended_at, outcome, reason
             from apalis_lease.attempts
             where job_id = any($1)
             order by job_id, run
             limit 500",
            jobs
        )
        .fetch_all(&self.pool)
        .await?)
    }
}
