//! Events as operators and integrators list them, and their redelivery.

use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use super::events::order_all;
use super::{Store, StoreError};
use crate::domain::event::{Event, EventId, EventKind};
use crate::domain::ids::{DeliveryId, EndpointId, PhoneNumberId};

/// Which events. Every condition that is given must hold; none at all is every event.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// These.
    pub ids: Option<Vec<EventId>>,
    /// Of this kind.
    pub kind: Option<EventKind>,
    /// That happened from then on.
    pub since: Option<DateTime<Utc>>,
    /// That happened before.
    pub until: Option<DateTime<Utc>>,
    /// About one of these numbers.
    pub numbers: Option<Vec<PhoneNumberId>>,
    /// Older than the one in this row.
    pub before: Option<i64>,
    /// With a delivery in this state: pending, delivered, `given_up`.
    pub state: Option<String>,
}

/// An event, and how far it has come.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed {
    /// Its row; grows.
    pub row: i64,
    /// What happened.
    pub event: Event,
    /// The photo's message, where it is about one.
    pub message: Option<i64>,
    /// To each endpoint: endpoint, state, attempts, `delivered_at`, reason.
    pub deliveries: Value,
}

impl Listed {
    /// `1 delivered, 2 pending`: how far it has come, by endpoint.
    pub fn how_far(&self) -> String {
        let deliveries = self.deliveries.as_array().map(Vec::as_slice).unwrap_or_default();
        let each = deliveries
            .iter()
            .map(|it| format!("{} {}", it["endpoint"], it["state"].as_str().unwrap_or_default()));
        each.collect::<Vec<_>>().join(", ")
    }
}

struct Row {
    id: i64,
    uid: Uuid,
    kind: String,
    occurred_at: DateTime<Utc>,
    data: Value,
    message_id: Option<i64>,
    deliveries: Value,
}

impl TryFrom<Row> for Listed {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let unreadable = StoreError::Unreadable { table: "events", column: "kind" };
        let event = Event {
            id: EventId(row.uid),
            kind: EventKind::parse(&row.kind).ok_or(unreadable)?,
            occurred_at: row.occurred_at,
            data: row.data,
        };
        Ok(Self { row: row.id, event, message: row.message_id, deliveries: row.deliveries })
    }
}

impl Store {
    /// At most so many of the events, the newest first.
    pub async fn list_events(
        &self,
        wanted: &Wanted,
        at_most: i64,
    ) -> Result<Vec<Listed>, StoreError> {
        let (uids, numbers) = wanted.texts();
        let rows = sqlx::query_as!(
            Row,
            r#"select id, uid, kind, occurred_at, data, message_id,
                      (
                          select coalesce(jsonb_agg(jsonb_build_object(
                              'endpoint', endpoint_id, 'state', state, 'attempts', attempts,
                              'delivered_at', delivered_at, 'reason', last_failure
                          ) order by endpoint_id), '[]')
                          from event_deliveries
                          where event_id = events.id
                      ) as "deliveries!"
               from events
               where ($1::uuid[] is null or uid = any($1))
                   and ($2::text is null or kind = $2)
                   and ($3::timestamptz is null or occurred_at >= $3)
                   and ($4::timestamptz is null or occurred_at < $4)
                   and ($5::text[] is null or phone_number_id = any($5))
                   and ($6::bigint is null or id < $6)
                   and ($7::text is null or exists (
                       select from event_deliveries where event_id = events.id and state = $7
                   ))
               order by id desc
               limit $8"#,
            uids.as_deref(),
            wanted.kind.map(EventKind::as_str),
            wanted.since,
            wanted.until,
            numbers.as_deref(),
            wanted.before,
            wanted.state,
            at_most
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(Listed::try_from).collect()
    }

    /// How many events are `wanted`.
    pub async fn count_events(&self, wanted: &Wanted) -> Result<i64, StoreError> {
        let (uids, numbers) = wanted.texts();
        Ok(sqlx::query_scalar!(
            r#"select count(*) as "count!"
               from events
               where ($1::uuid[] is null or uid = any($1))
                   and ($2::text is null or kind = $2)
                   and ($3::timestamptz is null or occurred_at >= $3)
                   and ($4::timestamptz is null or occurred_at < $4)
                   and ($5::text[] is null or phone_number_id = any($5))"#,
            uids.as_deref(),
            wanted.kind.map(EventKind::as_str),
            wanted.since,
            wanted.until,
            numbers.as_deref()
        )
        .fetch_one(&self.pool)
        .await?)
    }

    /// Owes the events that are `wanted` to every endpoint again, or to `endpoint` alone, the oldest
    /// first, a thousand in a commit. Those that are owed already are left as they are. How many
    /// deliveries that makes.
    pub async fn redeliver(
        &self,
        wanted: &Wanted,
        endpoint: Option<EndpointId>,
    ) -> Result<usize, StoreError> {
        let (mut after, mut owed) = (0, 0);
        loop {
            let step = self.redeliver_step(wanted, endpoint, after).await?;
            let Some((last, deliveries)) = step else { return Ok(owed) };
            (after, owed) = (last, owed + deliveries);
        }
    }

    async fn redeliver_step(
        &self,
        wanted: &Wanted,
        endpoint: Option<EndpointId>,
        after: i64,
    ) -> Result<Option<(i64, usize)>, StoreError> {
        let (uids, numbers) = wanted.texts();
        let mut tx = self.begin().await?;
        let chosen = sqlx::query_scalar!(
            "select id
             from events
             where id > $6
                 and ($1::uuid[] is null or uid = any($1))
                 and ($2::text is null or kind = $2)
                 and ($3::timestamptz is null or occurred_at >= $3)
                 and ($4::timestamptz is null or occurred_at < $4)
                 and ($5::text[] is null or phone_number_id = any($5))
             order by id
             limit 1000",
            uids.as_deref(),
            wanted.kind.map(EventKind::as_str),
            wanted.since,
            wanted.until,
            numbers.as_deref(),
            after
        )
        .fetch_all(&mut *tx)
        .await?;
        let Some(last) = chosen.last().copied() else { return Ok(None) };
        let owed = sqlx::query!(
            "insert into event_deliveries as known (event_id, endpoint_id, subject)
             select events.id, event_endpoints.id, events.subject
             from events
             cross join event_endpoints
             where events.id = any($1) and event_endpoints.state <> 'retired'
                 and ($2::bigint is null or event_endpoints.id = $2)
             order by events.id, event_endpoints.id
             on conflict (event_id, endpoint_id) do update
             set state = 'pending', attempts = 0, failing_since = null, next_try_at = null,
                 delivered_at = null
             where known.state <> 'pending'
             returning id, endpoint_id",
            &chosen,
            endpoint.map(|it| it.0)
        )
        .fetch_all(&mut *tx)
        .await?;
        let owed: Vec<_> =
            owed.iter().map(|it| (DeliveryId(it.id), EndpointId(it.endpoint_id))).collect();
        order_all(&mut tx, &owed).await?;
        tx.commit().await?;
        Ok(Some((last, owed.len())))
    }
}

impl Wanted {
    /// Ids and numbers as SQL takes them.
    fn texts(&self) -> (Option<Vec<Uuid>>, Option<Vec<String>>) {
        let number = |it: &PhoneNumberId| it.as_str().to_owned();
        (
            self.ids.as_ref().map(|ids| ids.iter().map(|it| it.0).collect()),
            self.numbers.as_ref().map(|numbers| numbers.iter().map(number).collect()),
        )
    }
}
