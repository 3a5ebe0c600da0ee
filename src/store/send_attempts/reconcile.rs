//! What statuses say of our attempts, settled many at once. Decides nothing about what is to be done
//! then, and never takes a delivery backwards.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::domain::delivery::{Delivery, StatusUpdate};
use crate::domain::ids::{MessageId, PhoneNumberId, Wamid};
use crate::store::{StoreError, Tx};

/// What a status told of one of our attempts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reconciled {
    /// It was one of ours.
    Ours {
        /// The message whose answer it was.
        message: MessageId,
        /// The number that it left from.
        number: PhoneNumberId,
        /// Meta's code (0 where it gave none), when the answer failed and had not been known to.
        failed: Option<i32>,
    },
    /// We know no such message.
    Stranger,
}

/// Settles the attempts that `statuses` (each with when it reached us) speak of, by their echoed ids
/// or by the wamids, and never takes a delivery backwards. What each came to, in their order. Told twice, also in one call, a
/// status changes nothing more. Rows are locked in the order of their ids, so that two callers wait
/// for each other and do not deadlock; four statements, however many statuses there are.
pub async fn reconcile(
    tx: &mut Tx,
    statuses: &[(&StatusUpdate, DateTime<Utc>)],
) -> Result<Vec<Reconciled>, StoreError> {
    if statuses.is_empty() {
        return Ok(Vec::new());
    }
    let of_status = attempts_of(tx, statuses).await?;
    let ids: BTreeSet<Uuid> = of_status.iter().flatten().copied().collect();
    let mut attempts = lock(tx, &ids).await?;
    let mut reconciled = Vec::with_capacity(statuses.len());
    for ((status, heard_at), id) in statuses.iter().zip(of_status) {
        let attempt = id.and_then(|id| attempts.get_mut(&id));
        reconciled.push(attempt.map_or(Reconciled::Stranger, |it| it.hear(status, *heard_at)));
    }
    write(tx, &attempts).await?;
    Ok(reconciled)
}

/// The attempt that each of `statuses` speaks of: of several the one with the lowest id.
async fn attempts_of(
    tx: &mut Tx,
    statuses: &[(&StatusUpdate, DateTime<Utc>)],
) -> Result<Vec<Option<Uuid>>, StoreError> {
    let echoed: Vec<Option<Uuid>> =
        statuses.iter().map(|(it, _)| it.attempt.map(|attempt| attempt.0)).collect();
    let wamids: Vec<&str> = statuses.iter().map(|(it, _)| it.wamid.as_str()).collect();
    let rows = sqlx::query_scalar!(
        r#"select coalesce(least(echoed.id, named.id), echoed.id, named.id) as "id?"
           from unnest($1::uuid[], $2::text[]) with ordinality as told (id, wamid, place)
           left join send_attempts as echoed on echoed.id = told.id
           left join send_attempts as named on named.wamid = told.wamid
           order by told.place"#,
        &echoed as _,
        &wamids as _,
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows)
}

/// An attempt that is locked, as it stands and as it will.
struct Heard {
    reply: i64,
    message: MessageId,
    number: PhoneNumberId,
    is_accepted: bool,
    delivery: Option<Delivery>,
    /// What is to be written: of the status that went furthest.
    told: Option<Told>,
}

/// What statuses told of an attempt.
struct Told {
    wamid: Wamid,
    heard_at: DateTime<Utc>,
    arrived_at: Option<DateTime<Utc>>,
    error_code: Option<i32>,
}

impl Heard {
    fn hear(&mut self, status: &StatusUpdate, heard_at: DateTime<Utc>) -> Reconciled {
        let (message, number) = (self.message, self.number.clone());
        if self.is_accepted && self.delivery >= Some(status.delivery) {
            return Reconciled::Ours { message, number, failed: None };
        }
        self.is_accepted = true;
        self.delivery = self.delivery.max(Some(status.delivery));
        let arrived =
            matches!(status.delivery, Delivery::Delivered | Delivery::Read).then_some(heard_at);
        let told = self.told.get_or_insert_with(|| Told {
            wamid: status.wamid.clone(),
            heard_at,
            arrived_at: None,
            error_code: None,
        });
        told.arrived_at = told.arrived_at.or(arrived);
        told.error_code = told.error_code.or(status.error_code);
        let failed =
            (status.delivery == Delivery::Failed).then(|| status.error_code.unwrap_or_default());
        Reconciled::Ours { message, number, failed }
    }
}

/// Locks these attempts, in the order of their ids.
async fn lock(tx: &mut Tx, ids: &BTreeSet<Uuid>) -> Result<BTreeMap<Uuid, Heard>, StoreError> {
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let ids: Vec<Uuid> = ids.iter().copied().collect();
    let rows = sqlx::query!(
        "select send_attempts.id, send_attempts.reply_id, send_attempts.outcome,
                send_attempts.delivery, replies.message_id, messages.phone_number_id
         from send_attempts
         join replies on replies.id = send_attempts.reply_id
         join messages on messages.id = replies.message_id
         where send_attempts.id = any($1)
         order by send_attempts.id
         for update of send_attempts",
        &ids
    )
    .fetch_all(&mut **tx)
    .await?;
    let heard = rows.into_iter().map(|row| {
        let heard = Heard {
            reply: row.reply_id,
            message: MessageId(row.message_id),
            number: PhoneNumberId::parse(&row.phone_number_id).ok_or(UNREADABLE)?,
            is_accepted: row.outcome.as_deref() == Some("accepted"),
            delivery: row.delivery.as_deref().and_then(Delivery::parse),
            told: None,
        };
        Ok((row.id, heard))
    });
    heard.collect()
}

const UNREADABLE: StoreError =
    StoreError::Unreadable { table: "messages", column: "phone_number_id" };

/// Writes what was heard: the attempts, and that their replies are sent.
async fn write(tx: &mut Tx, attempts: &BTreeMap<Uuid, Heard>) -> Result<(), StoreError> {
    let heard: Vec<(Uuid, &Heard, &Told)> = attempts
        .iter()
        .filter_map(|(id, heard)| Some((*id, heard, heard.told.as_ref()?)))
        .collect();
    if heard.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = heard.iter().map(|(id, ..)| *id).collect();
    let wamids: Vec<&str> = heard.iter().map(|(.., told)| told.wamid.as_str()).collect();
    let deliveries: Vec<Option<&str>> =
        heard.iter().map(|(_, it, _)| it.delivery.map(Delivery::as_str)).collect();
    let arrived: Vec<Option<DateTime<Utc>>> =
        heard.iter().map(|(.., told)| told.arrived_at).collect();
    let errors: Vec<Option<i32>> = heard.iter().map(|(.., told)| told.error_code).collect();
    let heard_at: Vec<DateTime<Utc>> = heard.iter().map(|(.., told)| told.heard_at).collect();
    sqlx::query!(
        "update send_attempts
         set outcome = 'accepted', wamid = coalesce(send_attempts.wamid, told.wamid),
             error_code = null, settled_at = coalesce(settled_at, told.heard_at),
             delivery = told.delivery,
             delivered_at = coalesce(delivered_at, told.arrived_at),
             delivery_error_code = coalesce(delivery_error_code, told.error_code),
             failed_at = coalesce(
                 failed_at, case when told.delivery = 'failed' then told.heard_at end)
         from unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[], $5::integer[],
                     $6::timestamptz[])
              as told (id, wamid, delivery, arrived_at, error_code, heard_at)
         where send_attempts.id = told.id",
        &ids,
        &wamids as _,
        &deliveries as _,
        &arrived as _,
        &errors as _,
        &heard_at,
    )
    .execute(&mut **tx)
    .await?;
    let replies: Vec<i64> = heard.iter().map(|(_, it, _)| it.reply).collect();
    sqlx::query!(
        "with locked as (
             select replies.id, told.heard_at
             from unnest($1::bigint[], $2::timestamptz[]) as told (id, heard_at)
             join replies on replies.id = told.id
             where replies.state <> 'sent'
             order by replies.id
             for update of replies
         )
         update replies
         set state = 'sent', settled_at = locked.heard_at, reason = null
         from locked
         where replies.id = locked.id",
        &replies,
        &heard_at,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}
