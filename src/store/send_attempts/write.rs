//! What was heard of attempts, written many at once: the attempts, and that what they carried is sent.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::reconcile::{Heard, Sent, Told};
use crate::domain::delivery::Delivery;
use crate::store::{StoreError, Tx};

/// Writes what was heard: the attempts, and that their replies are sent.
pub(super) async fn write(tx: &mut Tx, attempts: &BTreeMap<Uuid, Heard>) -> Result<(), StoreError> {
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
    let priced = Prices::of(&heard);
    sqlx::query!(
        "update send_attempts
         set outcome = 'accepted', wamid = coalesce(send_attempts.wamid, told.wamid),
             error_code = null, settled_at = coalesce(settled_at, told.heard_at),
             delivery = told.delivery,
             delivered_at = coalesce(delivered_at, told.arrived_at),
             delivery_error_code = coalesce(delivery_error_code, told.error_code),
             failed_at = coalesce(
                 failed_at, case when told.delivery = 'failed' then told.heard_at end),
             billable = told.billable, pricing_model = told.pricing_model,
             pricing_type = told.pricing_type, pricing_category = told.pricing_category,
             counted_at = coalesce(send_attempts.counted_at, told.counted_at)
         from unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[], $5::integer[],
                     $6::timestamptz[], $7::boolean[], $8::text[], $9::text[], $10::text[],
                     $11::timestamptz[])
              as told (id, wamid, delivery, arrived_at, error_code, heard_at, billable,
                       pricing_model, pricing_type, pricing_category, counted_at)
         where send_attempts.id = told.id",
        &ids,
        &wamids as _,
        &deliveries as _,
        &arrived as _,
        &errors as _,
        &heard_at,
        &priced.billable as _,
        &priced.models as _,
        &priced.kinds as _,
        &priced.categories as _,
        &priced.counted_at as _,
    )
    .execute(&mut **tx)
    .await?;
    replies_are_sent(tx, &heard).await?;
    reminders_are_sent(tx, &heard).await
}

/// What messages are charged as, as the columns of a statement.
struct Prices<'a> {
    billable: Vec<Option<bool>>,
    models: Vec<Option<&'a str>>,
    kinds: Vec<Option<&'a str>>,
    categories: Vec<Option<&'a str>>,
    counted_at: Vec<Option<DateTime<Utc>>>,
}

impl<'a> Prices<'a> {
    fn of(heard: &[(Uuid, &'a Heard, &'a Told)]) -> Self {
        let pricing = || heard.iter().map(|(.., told)| told.pricing.as_ref());
        Self {
            billable: pricing().map(|it| it.map(|it| it.billable)).collect(),
            models: pricing().map(|it| it.and_then(|it| it.model.as_deref())).collect(),
            kinds: pricing().map(|it| it.and_then(|it| it.kind.as_deref())).collect(),
            categories: pricing().map(|it| it.map(|it| it.category.as_str())).collect(),
            counted_at: heard
                .iter()
                .map(|(.., told)| told.counted.as_ref().map(|_| told.heard_at))
                .collect(),
        }
    }
}

/// Meta has these: so the answers are sent.
async fn replies_are_sent(tx: &mut Tx, heard: &[(Uuid, &Heard, &Told)]) -> Result<(), StoreError> {
    let sent = heard.iter().filter_map(|(_, heard, told)| match heard.owner {
        Sent::Reply { id, .. } => Some((id, told.heard_at)),
        Sent::Reminder { .. } => None,
    });
    let (replies, heard_at): (Vec<i64>, Vec<DateTime<Utc>>) = sent.unzip();
    if replies.is_empty() {
        return Ok(());
    }
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
         set state = 'sent', settled_at = locked.heard_at, reason = null, waits_for_template = null
         from locked
         where replies.id = locked.id",
        &replies,
        &heard_at,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// The same of reminders.
async fn reminders_are_sent(
    tx: &mut Tx,
    heard: &[(Uuid, &Heard, &Told)],
) -> Result<(), StoreError> {
    let sent = heard.iter().filter_map(|(_, heard, told)| match heard.owner {
        Sent::Reminder { id, .. } => Some((id, told.heard_at)),
        Sent::Reply { .. } => None,
    });
    let (reminders, heard_at): (Vec<i64>, Vec<DateTime<Utc>>) = sent.unzip();
    if reminders.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "with locked as (
             select reminders.id, told.heard_at
             from unnest($1::bigint[], $2::timestamptz[]) as told (id, heard_at)
             join reminders on reminders.id = told.id
             where reminders.state <> 'sent'
             order by reminders.id
             for update of reminders
         )
         update reminders
         set state = 'sent', settled_at = locked.heard_at, reason = null, waits_for_template = null
         from locked
         where reminders.id = locked.id",
        &reminders,
        &heard_at,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}
