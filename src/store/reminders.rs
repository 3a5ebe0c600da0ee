//! Messages that nobody asked for: each a row, once for each key, settled once.

use chrono::{DateTime, Utc};

use super::{Store, StoreError, Tx, one_row};
use crate::domain::ids::{AttemptId, PhoneNumberId, ReminderId, SenderId};
use crate::domain::template::Parameter;

/// A reminder that is to be written down.
#[derive(Clone, Debug)]
pub struct NewReminder {
    /// The same reminder has the same key.
    pub key: String,
    /// Whom it is for.
    pub sender: SenderId,
    /// What is put into the template.
    pub parameters: Vec<Parameter>,
}

/// What the reminders of one command have in common.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The number that they leave from.
    pub number: PhoneNumberId,
    /// The template.
    pub template: String,
    /// Its language's code.
    pub language: String,
    /// Not before.
    pub run_at: DateTime<Utc>,
}

/// A reminder as the worker needs it.
#[derive(Clone, Debug)]
pub struct Reminder {
    /// Our id.
    pub id: ReminderId,
    /// The number that it leaves from.
    pub number: PhoneNumberId,
    /// Whom it is for.
    pub sender: SenderId,
    /// The template.
    pub template: String,
    /// Its language's code.
    pub language: String,
    /// What is put into it.
    pub parameters: Vec<Parameter>,
    /// The moment that is reserved for its next attempt.
    pub turn_at: Option<DateTime<Utc>>,
}

impl Store {
    /// Which of `keys` are there already.
    pub async fn known_reminders(&self, keys: &[String]) -> Result<Vec<String>, StoreError> {
        Ok(sqlx::query_scalar!("select key from reminders where key = any($1)", keys)
            .fetch_all(&self.pool)
            .await?)
    }

    /// The reminder that is named so.
    pub async fn reminder_with_key(&self, key: &str) -> Result<Option<ReminderId>, StoreError> {
        let id = sqlx::query_scalar!("select id from reminders where key = $1", key)
            .fetch_optional(&self.pool)
            .await?;
        Ok(id.map(ReminderId))
    }

    /// The reminder `id`, as long as it is to be sent: `None` when it was cancelled or is settled.
    pub async fn scheduled_reminder(&self, id: ReminderId) -> Result<Option<Reminder>, StoreError> {
        let row = sqlx::query!(
            "select phone_number_id, sender_id, template, language, parameters, parameter_names, turn_at
             from reminders
             where id = $1 and state = 'scheduled'",
            id.0
        )
        .fetch_optional(&self.pool)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let number = PhoneNumberId::parse(&row.phone_number_id)
            .ok_or(StoreError::Unreadable { table: "reminders", column: "phone_number_id" })?;
        let mut names = row.parameter_names.into_iter();
        let parameter = |value| Parameter { name: names.next(), value };
        Ok(Some(Reminder {
            id,
            number,
            sender: SenderId(row.sender_id),
            template: row.template,
            language: row.language,
            parameters: row.parameters.into_iter().map(parameter).collect(),
            turn_at: row.turn_at,
        }))
    }

    /// When the person last wrote to the number, by Meta's clock.
    pub async fn last_wrote(
        &self,
        person: SenderId,
        number: &PhoneNumberId,
    ) -> Result<Option<DateTime<Utc>>, StoreError> {
        Ok(sqlx::query_scalar!(
            "select max(newest.sent_at)
             from senders
             cross join lateral (
                 (select sent_at from messages
                  where phone_number_id = $2 and phone = senders.phone
                  order by sent_at desc limit 1)
                 union all
                 (select sent_at from messages
                  where phone_number_id = $2 and user_id = senders.user_id
                  order by sent_at desc limit 1)
             ) as newest
             where senders.id = $1",
            person.0,
            number.as_str()
        )
        .fetch_one(&self.pool)
        .await?)
    }

    /// Its next attempt is made at `turn`, which is reserved for it.
    pub async fn keep_reminders_turn(
        &self,
        id: ReminderId,
        turn: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let done = sqlx::query!("update reminders set turn_at = $2 where id = $1", id.0, turn)
            .execute(&self.pool)
            .await?;
        one_row("reminders", done.rows_affected())
    }

    /// Writes down that attempt `number` is about to be made, as
    /// [`intend_send`](Store::intend_send) does for an answer. [`StoreError::Overtaken`] where
    /// another worker was faster, or it was cancelled: then nothing may be sent.
    pub async fn intend_reminder(
        &self,
        id: AttemptId,
        reminder: ReminderId,
        number: i32,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let done = sqlx::query!(
            "with used as (
                 update reminders set turn_at = null, reason = null
                 where id = $2 and state = 'scheduled'
                 returning id
             )
             insert into send_attempts (id, reminder_id, number, form, intended_at)
             select $1, id, $3, 'template', $4
             from used
             on conflict (reminder_id, number) do nothing",
            id.0,
            reminder.0,
            number,
            now
        )
        .execute(&self.pool)
        .await?;
        one_row("send_attempts", done.rows_affected())
    }

    /// Meta took it. Called twice it changes nothing more.
    pub async fn reminder_sent(
        &self,
        id: ReminderId,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let done = sqlx::query!(
            "update reminders
             set state = 'sent', settled_at = coalesce(settled_at, $2), reason = null,
                 waits_for_template = null
             where id = $1",
            id.0,
            now
        )
        .execute(&self.pool)
        .await?;
        one_row("reminders", done.rows_affected())
    }

    /// It will not be sent, and why (nothing personal). A sent one stays sent.
    pub async fn reminder_withheld(
        &self,
        id: ReminderId,
        reason: &str,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        sqlx::query!(
            "update reminders
             set state = 'withheld', reason = $2, settled_at = $3, waits_for_template = null
             where id = $1 and state = 'scheduled'",
            id.0,
            reason,
            now
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// It waits, and for what (nothing personal).
    pub async fn reminder_waits(&self, id: ReminderId, reason: &str) -> Result<(), StoreError> {
        sqlx::query!(
            "update reminders set reason = $2 where id = $1 and state = 'scheduled'",
            id.0,
            reason
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Cancels those of `ids` that are not sent yet, and says which.
    pub async fn cancel_reminders(
        &self,
        ids: &[i64],
        now: DateTime<Utc>,
    ) -> Result<Vec<i64>, StoreError> {
        Ok(sqlx::query_scalar!(
            "update reminders
             set state = 'cancelled', settled_at = $2, waits_for_template = null
             where id = any($1) and state = 'scheduled'
             returning id",
            ids,
            now
        )
        .fetch_all(&self.pool)
        .await?)
    }
}

/// Writes down those of `reminders` whose key is new, and says which rows they are.
/// Asked for twice, also at the same moment, a reminder is there once.
pub async fn schedule(
    tx: &mut Tx,
    batch: &Batch,
    reminders: &[NewReminder],
    now: DateTime<Utc>,
) -> Result<Vec<ReminderId>, StoreError> {
    let mut reminders: Vec<&NewReminder> = reminders.iter().collect();
    // Two commands that write the same ones would wait for each other crosswise.
    reminders.sort_by_key(|it| &it.key);
    let mut ids = Vec::with_capacity(reminders.len());
    for reminder in reminders {
        let values: Vec<String> = reminder.parameters.iter().map(|it| it.value.clone()).collect();
        let names: Vec<String> =
            reminder.parameters.iter().filter_map(|it| it.name.clone()).collect();
        let id = sqlx::query_scalar!(
            "insert into reminders (key, phone_number_id, sender_id, template, language, parameters,
                                    parameter_names, run_at, state, created_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, 'scheduled', $9)
             on conflict (key) do nothing
             returning id",
            reminder.key,
            batch.number.as_str(),
            reminder.sender.0,
            batch.template,
            batch.language,
            &values,
            &names,
            batch.run_at,
            now
        )
        .fetch_optional(&mut **tx)
        .await?;
        ids.extend(id.map(ReminderId));
    }
    Ok(ids)
}
