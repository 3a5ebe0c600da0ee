//! Photos that take their time. Each is looked at once, by one worker.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Store, StoreError, Tx};
use crate::domain::ids::{MessageId, PhoneNumberId};

/// Photos in one look, and those accepted together with the last: the rest is left for the next.
const AT_ONCE: i64 = 500;

/// Photos that have taken too long by now, and in which trace.
#[derive(Clone, Debug)]
pub struct Late {
    /// Which.
    pub message: MessageId,
    /// The number that it was sent to.
    pub number: PhoneNumberId,
    /// The W3C trace context of its webhook.
    pub trace_parent: Option<String>,
}

/// Photos accepted before `before` and not answered yet, that no look has come past: `before`
/// is a minute ago, so that what carries an earlier time has been committed. Whoever looks holds the
/// watermark until `tx` ends; others find nothing meanwhile. What was accepted over an hour before is
/// not told any more.
pub async fn late_photos(tx: &mut Tx, before: DateTime<Utc>) -> Result<Vec<Late>, StoreError> {
    let Some(reached) = watermark(tx, before).await? else { return Ok(Vec::new()) };
    let rows = sqlx::query!(
        r#"select messages.id, messages.phone_number_id, messages.accepted_at,
                  messages.trace_parent,
                  exists (select from replies where replies.message_id = messages.id) as "told!"
           from messages
           where messages.kind = 'media' and messages.accepted_at > $1 and messages.accepted_at <= $2
           order by messages.accepted_at
           fetch first $3 rows with ties"#,
        reached,
        before,
        AT_ONCE
    )
    .fetch_all(&mut **tx)
    .await?;
    let whole = i64::try_from(rows.len()).is_ok_and(|it| it < AT_ONCE);
    let next = if whole { before } else { rows.last().map_or(before, |it| it.accepted_at) };
    sqlx::query!(
        "update watermarks set reached_at = greatest(reached_at, $1) where name = 'late_photos'",
        next
    )
    .execute(&mut **tx)
    .await?;
    let late = rows.into_iter().filter(|it| !it.told).map(|it| {
        let number = PhoneNumberId::parse(&it.phone_number_id).ok_or(UNREADABLE)?;
        Ok(Late { message: MessageId(it.id), number, trace_parent: it.trace_parent })
    });
    late.collect()
}

const UNREADABLE: StoreError =
    StoreError::Unreadable { table: "messages", column: "phone_number_id" };

/// `None` while another worker looks.
async fn watermark(
    tx: &mut Tx,
    before: DateTime<Utc>,
) -> Result<Option<DateTime<Utc>>, StoreError> {
    let an_hour_before = before - TimeDelta::hours(1);
    sqlx::query!(
        "insert into watermarks (name, reached_at)
         values ('late_photos', $1)
         on conflict (name) do nothing",
        an_hour_before
    )
    .execute(&mut **tx)
    .await?;
    let reached = sqlx::query_scalar!(
        "select reached_at from watermarks where name = 'late_photos' for update skip locked"
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(reached.map(|it| it.max(an_hour_before)))
}

impl Store {
    /// Whether nothing has been said of `message` yet, neither answer nor notice.
    pub async fn is_untold(&self, message: MessageId) -> Result<bool, StoreError> {
        Ok(sqlx::query_scalar!(
            r#"select not exists (
                   select from replies where message_id = $1 and part <> 'delay'
               ) as "untold!""#,
            message.0
        )
        .fetch_one(&self.pool)
        .await?)
    }
}
