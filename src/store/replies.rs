//! The one answer that each message is owed.

use chrono::{DateTime, Duration, Utc};

use super::{Store, StoreError, one_row};
use crate::domain::ids::{MessageId, ReplyId, SenderId};
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
}

/// Shows the id only: the words are the sender's business.
impl std::fmt::Debug for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Reply({})", self.id.0)
    }
}

/// How far apart two helps to one sender are at least: two bots must not talk for ever.
const HELP_EVERY: Duration = Duration::hours(24);

impl Store {
    /// This part of the answer to `message`, once worded.
    pub async fn reply_to(
        &self,
        message: MessageId,
        part: Part,
    ) -> Result<Option<Reply>, StoreError> {
        let row = sqlx::query!(
            "select id, language, body, parameters
             from replies
             where message_id = $1 and part = $2",
            message.0,
            part.as_str()
        )
        .fetch_optional(&self.pool)
        .await?;
        row.map(|row| {
            Ok(Reply {
                id: ReplyId(row.id),
                language: Language::parse(&row.language)
                    .ok_or(StoreError::Unreadable { table: "replies", column: "language" })?,
                body: row.body,
                parameters: row.parameters,
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
                                  created_at)
             values ($1, $2, $3, $4, $5, $6, $7, 'owed', $8)
             on conflict (message_id, part) do nothing",
            message.0,
            sender.0,
            outcome.part().as_str(),
            outcome.as_str(),
            language.code(),
            outcome.text(language),
            &outcome.parameters(language),
            now
        )
        .execute(&self.pool)
        .await?;
        self.reply_to(message, outcome.part())
            .await?
            .ok_or(StoreError::Missing { table: "replies" })
    }

    /// Words the help to `message`, unless another message of `sender` was helped in the last 24
    /// hours. Two at the same moment: one is helped. Called again for a message that is owed help
    /// it says so again.
    pub async fn owe_help(
        &self,
        message: MessageId,
        sender: SenderId,
        language: Language,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        // Whoever helps this sender goes one after the other.
        sqlx::query!("select id from senders where id = $1 for update", sender.0)
            .fetch_optional(&mut *tx)
            .await?;
        let done = sqlx::query!(
            "insert into replies (message_id, sender_id, part, outcome, language, body, parameters,
                                  state, created_at)
             select $1, $2, 'answer', 'help', $3, $4, '{}', 'owed', $5
             where not exists (
                 select from replies
                 where sender_id = $2 and outcome = 'help' and created_at > $6 and message_id <> $1
             )
             on conflict (message_id, part) do update set language = replies.language",
            message.0,
            sender.0,
            language.code(),
            Outcome::Help.text(language),
            now,
            now - HELP_EVERY
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(done.rows_affected() == 1)
    }

    /// Meta took the answer. Called twice it changes nothing more.
    pub async fn reply_sent(&self, reply: ReplyId, now: DateTime<Utc>) -> Result<(), StoreError> {
        let done = sqlx::query!(
            "update replies
             set state = 'sent', settled_at = coalesce(settled_at, $2), reason = null
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
             set state = 'withheld', reason = $2, settled_at = coalesce(settled_at, $3)
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
