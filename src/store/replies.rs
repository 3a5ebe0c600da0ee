//! The one answer that each message is owed.

use chrono::{DateTime, Duration, Utc};

use super::entries::one_at_a_time;
use super::{Store, StoreError, one_row};
use crate::domain::chat::Question;
use crate::domain::ids::{EntryId, MessageId, ReplyId, SenderId};
use crate::domain::language::Language;
use crate::domain::reply::{Outcome, Part};

/// The answer to a message, as it was first worded.
#[derive(Clone, PartialEq, Eq)]
pub struct Reply {
    /// Our id.
    pub id: ReplyId,
    /// In which language.
    pub language: Language,
    /// The free words.
    pub body: String,
    /// The template's parameters; empty where no template says this.
    pub parameters: Vec<String>,
    /// Which entry it asks about, and what: its buttons.
    pub asks: Option<(EntryId, Question)>,
    /// The moment that is reserved for its next attempt.
    pub turn_at: Option<DateTime<Utc>>,
}

/// Shows the id only: the words are the sender's business.
impl std::fmt::Debug for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Reply({})", self.id.0)
    }
}

/// How far apart two helps to one sender are at least: two bots must not talk for ever.
const HELP_EVERY: Duration = Duration::hours(24);

/// A word of delay that left is not waited for any longer.
const LEAVING_TAKES: Duration = Duration::seconds(20);

/// For whom an answer is seldom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Each {
    /// Once a sender and day.
    Sender,
    /// Once an entry and day.
    Entry,
}

impl Store {
    /// This part of the answer to `message`, once worded.
    pub async fn reply_to(
        &self,
        message: MessageId,
        part: Part,
    ) -> Result<Option<Reply>, StoreError> {
        let row = sqlx::query!(
            "select id, language, body, parameters, entry_id, asks, turn_at
             from replies
             where message_id = $1 and part = $2",
            message.0,
            part.as_str()
        )
        .fetch_optional(&self.pool)
        .await?;
        row.map(|row| {
            let asks = row.asks.as_deref().map(|it| Question::parse(it).ok_or(unreadable("asks")));
            Ok(Reply {
                id: ReplyId(row.id),
                language: Language::parse(&row.language).ok_or(unreadable("language"))?,
                body: row.body,
                parameters: row.parameters,
                asks: row.entry_id.map(EntryId).zip(asks.transpose()?),
                turn_at: row.turn_at,
            })
        })
        .transpose()
    }

    /// Words the answer to `message`. The first wording stands: a later call returns it.
    pub async fn owe_reply(
        &self,
        message: MessageId,
        sender: SenderId,
        outcome: &Outcome,
        language: Language,
        now: DateTime<Utc>,
    ) -> Result<Reply, StoreError> {
        sqlx::query!(
            "insert into replies (message_id, sender_id, part, outcome, language, body, parameters, state,
                                  created_at, entry_id, asks)
             values ($1, $2, $3, $4, $5, $6, $7, 'owed', $8, $9, $10)
             on conflict (message_id, part) do nothing",
            message.0,
            sender.0,
            outcome.part().as_str(),
            outcome.as_str(),
            language.code(),
            outcome.text(language),
            &outcome.parameters(language),
            now,
            outcome.entry().map(|it| it.0),
            outcome.asks().map(Question::as_str)
        )
        .execute(&self.pool)
        .await?;
        self.reply_to(message, outcome.part())
            .await?
            .ok_or(StoreError::Missing { table: "replies" })
    }

    /// Words `outcome` for `message`, unless `sender` was told the same in the last 24 hours,
    /// because of another message: about the same entry, where `each` is that. Two at the same
    /// moment: one is answered. Called again for a message that is owed an answer it says so again.
    pub async fn owe_seldom(
        &self,
        message: MessageId,
        sender: SenderId,
        outcome: &Outcome,
        each: Each,
        language: Language,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let about = match each {
            Each::Sender => None,
            Each::Entry => outcome.entry(),
        };
        let mut tx = self.begin().await?;
        // Whoever helps this sender goes one after the other.
        one_at_a_time(&mut tx, sender).await?;
        let done = sqlx::query!(
            "insert into replies (message_id, sender_id, part, outcome, language, body, parameters,
                                  state, created_at, entry_id)
             select $1, $2, 'answer', $3, $4, $5, '{}', 'owed', $6, $8
             where not exists (
                 select from replies
                 where sender_id = $2 and outcome = $3 and created_at > $7 and message_id <> $1
                     and ($9::bigint is null or entry_id = $9)
             )
             on conflict (message_id, part) do update set language = replies.language",
            message.0,
            sender.0,
            outcome.as_str(),
            language.code(),
            outcome.text(language),
            now,
            now - HELP_EVERY,
            outcome.entry().map(|it| it.0),
            about.map(|it| it.0)
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(done.rows_affected() == 1)
    }

    /// The answer to `message` is ready: a word of delay that has not left is not said any more.
    /// Whether one is leaving at this moment: then the answer follows it.
    pub async fn forestall_delay(
        &self,
        message: MessageId,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        Ok(sqlx::query_scalar!(
            r#"with forestalled as (
                   update replies
                   set state = 'withheld', reason = 'the answer was ready', settled_at = $2
                   where message_id = $1 and part = 'delay' and state = 'owed'
                       and not exists (select from send_attempts where reply_id = replies.id)
               )
               select exists (
                   select from replies
                   join send_attempts on send_attempts.reply_id = replies.id
                   where message_id = $1 and part = 'delay' and state = 'owed'
                       and send_attempts.outcome is null and lost_at is null
                       and intended_at > $3
               ) as "leaving!""#,
            message.0,
            now,
            now - LEAVING_TAKES
        )
        .fetch_one(&self.pool)
        .await?)
    }

    /// The next attempt to send `reply` is made at `turn`, which is reserved for it.
    pub async fn keep_turn(&self, reply: ReplyId, turn: DateTime<Utc>) -> Result<(), StoreError> {
        let done = sqlx::query!("update replies set turn_at = $2 where id = $1", reply.0, turn)
            .execute(&self.pool)
            .await?;
        one_row("replies", done.rows_affected())
    }

    /// Meta took the answer. Called twice it changes nothing more.
    pub async fn reply_sent(&self, reply: ReplyId, now: DateTime<Utc>) -> Result<(), StoreError> {
        let done = sqlx::query!(
            "update replies
             set state = 'sent', settled_at = coalesce(settled_at, $2), reason = null,
                 waits_for_template = null
             where id = $1",
            reply.0,
            now
        )
        .execute(&self.pool)
        .await?;
        one_row("replies", done.rows_affected())
    }

    /// The answer will not be sent, and why (nothing personal). A sent one stays sent.
    pub async fn reply_withheld(
        &self,
        reply: ReplyId,
        reason: &str,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        sqlx::query!(
            "update replies
             set state = 'withheld', reason = $2, settled_at = coalesce(settled_at, $3),
                 waits_for_template = null
             where id = $1 and state <> 'sent'",
            reply.0,
            reason,
            now
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}

fn unreadable(column: &'static str) -> StoreError {
    StoreError::Unreadable { table: "replies", column }
}
