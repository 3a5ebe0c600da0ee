//! Messages, the newest first: all, those of some days, those in one state, those of one person.

use super::{Days, Page, ROWS, Timed};
use crate::domain::ids::SenderId;
use crate::domain::sender::Phone;
use crate::store::views::MessageRow;
use crate::store::{Store, StoreError};

/// Which messages are looked for.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// In this state, as `ops.messages` says it.
    pub state: Option<String>,
    /// Received on these days.
    pub days: Days,
    /// Of this person only; days and state count all the same.
    pub sender: Option<SenderId>,
    /// Older than this one.
    pub before: Option<i64>,
}

/// How many of one person's messages are looked through at once.
const OF_ONE_PERSON: usize = 500;

impl Store {
    /// A page of messages. Where a state is asked for, at most 1,000 messages are looked at, and the
    /// page says where to go on.
    pub async fn search_messages(&self, search: &Search) -> Result<Page<MessageRow>, StoreError> {
        let newest = sqlx::query_scalar!(r#"select coalesce(max(id), 0) as "id!" from messages"#)
            .fetch_one(&self.pool)
            .await?;
        let below = search.before.unwrap_or(i64::MAX).min(newest + 1);
        if let Some(sender) = search.sender {
            return self.messages_of(sender, search, below).await;
        }
        let ids = self.ids_of(Timed::Messages, search.days, below).await?;
        // The limits are written out: as parameters they would change the plan.
        let (rows, window): (Vec<MessageRow>, _) = match &search.state {
            None => {
                let rows = sqlx::query_as!(
                    MessageRow,
                    r#"select id as "id!", kind as "kind!", state as "state!",
                              received_at as "received_at!", accepted_at as "accepted_at!", read_at,
                              matched_at, booked_at, replied_at, delivered_at, trace_id
                       from ops.messages
                       where id >= $1 and id < $2
                           and ($3::timestamptz is null or accepted_at >= $3)
                           and ($4::timestamptz is null or accepted_at < $4)
                       order by id desc
                       limit 51"#,
                    ids.from,
                    ids.below,
                    search.days.begin(),
                    search.days.end()
                )
                .fetch_all(&self.pool)
                .await?;
                (rows, None)
            }
            Some(state) => self.messages_in(state, ids.from, ids.below, search.days).await?,
        };
        Ok(page(rows, window))
    }

    async fn messages_in(
        &self,
        state: &str,
        from: i64,
        below: i64,
        days: Days,
    ) -> Result<(Vec<MessageRow>, Option<i64>), StoreError> {
        let rows = sqlx::query_as!(
            MessageRow,
            r#"select one.id as "id!", one.kind as "kind!", one.state as "state!",
                      one.received_at as "received_at!", one.accepted_at as "accepted_at!",
                      one.read_at, one.matched_at, one.booked_at, one.replied_at, one.delivered_at,
                      one.trace_id
               from (
                   select id from messages
                   where id >= $1 and id < $2
                       and ($4::timestamptz is null or accepted_at >= $4)
                       and ($5::timestamptz is null or accepted_at < $5)
                   order by id desc
                   limit 1000
               ) as near
               cross join lateral (
                   select id, kind, state, received_at, accepted_at, read_at, matched_at, booked_at,
                          replied_at, delivered_at, trace_id
                   from ops.messages
                   where ops.messages.id = near.id
                   offset 0
               ) as one
               where one.state = $3
               order by one.id desc
               limit 51"#,
            from,
            below,
            state,
            days.begin(),
            days.end()
        )
        .fetch_all(&self.pool)
        .await?;
        let last = sqlx::query_scalar!(
            "select id from messages
             where id >= $1 and id < $2
                 and ($3::timestamptz is null or accepted_at >= $3)
                 and ($4::timestamptz is null or accepted_at < $4)
             order by id desc
             limit 1 offset 999",
            from,
            below,
            days.begin(),
            days.end()
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok((rows, last))
    }

    /// Whoever has this number, or had it; both ways of writing it. `None` for nobody we know.
    pub async fn sender_with(&self, phone: &Phone) -> Result<Option<SenderId>, StoreError> {
        let key = phone.key();
        let id = sqlx::query_scalar!(
            r#"select sender_id as "sender_id!"
               from (
                   select id as sender_id, 0 as place from senders where phone_key = $1
                   union all
                   select sender_id, 1 from former_identities where phone_key = $1
               ) as known
               order by place, sender_id desc
               limit 1"#,
            key.as_str()
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(id.map(SenderId))
    }

    async fn messages_of(
        &self,
        sender: SenderId,
        search: &Search,
        below: i64,
    ) -> Result<Page<MessageRow>, StoreError> {
        let ids = self.message_ids_of(sender, search, below).await?;
        let rows = sqlx::query_as!(
            MessageRow,
            r#"select one.id as "id!", one.kind as "kind!", one.state as "state!",
                      one.received_at as "received_at!", one.accepted_at as "accepted_at!",
                      one.read_at, one.matched_at, one.booked_at, one.replied_at, one.delivered_at,
                      one.trace_id
               from unnest($1::bigint[]) as near (id)
               cross join lateral (
                   select id, kind, state, received_at, accepted_at, read_at, matched_at, booked_at,
                          replied_at, delivered_at, trace_id
                   from ops.messages
                   where ops.messages.id = near.id
                   offset 0
               ) as one
               where $2::text is null or one.state = $2
               order by one.id desc
               limit 51"#,
            &ids,
            search.state
        )
        .fetch_all(&self.pool)
        .await?;
        let window = (ids.len() == OF_ONE_PERSON).then(|| ids.iter().min().copied()).flatten();
        Ok(page(rows, window))
    }

    /// The newest of a person's messages, at most [`OF_ONE_PERSON`]: by each number that was written
    /// to, under each number and user id that the person has had, as long as they had it.
    async fn message_ids_of(
        &self,
        sender: SenderId,
        search: &Search,
        below: i64,
    ) -> Result<Vec<i64>, StoreError> {
        Ok(sqlx::query_scalar!(
            r#"with known as (
                   select phone_key, user_id, 'infinity'::timestamptz as until
                   from senders where id = $1
                   union all
                   select phone_key, user_id, until from former_identities where sender_id = $1
               ),
               phones as (
                   select variant as phone, until
                   from known
                   cross join lateral (values
                       (phone_key),
                       (case when phone_key ~ '^55[1-9][1-9]9[6-9][0-9]{7}$'
                             then '55' || substr(phone_key, 3, 2) || right(phone_key, 8) end),
                       (case when phone_key ~ '^549[123][0-9]{9}$'
                             then '54' || right(phone_key, 10) end),
                       (case when phone_key ~ '^52[2-9][0-9]{9}$'
                             then '521' || right(phone_key, 10) end)
                   ) as variants (variant)
                   where variant is not null
               )
               select found.id as "id!"
               from (
                   select one.id, one.accepted_at
                   from numbers_written_to
                   cross join phones
                   cross join lateral (
                       select id, accepted_at from messages
                       where phone_number_id = numbers_written_to.id and messages.phone = phones.phone
                           and sent_at < until and id < $2
                       order by sent_at desc
                       limit 500
                   ) as one
                   union
                   select one.id, one.accepted_at
                   from numbers_written_to
                   cross join known
                   cross join lateral (
                       select id, accepted_at from messages
                       where phone_number_id = numbers_written_to.id and messages.user_id = known.user_id
                           and id < $2
                       order by sent_at desc
                       limit 500
                   ) as one
               ) as found
               where ($3::timestamptz is null or found.accepted_at >= $3)
                   and ($4::timestamptz is null or found.accepted_at < $4)
               order by found.id desc
               limit 500"#,
            sender.0,
            below,
            search.days.begin(),
            search.days.end()
        )
        .fetch_all(&self.pool)
        .await?)
    }
}

/// Fifty of fifty-one rows; `window` is the last id that was looked at, where more lie below it.
fn page(mut rows: Vec<MessageRow>, window: Option<i64>) -> Page<MessageRow> {
    let is_full = rows.len() > ROWS;
    rows.truncate(ROWS);
    let older = if is_full { rows.last().map(|it| it.id) } else { window };
    Page { window_ended: !is_full && window.is_some(), rows, older }
}
