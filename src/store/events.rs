//! What happened, for the integrator: each event is written in the transaction in which it happens,
//! with its jobs, so that there is neither an event without what it tells of nor the other way round.
//! Only entries that count have events; an entry's first is that it was booked.

use apalis_lease::{EnqueueError, NewJob};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::entry_revisions::Author;
use super::{Store, StoreError, Tx};
use crate::domain::event::{EventKind, Failed};
use crate::domain::ids::{DeliveryId, EndpointId, EntryId, MessageId, SenderId};
use crate::domain::reply::EntryState;

/// The queue of deliveries. Their jobs are written here, in the transactions of this layer; all else
/// about queues is in `queue.rs`.
pub const QUEUE: &str = "events";

/// Tries of one delivery before its job is dead. What an endpoint does never gets there: it is paused
/// long before. This is for a delivery that kills its worker.
const MAX_ATTEMPTS: u16 = 1000;

/// What a job of the queue `events` carries.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct DeliveryJob {
    delivery_id: i64,
}

impl DeliveryJob {
    /// Which delivery.
    pub fn delivery(self) -> DeliveryId {
        DeliveryId(self.delivery_id)
    }
}

/// The jobs of one endpoint are paused together, under this name.
pub(super) fn group(endpoint: EndpointId) -> String {
    format!("endpoint-{}", endpoint.0)
}

/// Something of an entry has changed: from `before`, to what it is now in `tx`.
pub(super) async fn entry_changed(
    tx: &mut Tx,
    entry: EntryId,
    before: EntryState,
    by: Author,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let kind = match before {
        EntryState::Booked => EventKind::EntryCorrected,
        EntryState::Incomplete | EntryState::Duplicate => EventKind::EntryBooked,
    };
    let (message, audit) = by.ids();
    tell_of_entry(tx, kind, entry, (message, audit), now).await
}

/// An entry was written.
pub(super) async fn entry_recorded(
    tx: &mut Tx,
    entry: EntryId,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    tell_of_entry(tx, EventKind::EntryBooked, entry, (None, None), now).await
}

/// Somebody said that it is right.
pub(super) async fn entry_confirmed(
    tx: &mut Tx,
    entry: EntryId,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    tell_of_entry(tx, EventKind::EntryConfirmed, entry, (None, None), now).await
}

/// Tells of `entry` if it counts, with the changes that this message or act made.
async fn tell_of_entry(
    tx: &mut Tx,
    kind: EventKind,
    entry: EntryId,
    (message, audit): (Option<i64>, Option<i64>),
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let event = sqlx::query_scalar!(
        "insert into events (kind, subject, message_id, sender_id, phone_number_id, occurred_at, data)
         select $2, 'message ' || message_id, message_id, sender_id, phone_number_id, $3,
                data || coalesce((
                    select jsonb_build_object('changes', jsonb_agg(
                        jsonb_build_object('what', what, 'was', was, 'became', became) order by id
                    ))
                    from entry_revisions
                    where entry_id = $1 and (message_id = $4 or audit_id = $5)
                    having count(*) > 0
                ), '{}')
         from event_entries
         where entry_id = $1 and state = 'booked'
         returning id",
        entry.0,
        kind.as_str(),
        now,
        message,
        audit
    )
    .fetch_optional(&mut **tx)
    .await?;
    owe(tx, event).await
}

/// A sender, known by one of `identities`, wants no reminders any more; `told_by` says how we know,
/// `message` in which message. Nobody is told of who has never written to us.
pub(super) async fn sender_opted_out(
    tx: &mut Tx,
    identities: &[String],
    told_by: &str,
    message: Option<i64>,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let event = sqlx::query_scalar!(
        "insert into events (kind, subject, sender_id, phone_number_id, occurred_at, data)
         select $2, 'sender ' || senders.id, senders.id, messages.phone_number_id,
                $3::timestamptz,
                jsonb_build_object('sender', senders.id, 'customer', senders.customer_id,
                                   'number', messages.phone_number_id, 'told_by', $4::text,
                                   'opted_out_at', $3::timestamptz)
         from senders
         left join messages on messages.id = $5
         where senders.phone_key = any($1) or senders.user_id = any($1)
         order by senders.id
         limit 1
         returning id",
        identities,
        EventKind::SenderOptedOut.as_str(),
        at,
        told_by,
        message
    )
    .fetch_optional(&mut **tx)
    .await?;
    owe(tx, event).await
}

impl Store {
    /// The photo of `message` became no entry. Told once for each reason, however often this is called.
    pub async fn entry_failed(
        &self,
        message: MessageId,
        sender: SenderId,
        why: Failed,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let event = sqlx::query_scalar!(
            "insert into events (kind, subject, message_id, sender_id, phone_number_id, occurred_at,
                                 data)
             select $2, 'message ' || messages.id, messages.id, senders.id, messages.phone_number_id,
                    $3,
                    jsonb_build_object('message', messages.id, 'sender', senders.id,
                                       'customer', senders.customer_id,
                                       'number', messages.phone_number_id, 'reason', $4::text)
             from messages
             join senders on senders.id = $5
             where messages.id = $1
                 and not exists (
                     select from events
                     where message_id = $1 and kind = $2 and data ->> 'reason' = $4
                 )
             returning id",
            message.0,
            EventKind::EntryFailed.as_str(),
            now,
            why.as_str(),
            sender.0
        )
        .fetch_optional(&mut *tx)
        .await?;
        owe(&mut tx, event).await?;
        Ok(tx.commit().await?)
    }
}

/// Every endpoint that there is owes itself the event, paused ones too: they are owed it when they are
/// back.
async fn owe(tx: &mut Tx, event: Option<i64>) -> Result<(), StoreError> {
    let Some(event) = event else { return Ok(()) };
    let owed = sqlx::query!(
        "insert into event_deliveries (event_id, endpoint_id, subject)
         select events.id, event_endpoints.id, events.subject
         from events
         cross join event_endpoints
         where events.id = $1 and event_endpoints.state <> 'retired'
         order by event_endpoints.id
         returning id, endpoint_id",
        event
    )
    .fetch_all(&mut **tx)
    .await?;
    let owed: Vec<_> =
        owed.iter().map(|it| (DeliveryId(it.id), EndpointId(it.endpoint_id))).collect();
    order_all(tx, &owed).await
}

/// Writes a job for each of `deliveries`.
pub(super) async fn order_all(
    tx: &mut Tx,
    deliveries: &[(DeliveryId, EndpointId)],
) -> Result<(), StoreError> {
    let job = |(delivery, endpoint): &(DeliveryId, EndpointId)| {
        NewJob::new(QUEUE, DeliveryJob { delivery_id: delivery.0 })
            .group(group(*endpoint))
            .max_attempts(MAX_ATTEMPTS)
    };
    if deliveries.is_empty() {
        return Ok(());
    }
    let jobs: Vec<_> = deliveries.iter().map(job).collect();
    match apalis_lease::enqueue_all(tx, &jobs).await {
        Ok(_) => Ok(()),
        Err(EnqueueError::Database(error)) => Err(error.into()),
        Err(EnqueueError::Payload(_) | EnqueueError::Nul) => {
            Err(StoreError::Unreadable { table: "event_deliveries", column: "id" })
        }
    }
}
