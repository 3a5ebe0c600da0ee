//! Where one message is, and what its jobs wait for: for somebody who watches a single one. It
//! reads only, and says nothing of messages at large: that is what the `ops` views are for.

use chrono::{DateTime, Utc};

use super::{Store, StoreError};
use crate::domain::ids::{MessageId, Wamid};

/// A job of a message that is not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageJob {
    /// On which queue.
    pub queue: String,
    /// `waiting`, `paused`, `running` or `dead`.
    pub state: String,
    /// Not before this moment.
    pub run_at: DateTime<Utc>,
    /// How often it was begun.
    pub attempt: i32,
    /// Until when its worker holds it, while one does.
    pub lease_until: Option<DateTime<Utc>>,
    /// Why the last try did not end it.
    pub reason: Option<String>,
}

impl Store {
    /// Our number for Meta's message id, once it was accepted.
    pub async fn message_with(&self, wamid: &Wamid) -> Result<Option<MessageId>, StoreError> {
        let id = sqlx::query_scalar!("select id from messages where wamid = $1", wamid.as_str())
            .fetch_optional(&self.pool)
            .await?;
        Ok(id.map(MessageId))
    }

    /// The jobs of `message` that are not done, oldest first. Goes through all jobs that are not
    /// done: not for a database under load.
    pub async fn jobs_of(&self, message: MessageId) -> Result<Vec<MessageJob>, StoreError> {
        Ok(sqlx::query_as!(
            MessageJob,
            "select queue, state, run_at, attempt, lease_until, reason
             from apalis_lease.jobs
             where (payload ->> 'message_id')::bigint = $1
             order by id",
            message.0
        )
        .fetch_all(&self.pool)
        .await?)
    }
}
