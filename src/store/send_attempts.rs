//! Each attempt to send an answer: written before the call, settled by Meta's answer or by the
//! status that echoes the attempt's id.

mod reconcile;
mod write;

use chrono::{DateTime, Utc};

pub use self::reconcile::{Reconciled, reconcile};
use super::kept_items::pricing;
use super::{Store, StoreError, Tx, one_row};
use crate::domain::delivery::{Delivery, StatusUpdate};
use crate::domain::ids::{AttemptId, ReminderId, ReplyId, Wamid};
use crate::domain::reply::Form;

/// The newest attempt to send a reply, and what is known of it.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// Its id.
    pub id: AttemptId,
    /// Counted from 1.
    pub number: i32,
    /// How it was said.
    pub form: Form,
    /// When it was written down, just before the call.
    pub intended_at: DateTime<Utc>,
    /// What became of the call.
    pub outcome: AttemptOutcome,
    /// When the call ended without an answer; `None` also when nothing was noted of it.
    pub lost_at: Option<DateTime<Utc>>,
    /// Meta's code when the message failed after it was accepted, and when we heard so.
    pub failure: Option<(i32, DateTime<Utc>)>,
}

/// What an attempt is to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// An answer, or a notice before it.
    Reply(ReplyId),
    /// A reminder.
    Reminder(ReminderId),
}

/// What became of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttemptOutcome {
    /// Nobody knows: we died before the answer, or it was lost.
    Unknown,
    /// Meta took it.
    Accepted,
    /// Meta refused it, with this code (0 where it gave none).
    Refused(i32),
    /// It never left.
    NotSent,
}

impl Store {
    /// The newest attempt to send what `owner` is.
    pub async fn last_attempt(&self, owner: Owner) -> Result<Option<Attempt>, StoreError> {
        let (reply, reminder) = match owner {
            Owner::Reply(reply) => (Some(reply.0), None),
            Owner::Reminder(reminder) => (None, Some(reminder.0)),
        };
        let row = sqlx::query!(
            "select id, number, form, intended_at, lost_at, outcome, error_code, delivery_error_code,
                    failed_at
             from send_attempts
             where reply_id = $1 or reminder_id = $2
             order by number desc
             limit 1",
            reply,
            reminder
        )
        .fetch_optional(&self.pool)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let outcome = match row.outcome.as_deref() {
            None => AttemptOutcome::Unknown,
            Some("accepted") => AttemptOutcome::Accepted,
            Some("refused") => AttemptOutcome::Refused(row.error_code.unwrap_or_default()),
            Some("not_sent") => AttemptOutcome::NotSent,
            Some(_) => return Err(unreadable("outcome")),
        };
        Ok(Some(Attempt {
            id: AttemptId(row.id),
            number: row.number,
            form: Form::parse(&row.form).ok_or(unreadable("form"))?,
            intended_at: row.intended_at,
            outcome,
            lost_at: row.lost_at,
            failure: row.failed_at.map(|at| (row.delivery_error_code.unwrap_or_default(), at)),
        }))
    }

    /// Writes down that attempt `number` is about to be made. Committed when this returns: whatever
    /// happens next, the row says that something may have been sent. Where another worker was
    /// faster with this number, or with the answer that makes a word of delay idle, or an echo has
    /// told meanwhile that the attempt before was taken, [`StoreError::Overtaken`]: then nothing may be
    /// sent.
    pub async fn intend_send(
        &self,
        id: AttemptId,
        reply: ReplyId,
        number: i32,
        form: Form,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        // The turn that was reserved for it is used.
        let done = sqlx::query!(
            "with used as (update replies set turn_at = null where id = $2 and turn_at is not null)
             insert into send_attempts (id, reply_id, number, form, intended_at)
             select $1, $2, $3, $4, $5
             where not exists (
                 select from replies where id = $2 and part = 'delay' and state = 'withheld'
             )
             and not exists (
                 select from send_attempts
                 where reply_id = $2 and number = $3 - 1 and outcome = 'accepted'
                     and failed_at is null
             )
             on conflict (reply_id, number) do nothing",
            id.0,
            reply.0,
            number,
            form.as_str(),
            now
        )
        .execute(&self.pool)
        .await?;
        one_row("send_attempts", done.rows_affected())
    }

    /// Meta took it under `wamid`. The echo may have said so before: then this changes nothing.
    /// Statuses of it that overtook this, without our echo in them, are settled with it.
    pub async fn send_accepted(
        &self,
        id: AttemptId,
        wamid: &Wamid,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let done = sqlx::query!(
            "update send_attempts
             set outcome = 'accepted', wamid = coalesce(wamid, $2), settled_at = coalesce(settled_at, $3)
             where id = $1",
            id.0,
            wamid.as_str(),
            now
        )
        .execute(&mut *tx)
        .await?;
        one_row("send_attempts", done.rows_affected())?;
        let parked = unpark(&mut tx, wamid).await?;
        reconcile(&mut tx, &parked.iter().map(|it| (it, now)).collect::<Vec<_>>()).await?;
        Ok(tx.commit().await?)
    }

    /// The call ended without an answer: from now on the echo is waited for.
    pub async fn send_lost(&self, id: AttemptId, now: DateTime<Utc>) -> Result<(), StoreError> {
        sqlx::query!(
            "update send_attempts set lost_at = $2 where id = $1 and outcome is null",
            id.0,
            now
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Meta refused it with `code`, or it never left. An attempt that the echo settled stays so.
    pub async fn send_failed(
        &self,
        id: AttemptId,
        outcome: AttemptOutcome,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let (word, code) = match outcome {
            AttemptOutcome::Refused(code) => ("refused", Some(code)),
            AttemptOutcome::NotSent => ("not_sent", None),
            AttemptOutcome::Unknown | AttemptOutcome::Accepted => return Ok(()),
        };
        sqlx::query!(
            "update send_attempts
             set outcome = $2, error_code = $3, settled_at = $4
             where id = $1 and outcome is null",
            id.0,
            word,
            code,
            now
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}

/// The statuses that were parked for `wamid`, taken out.
async fn unpark(tx: &mut Tx, wamid: &Wamid) -> Result<Vec<StatusUpdate>, StoreError> {
    let rows = sqlx::query!(
        "delete from parked_statuses
         where wamid = $1
         returning delivery, error_code, told_at, pricing",
        wamid.as_str()
    )
    .fetch_all(&mut **tx)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(StatusUpdate {
                wamid: wamid.clone(),
                phone_number_id: None,
                delivery: Delivery::parse(&row.delivery).ok_or(unreadable("delivery"))?,
                at: row.told_at,
                attempt: None,
                error_code: row.error_code,
                pricing: row.pricing.as_ref().and_then(pricing),
            })
        })
        .collect()
}

fn unreadable(column: &'static str) -> StoreError {
    StoreError::Unreadable { table: "send_attempts", column }
}
