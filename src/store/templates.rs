//! Message templates as Meta last told of them: by listing, by webhook, by refusing one. Told twice
//! or in another order, the newest word of Meta's time stands.

mod told;

use chrono::{DateTime, DurationRound, TimeDelta, Utc};

pub use self::told::{Awake, awake, hear, keep_listed};
use super::{Store, StoreError};
use crate::domain::ids::{ReminderId, ReplyId};
use crate::domain::template::{OtherParameters, Words, is_sendable};

/// What is known of a template when one is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Meta's word.
    pub status: String,
    /// When we last heard of the status.
    pub checked_at: DateTime<Utc>,
    /// What it says; `None` where only a webhook has told of it.
    pub words: Option<Words>,
    /// Whether anything but the body wants parameters.
    pub others: OtherParameters,
    /// What it is billed as.
    pub category: Option<String>,
}

/// A template as an operator sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateRow {
    /// Its name.
    pub name: String,
    /// Its language's code.
    pub language: String,
    /// Meta's word.
    pub status: String,
    /// Why it is rejected or paused.
    pub reason: Option<String>,
    /// What it is billed as.
    pub category: Option<String>,
    /// What it was billed as before Meta moved it.
    pub previous_category: Option<String>,
    /// Meta's word.
    pub quality: Option<String>,
    /// How many answers wait for it.
    pub waiting_replies: i64,
}

impl Store {
    /// What is known of the template `name` in `language`.
    pub async fn known_template(
        &self,
        name: &str,
        language: &str,
    ) -> Result<Option<Known>, StoreError> {
        let row = sqlx::query!(
            "select status, checked_at, header, body, footer, others_wanted, category
             from templates
             where name = $1 and language = $2",
            name,
            language
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.map(|row| {
            let (header, footer) = (row.header, row.footer);
            Known {
                status: row.status,
                checked_at: row.checked_at,
                words: row.body.map(|body| Words { header, body, footer }),
                others: if row.others_wanted {
                    OtherParameters::Wanted
                } else {
                    OtherParameters::None
                },
                category: row.category,
            }
        }))
    }

    /// All of `ops.templates`, by name and language.
    pub async fn template_rows(&self) -> Result<Vec<TemplateRow>, StoreError> {
        Ok(sqlx::query_as!(
            TemplateRow,
            r#"select name as "name!", language as "language!", status as "status!", reason, category,
                      previous_category, quality, waiting_replies as "waiting_replies!"
               from ops.templates
               order by name, language"#
        )
        .fetch_all(&self.pool)
        .await?)
    }

    /// When templates were submitted as new ones since `since`, the oldest first.
    pub async fn templates_created_since(
        &self,
        since: DateTime<Utc>,
    ) -> Result<Vec<DateTime<Utc>>, StoreError> {
        Ok(sqlx::query_scalar!(
            r#"select created_at as "created_at!" from templates where created_at >= $1 order by created_at"#,
            since
        )
        .fetch_all(&self.pool)
        .await?)
    }

    /// A new template was submitted; called twice it counts as one.
    pub async fn template_created(
        &self,
        name: &str,
        language: &str,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        sqlx::query!(
            "insert into templates (name, language, status, status_told_at, checked_at, created_at)
             values ($1, $2, 'PENDING', $3, $4, $4)
             on conflict (name, language) do update
             set status = 'PENDING', status_told_at = $3, checked_at = $4, created_at = $4",
            name,
            language,
            whole_second(now),
            now
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Meta refused to send this template, in a call made at `asked_at`: it has this `status`.
    pub async fn template_refused(
        &self,
        name: &str,
        language: &str,
        status: &str,
        asked_at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        sqlx::query!(
            "insert into templates as known (name, language, status, status_told_at, checked_at)
             values ($1, $2, $3, $4, $5)
             on conflict (name, language) do update
             set status = case when known.status in ('APPROVED', 'FLAGGED', 'UNKNOWN')
                          then excluded.status else known.status end,
                 status_told_at = excluded.status_told_at,
                 checked_at = excluded.checked_at
             where known.status_told_at <= excluded.status_told_at",
            name,
            language,
            status,
            whole_second(asked_at),
            asked_at
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}

/// What waits for a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// An answer.
    Reply(ReplyId),
    /// A reminder.
    Reminder(ReminderId),
}

impl Store {
    /// `who` waits until the template may be sent; `stands` says how it stands (nothing personal).
    /// False when it may be sent by now: then nothing waits. A webhook that approves it at the same
    /// moment finds who waits, or is found here.
    pub async fn wait_for_template(
        &self,
        who: Waiting,
        name: &str,
        language: &str,
        stands: &str,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let status = sqlx::query_scalar!(
            "select status from templates where name = $1 and language = $2 for share",
            name,
            language
        )
        .fetch_optional(&mut *tx)
        .await?;
        if status.is_none_or(|it| is_sendable(&it)) {
            return Ok(false);
        }
        match who {
            Waiting::Reply(id) => {
                sqlx::query!(
                    "update replies set waits_for_template = $2, reason = $3 where id = $1 and state = 'owed'",
                    id.0,
                    name,
                    stands
                )
                .execute(&mut *tx)
                .await?;
            }
            Waiting::Reminder(id) => {
                sqlx::query!(
                    "update reminders set waits_for_template = $2, reason = $3 where id = $1 and state = 'scheduled'",
                    id.0,
                    name,
                    stands
                )
                .execute(&mut *tx)
                .await?;
            }
        }
        tx.commit().await?;
        Ok(true)
    }
}

/// Meta's times are whole seconds: ours must not be later for a fraction.
fn whole_second(at: DateTime<Utc>) -> DateTime<Utc> {
    at.duration_trunc(TimeDelta::seconds(1)).unwrap_or(at)
}
