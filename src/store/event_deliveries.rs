//! One event to one endpoint: who may send it and when, and what came of it. At most one worker is at
//! an event, and at what follows it nobody before it is delivered.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::events::order_all;
use super::{Store, StoreError, Tx};
use crate::domain::access::LinkKey;
use crate::domain::event::{DOWN_AFTER, Event, EventId, EventKind, PATIENCE};
use crate::domain::ids::{DeliveryId, EndpointId, MessageId, Sha256};

/// How long a worker has an event for itself: longer than it may take to send one.
const CLAIMED_S: f64 = 60.0;

/// How long an endpoint that is down is left alone with the one event that is sent to see.
const LOOKING: TimeDelta = TimeDelta::seconds(30);

/// How soon it is looked again for what somebody else is at.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// What may be done about a delivery.
#[derive(Clone, Debug, PartialEq)]
pub enum Begun {
    /// Send it now; nobody else will for a minute.
    Send(Box<Claimed>),
    /// Not yet, and why.
    Wait(Duration, &'static str),
    /// Its endpoint takes nothing for now, and why.
    Paused(String),
    /// It was delivered, or is gone.
    Over,
}

/// A delivery that is ours to send.
#[derive(Clone, Debug, PartialEq)]
pub struct Claimed {
    /// Which.
    pub id: DeliveryId,
    /// Where it goes.
    pub endpoint: EndpointId,
    /// Its address.
    pub url: String,
    /// What is told.
    pub event: Event,
    /// How often it failed before.
    pub attempts: u32,
    /// Failures of the endpoint since its last success.
    pub endpoint_failures: u32,
}

/// What a failure leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterFailure {
    /// It is tried again.
    Again,
    /// The endpoint has failed for days.
    EndpointIsDead,
    /// The endpoint is well; it is this event that it does not take.
    GivenUp,
}

struct Found {
    endpoint_id: i64,
    event_id: i64,
    subject: String,
    state: String,
    is_claimed: bool,
    attempts: i32,
    url: String,
    endpoint_state: String,
    endpoint_reason: Option<String>,
    failures: i32,
    endpoint_next_try_at: Option<DateTime<Utc>>,
    uid: uuid::Uuid,
    kind: String,
    occurred_at: DateTime<Utc>,
    data: serde_json::Value,
}

impl Store {
    /// Takes the delivery `id` to send it, where it is its turn.
    pub async fn begin_delivery(
        &self,
        id: DeliveryId,
        now: DateTime<Utc>,
    ) -> Result<Begun, StoreError> {
        let mut tx = self.begin().await?;
        let Some(found) = found(&mut tx, id).await? else { return Ok(Begun::Over) };
        match (found.state.as_str(), found.endpoint_state.as_str()) {
            ("delivered", _) => return Ok(Begun::Over),
            (_, "active") => {}
            (_, "retired") => return Ok(Begun::Paused("not in EVENT_URLS any more".to_owned())),
            _ => return Ok(Begun::Paused(found.endpoint_reason.unwrap_or_default())),
        }
        if found.is_claimed {
            return Ok(Begun::Wait(LOOK_AGAIN, "another worker is at it"));
        }
        if let Some(next_try_at) = ahead(&mut tx, &found).await? {
            let wait = until(next_try_at.max(found.endpoint_next_try_at), now);
            return Ok(Begun::Wait(wait, "an earlier event of the same subject goes first"));
        }
        if !may_look(&mut tx, &found, now).await? {
            let wait = until(found.endpoint_next_try_at, now);
            return Ok(Begun::Wait(wait, "the endpoint is down"));
        }
        sqlx::query!(
            "update event_deliveries
             set claimed_until = clock_timestamp() + make_interval(secs => $2),
                 state = 'pending', last_attempt_at = $3
             where id = $1",
            id.0,
            CLAIMED_S,
            now
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(Begun::Send(Box::new(found.claimed(id)?)))
    }

    /// The photo of `message` while it is kept: its type and digest, and what signs links to it.
    pub async fn photo_to_tell(
        &self,
        message: MessageId,
    ) -> Result<Option<(String, Sha256, LinkKey)>, StoreError> {
        let row = sqlx::query!(
            r#"select blobs.mime, blobs.sha256, signing.key
               from media
               join blobs on blobs.sha256 = media.sha256
               cross join lateral (
                   select key from photo_link_keys order by id desc limit 1
               ) as signing
               where media.message_id = $1"#,
            message.0
        )
        .fetch_optional(&self.pool)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let unreadable = StoreError::Unreadable { table: "blobs", column: "sha256" };
        let sha256 = Sha256::from_bytes(&row.sha256).ok_or(unreadable)?;
        Ok(Some((row.mime, sha256, LinkKey::new(row.key))))
    }

    /// The endpoint has it. What follows it is made ready in the same commit.
    pub async fn delivered(&self, claimed: &Claimed, now: DateTime<Utc>) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let next = sqlx::query_scalar!(
            "with done as (
                 update event_deliveries
                 set state = 'delivered', delivered_at = $2, attempts = attempts + 1,
                     claimed_until = null, failing_since = null, next_try_at = null,
                     last_failure = null
                 where id = $1
                 returning event_id, endpoint_id, subject
             )
             select next.id
             from done
             join event_deliveries as next
                 on next.endpoint_id = done.endpoint_id and next.subject = done.subject
                 and next.event_id > done.event_id and next.state = 'pending'
             order by next.event_id
             limit 1",
            claimed.id.0,
            now
        )
        .fetch_optional(&mut *tx)
        .await?;
        // Each has its job, which waits: this one need not.
        let next: Vec<_> = next.map(|it| (DeliveryId(it), claimed.endpoint)).into_iter().collect();
        order_all(&mut tx, &next).await?;
        sqlx::query!(
            "update event_endpoints
             set failures = 0, failing_since = null, next_try_at = null, last_failure = null,
                 last_delivered_at = $2
             where id = $1
                 -- Not for each of a thousand events a second.
                 and (failures > 0 or last_delivered_at is null
                      or last_delivered_at < $2::timestamptz - interval '1 second')",
            claimed.endpoint.0,
            now
        )
        .execute(&mut *tx)
        .await?;
        Ok(tx.commit().await?)
    }

    /// The endpoint did not take it, for `reason` (nothing personal), and is not to be asked before
    /// `again`.
    pub async fn not_delivered(
        &self,
        claimed: &Claimed,
        reason: &str,
        again: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<AfterFailure, StoreError> {
        let mut tx = self.begin().await?;
        let endpoint_since = sqlx::query_scalar!(
            r#"update event_endpoints
               set failures = failures + 1, failing_since = coalesce(failing_since, $2),
                   next_try_at = greatest(next_try_at, $3), last_failure = $4
               where id = $1
               returning failing_since as "failing_since!""#,
            claimed.endpoint.0,
            now,
            again,
            reason
        )
        .fetch_one(&mut *tx)
        .await?;
        let since = sqlx::query_scalar!(
            r#"update event_deliveries
               set attempts = attempts + 1, claimed_until = null, next_try_at = $3,
                   failing_since = coalesce(failing_since, $2), last_failure = $4
               where id = $1
               returning failing_since as "failing_since!""#,
            claimed.id.0,
            now,
            again,
            reason
        )
        .fetch_optional(&mut *tx)
        .await?;
        let after = match since {
            _ if now - endpoint_since >= PATIENCE => AfterFailure::EndpointIsDead,
            Some(since) if now - since >= PATIENCE => AfterFailure::GivenUp,
            // Erased meanwhile: the next try sees that.
            Some(_) | None => AfterFailure::Again,
        };
        if after == AfterFailure::GivenUp {
            sqlx::query!(
                "update event_deliveries set state = 'given_up', failing_since = null where id = $1",
                claimed.id.0
            )
            .execute(&mut *tx)
            .await?;
        }
        tx.commit().await?;
        Ok(after)
    }
}

impl Found {
    fn claimed(self, id: DeliveryId) -> Result<Claimed, StoreError> {
        let unreadable = StoreError::Unreadable { table: "events", column: "kind" };
        let event = Event {
            id: EventId(self.uid),
            kind: EventKind::parse(&self.kind).ok_or(unreadable)?,
            occurred_at: self.occurred_at,
            data: self.data,
        };
        Ok(Claimed {
            id,
            endpoint: EndpointId(self.endpoint_id),
            url: self.url,
            event,
            attempts: u32::try_from(self.attempts).unwrap_or_default(),
            endpoint_failures: u32::try_from(self.failures).unwrap_or_default(),
        })
    }
}

/// The delivery with its event and endpoint, locked.
async fn found(tx: &mut Tx, id: DeliveryId) -> Result<Option<Found>, StoreError> {
    Ok(sqlx::query_as!(
        Found,
        r#"select delivery.endpoint_id, delivery.event_id, delivery.subject, delivery.state,
                  coalesce(delivery.claimed_until > clock_timestamp(), false) as "is_claimed!",
                  delivery.attempts, endpoint.url, endpoint.state as endpoint_state,
                  endpoint.reason as endpoint_reason, endpoint.failures,
                  endpoint.next_try_at as endpoint_next_try_at,
                  events.uid, events.kind, events.occurred_at, events.data
           from event_deliveries as delivery
           join event_endpoints as endpoint on endpoint.id = delivery.endpoint_id
           join events on events.id = delivery.event_id
           where delivery.id = $1
           for update of delivery"#,
        id.0
    )
    .fetch_optional(&mut **tx)
    .await?)
}

/// Whether an earlier event of the same subject is still owed, and when it is tried next.
async fn ahead(tx: &mut Tx, found: &Found) -> Result<Option<Option<DateTime<Utc>>>, StoreError> {
    Ok(sqlx::query_scalar!(
        "select next_try_at
         from event_deliveries
         where endpoint_id = $1 and subject = $2 and event_id < $3 and state = 'pending'
         order by event_id
         limit 1",
        found.endpoint_id,
        found.subject,
        found.event_id
    )
    .fetch_optional(&mut **tx)
    .await?)
}

/// Whether the endpoint may be sent something: it is not down, or it is time to see and this is who
/// sees.
async fn may_look(tx: &mut Tx, found: &Found, now: DateTime<Utc>) -> Result<bool, StoreError> {
    let is_down = u32::try_from(found.failures).unwrap_or_default() >= DOWN_AFTER;
    let rests = found.endpoint_next_try_at.is_some_and(|it| it > now);
    if !is_down {
        return Ok(true);
    }
    if rests {
        return Ok(false);
    }
    let done = sqlx::query!(
        "update event_endpoints set next_try_at = $3
         where id = $1 and next_try_at is not distinct from $2 and failures > 0",
        found.endpoint_id,
        found.endpoint_next_try_at,
        now + LOOKING
    )
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

fn until(moment: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Duration {
    let wait = moment.and_then(|it| (it - now).to_std().ok());
    wait.unwrap_or_default().max(LOOK_AGAIN)
}
