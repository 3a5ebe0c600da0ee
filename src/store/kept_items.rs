//! Signed items that we do not act on, as they came; and statuses of messages that we do not know.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::{StoreError, Tx};
use crate::domain::delivery::{Pricing, StatusUpdate};
use crate::domain::ids::Sha256;
use crate::domain::inbound::Kept;

/// Keeps items raw (each with when it reached us), each once: the same bytes again write nothing. Those
/// that are new are counted by what they are, for `ops.kept`.
pub async fn keep(tx: &mut Tx, kept: &[(&Kept, DateTime<Utc>)]) -> Result<(), StoreError> {
    if kept.is_empty() {
        return Ok(());
    }
    let mut told: Vec<(Sha256, &Kept, DateTime<Utc>)> =
        kept.iter().map(|(it, at)| (Sha256::of(&it.raw.0), *it, *at)).collect();
    told.sort_by_key(|(digest, ..)| *digest);
    let digests: Vec<&[u8]> = told.iter().map(|(it, ..)| it.as_bytes().as_slice()).collect();
    let reasons: Vec<&str> = told.iter().map(|(_, it, _)| it.reason.as_str()).collect();
    let fields: Vec<&str> = told.iter().map(|(_, it, _)| it.field.as_str()).collect();
    let kinds: Vec<&str> = told.iter().map(|(_, it, _)| it.kind.as_str()).collect();
    let raws: Vec<&[u8]> = told.iter().map(|(_, it, _)| it.raw.0.as_slice()).collect();
    let received_at: Vec<DateTime<Utc>> = told.iter().map(|(.., at)| *at).collect();
    sqlx::query!(
        "with fresh as (
             insert into kept_items (raw_sha256, reason, field, kind, raw, received_at)
             select told.digest, told.reason, told.field, told.kind, told.raw, told.received_at
             from unnest($1::bytea[], $2::text[], $3::text[], $4::text[], $5::bytea[],
                         $6::timestamptz[])
                  with ordinality as told (digest, reason, field, kind, raw, received_at, place)
             order by told.place
             on conflict (raw_sha256) do nothing
             returning field, kind, reason, received_at
         )
         insert into kept_kinds (field, kind, reason, items, first_at, last_at)
         select field, kind, reason, count(*), min(received_at), max(received_at)
         from fresh
         group by field, kind, reason
         order by field, kind, reason
         on conflict (field, kind, reason) do update
         set items = kept_kinds.items + excluded.items,
             last_at = greatest(kept_kinds.last_at, excluded.last_at)",
        &digests as _,
        &reasons as _,
        &fields as _,
        &kinds as _,
        &raws as _,
        &received_at,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Parks statuses (each with when it reached us) of messages that we do not know. The same again, also
/// in one call, writes nothing, and nothing is kept of what went to somebody who is erased.
pub async fn park(
    tx: &mut Tx,
    statuses: &[(&StatusUpdate, DateTime<Utc>)],
) -> Result<(), StoreError> {
    if statuses.is_empty() {
        return Ok(());
    }
    let mut told = statuses.to_vec();
    told.sort_by(|(a, _), (b, _)| (&a.wamid, a.delivery).cmp(&(&b.wamid, b.delivery)));
    let wamids: Vec<&str> = told.iter().map(|(it, _)| it.wamid.as_str()).collect();
    let deliveries: Vec<&str> = told.iter().map(|(it, _)| it.delivery.as_str()).collect();
    let attempts: Vec<Option<uuid::Uuid>> =
        told.iter().map(|(it, _)| it.attempt.map(|attempt| attempt.0)).collect();
    let errors: Vec<Option<i32>> = told.iter().map(|(it, _)| it.error_code).collect();
    let told_at: Vec<DateTime<Utc>> = told.iter().map(|(it, _)| it.at).collect();
    let pricing: Vec<Option<Value>> =
        told.iter().map(|(it, _)| it.pricing.as_ref().map(pricing_json)).collect();
    let received_at: Vec<DateTime<Utc>> = told.iter().map(|(_, at)| *at).collect();
    sqlx::query!(
        "insert into parked_statuses (wamid, delivery, attempt_id, error_code, told_at, received_at,
                                     pricing)
         select told.wamid, told.delivery, told.attempt_id, told.error_code, told.told_at,
                told.received_at, told.pricing
         from unnest($1::text[], $2::text[], $3::uuid[], $4::integer[], $5::timestamptz[],
                     $6::timestamptz[], $7::jsonb[])
              with ordinality
              as told (wamid, delivery, attempt_id, error_code, told_at, received_at, pricing, place)
         where not exists (
             select from erased_sends
             where id_sha256 in (sha256(convert_to(told.wamid, 'UTF8')),
                                 sha256(convert_to(told.attempt_id::text, 'UTF8')))
         )
         order by told.place
         on conflict (wamid, delivery) do nothing",
        &wamids as _,
        &deliveries as _,
        &attempts as _,
        &errors as _,
        &told_at,
        &received_at,
        &pricing as _,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

fn pricing_json(pricing: &Pricing) -> Value {
    json!({
        "billable": pricing.billable, "model": pricing.model, "type": pricing.kind,
        "category": pricing.category,
    })
}

/// Reads what [`park`] has written of the price.
pub(super) fn pricing(told: &Value) -> Option<Pricing> {
    let text = |key: &str| told[key].as_str().map(str::to_owned);
    Some(Pricing {
        billable: told["billable"].as_bool()?,
        model: text("model"),
        kind: text("type"),
        category: text("category")?,
    })
}
