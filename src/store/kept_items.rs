//! Signed items that we do not act on, as they came; and statuses of messages that we do not know.

use chrono::{DateTime, Utc};

use super::{StoreError, Tx};
use crate::domain::delivery::StatusUpdate;
use crate::domain::ids::Sha256;
use crate::domain::inbound::Kept;

/// Keeps `kept` raw, once: the same bytes again write nothing.
pub async fn keep(
    tx: &mut Tx,
    kept: &[&Kept],
    received_at: DateTime<Utc>,
) -> Result<u64, StoreError> {
    let mut told: Vec<(Sha256, &Kept)> =
        kept.iter().map(|it| (Sha256::of(&it.raw.0), *it)).collect();
    told.sort_by_key(|(digest, _)| *digest);
    let digests: Vec<Vec<u8>> = told.iter().map(|(it, _)| it.as_bytes().to_vec()).collect();
    let reasons: Vec<&str> = told.iter().map(|(_, it)| it.reason.as_str()).collect();
    let fields: Vec<&str> = told.iter().map(|(_, it)| it.field.as_str()).collect();
    let raws: Vec<&[u8]> = told.iter().map(|(_, it)| it.raw.0.as_slice()).collect();
    let done = sqlx::query!(
        "insert into kept_items (raw_sha256, reason, field, raw, received_at)
         select told.digest, told.reason, told.field, told.raw, $5
         from unnest($1::bytea[], $2::text[], $3::text[], $4::bytea[])
              as told (digest, reason, field, raw)
         on conflict (raw_sha256) do nothing",
        &digests,
        &reasons as _,
        &fields as _,
        &raws as _,
        received_at,
    )
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected())
}

/// Parks a status of a message that we do not know. The same again writes nothing.
pub async fn park(
    tx: &mut Tx,
    status: &StatusUpdate,
    received_at: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into parked_statuses (wamid, delivery, attempt_id, error_code, told_at, received_at)
         values ($1, $2, $3, $4, $5, $6)
         on conflict (wamid, delivery) do nothing",
        status.wamid.as_str(),
        status.delivery.as_str(),
        status.attempt.map(|it| it.0),
        status.error_code,
        status.at,
        received_at,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}
