//! What statuses say of our attempts, settled many at once. Decides nothing about what is to be done
//! then, and never takes a delivery backwards.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::write::write;
use crate::domain::delivery::{Delivery, Pricing, StatusUpdate};
use crate::domain::ids::{MessageId, PhoneNumberId, SenderId, Wamid};
use crate::store::costs::Costs;
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
    /// It was a reminder.
    Reminder {
        /// To whom.
        person: SenderId,
        /// Meta's code (0 where it gave none), when it failed and had not been known to.
        failed: Option<i32>,
    },
    /// We know no such message.
    Stranger,
}

/// Settles the attempts that `statuses` (each with when it reached us) speak of, by their echoed ids
/// or by the wamids, and never takes a delivery backwards. What each came to, in
/// their order. Told twice, also in one call, a status changes nothing more, and a message that has
/// arrived and is priced is counted in the costs once. Rows are locked in the order of their ids, so
/// that two callers wait for each other and do not deadlock; few statements, however many statuses
/// there are.
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
    let mut costs = Costs::default();
    for heard in attempts.values() {
        if let Some((at, pricing)) = heard.told.as_ref().and_then(|it| it.counted.as_ref()) {
            costs.add(heard.number.as_str(), *at, pricing);
        }
    }
    costs.count(tx).await?;
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
pub(super) struct Heard {
    pub(super) owner: Sent,
    pub(super) number: PhoneNumberId,
    pub(super) pricing: Option<Pricing>,
    pub(super) has_arrived: bool,
    pub(super) is_counted: bool,
    pub(super) is_accepted: bool,
    pub(super) delivery: Option<Delivery>,
    /// What is to be written: of the status that went furthest.
    pub(super) told: Option<Told>,
}

/// What the attempt has sent.
#[derive(Clone, Copy)]
pub(super) enum Sent {
    Reply { id: i64, message: MessageId },
    Reminder { id: i64, person: SenderId },
}

/// What statuses told of an attempt.
pub(super) struct Told {
    pub(super) wamid: Wamid,
    pub(super) heard_at: DateTime<Utc>,
    pub(super) arrived_at: Option<DateTime<Utc>>,
    pub(super) error_code: Option<i32>,
    pub(super) pricing: Option<Pricing>,
    /// By Meta's clock, of a message that is to be counted.
    pub(super) counted: Option<(DateTime<Utc>, Pricing)>,
}

impl Heard {
    fn reconciled(&self, failed: Option<i32>) -> Reconciled {
        match self.owner {
            Sent::Reply { message, .. } => {
                Reconciled::Ours { message, number: self.number.clone(), failed }
            }
            Sent::Reminder { person, .. } => Reconciled::Reminder { person, failed },
        }
    }

    fn hear(&mut self, status: &StatusUpdate, heard_at: DateTime<Utc>) -> Reconciled {
        let is_new = !self.is_accepted || self.delivery < Some(status.delivery);
        let is_priced = self.pricing.is_none() && status.pricing.is_some();
        if !is_new && !is_priced {
            return self.reconciled(None);
        }
        self.is_accepted = true;
        self.delivery = self.delivery.max(Some(status.delivery));
        if is_priced {
            self.pricing.clone_from(&status.pricing);
        }
        let arrived = matches!(status.delivery, Delivery::Delivered | Delivery::Read);
        self.has_arrived |= arrived;
        let told = self.told.get_or_insert_with(|| Told {
            wamid: status.wamid.clone(),
            heard_at,
            arrived_at: None,
            error_code: None,
            pricing: None,
            counted: None,
        });
        told.arrived_at = told.arrived_at.or(arrived.then_some(heard_at));
        told.error_code = told.error_code.or(status.error_code);
        told.pricing.clone_from(&self.pricing);
        if let Some(pricing) = self.pricing.clone().filter(|_| self.has_arrived && !self.is_counted)
        {
            self.is_counted = true;
            told.counted = Some((status.at, pricing));
        }
        let failed = (is_new && status.delivery == Delivery::Failed)
            .then(|| status.error_code.unwrap_or_default());
        self.reconciled(failed)
    }
}

/// Locks these attempts, in the order of their ids.
async fn lock(tx: &mut Tx, ids: &BTreeSet<Uuid>) -> Result<BTreeMap<Uuid, Heard>, StoreError> {
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let ids: Vec<Uuid> = ids.iter().copied().collect();
    let rows = sqlx::query!(
        r#"select send_attempts.id, send_attempts.reply_id, send_attempts.reminder_id,
                send_attempts.outcome, send_attempts.delivery, send_attempts.delivered_at,
                send_attempts.billable, send_attempts.pricing_model, send_attempts.pricing_type,
                send_attempts.pricing_category, send_attempts.counted_at,
                replies.message_id as "message_id?", reminders.sender_id as "person?",
                coalesce(messages.phone_number_id, reminders.phone_number_id) as "number!"
         from send_attempts
         left join replies on replies.id = send_attempts.reply_id
         left join messages on messages.id = replies.message_id
         left join reminders on reminders.id = send_attempts.reminder_id
         where send_attempts.id = any($1)
         order by send_attempts.id
         for update of send_attempts"#,
        &ids
    )
    .fetch_all(&mut **tx)
    .await?;
    let heard = rows.into_iter().map(|row| {
        let message = row.message_id.map(MessageId);
        let reply = row.reply_id.zip(message).map(|(id, message)| Sent::Reply { id, message });
        let person = row.person.map(SenderId);
        let reminder =
            row.reminder_id.zip(person).map(|(id, person)| Sent::Reminder { id, person });
        let category = row.billable.zip(row.pricing_category);
        let pricing = category.map(|(billable, category)| Pricing {
            billable,
            model: row.pricing_model,
            kind: row.pricing_type,
            category,
        });
        let heard = Heard {
            owner: reply.or(reminder).ok_or(unreadable("reply_id or reminder_id"))?,
            number: PhoneNumberId::parse(&row.number).ok_or(unreadable("number"))?,
            pricing,
            has_arrived: row.delivered_at.is_some(),
            is_counted: row.counted_at.is_some(),
            is_accepted: row.outcome.as_deref() == Some("accepted"),
            delivery: row.delivery.as_deref().and_then(Delivery::parse),
            told: None,
        };
        Ok((row.id, heard))
    });
    heard.collect()
}

fn unreadable(column: &'static str) -> StoreError {
    StoreError::Unreadable { table: "send_attempts", column }
}
