//! Messages, the newest first: all, those of some days, those in one state, those of one person.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

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
        let mut ids = self.message_ids_of(sender, search, below).await?;
        let window = if ids.len() == OF_ONE_PERSON { ids.last().copied() } else { None };
        if search.state.is_none() {
            // More than a page need not be looked at.
            ids.truncate(ROWS + 1);
        }
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
        Ok(page(rows, window))
    }

    /// The newest of a person's messages, at most [`OF_ONE_PERSON`], the newest first: by each number
    /// that was written to, under each number and user id that the person has had, as long as they had
    /// it. One short question for each, so that each is answered by its index.
    async fn message_ids_of(
        &self,
        sender: SenderId,
        search: &Search,
        below: i64,
    ) -> Result<Vec<i64>, StoreError> {
        let numbers = sqlx::query_scalar!(r#"select id as "id!" from numbers_written_to"#)
            .fetch_all(&self.pool)
            .await?;
        let known = sqlx::query!(
            r#"select phone, user_id, null::timestamptz as until from senders where id = $1
               union all
               select phone, user_id, until from former_identities where sender_id = $1"#,
            sender.0
        )
        .fetch_all(&self.pool)
        .await?;
        let mut ids = BTreeSet::new();
        for number in &numbers {
            for known in &known {
                let phone = known.phone.as_deref().and_then(|it| Phone::parse(it).ok());
                for phone in phone.iter().flat_map(Phone::variants) {
                    ids.extend(self.ids_by_phone(number, &phone, known.until, below).await?);
                }
                if let Some(user_id) = &known.user_id {
                    ids.extend(self.ids_by_user_id(number, user_id, below).await?);
                }
            }
        }
        let (begin, end) = (search.days.begin(), search.days.end());
        let on_these_days =
            |at: DateTime<Utc>| begin.is_none_or(|it| at >= it) && end.is_none_or(|it| at < it);
        let newest = ids.into_iter().rev().filter(|(_, at)| on_these_days(*at)).map(|(id, _)| id);
        Ok(newest.take(OF_ONE_PERSON).collect())
    }

    async fn ids_by_phone(
        &self,
        number: &str,
        phone: &Phone,
        until: Option<DateTime<Utc>>,
        below: i64,
    ) -> Result<Vec<(i64, DateTime<Utc>)>, StoreError> {
        let rows = sqlx::query!(
            "select id, accepted_at from messages
             where phone_number_id = $1 and phone = $2 and ($3::timestamptz is null or sent_at < $3)
                 and id < $4
             order by sent_at desc
             limit 500",
            number,
            phone.as_str(),
            until,
            below
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().map(|row| (row.id, row.accepted_at)).collect())
    }

    async fn ids_by_user_id(
        &self,
        number: &str,
        user_id: &str,
        below: i64,
    ) -> Result<Vec<(i64, DateTime<Utc>)>, StoreError> {
        let rows = sqlx::query!(
            "select id, accepted_at from messages
             where phone_number_id = $1 and user_id = $2 and id < $3
             order by sent_at desc
             limit 500",
            number,
            user_id,
            below
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().map(|row| (row.id, row.accepted_at)).collect())
    }
}

/// Fifty of fifty-one rows; `window` is the last id that was looked at, where more lie below it.
fn page(mut rows: Vec<MessageRow>, window: Option<i64>) -> Page<MessageRow> {
    let is_full = rows.len() > ROWS;
    rows.truncate(ROWS);
    let older = if is_full { rows.last().map(|it| it.id) } else { window };
    Page { window_ended: !is_full && window.is_some(), rows, older }
}
