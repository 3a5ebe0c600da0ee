//! What names a person without being tied to them by a key, and photos that nobody is tied to any more.

use chrono::{DateTime, Utc};

use super::rows::Rows;
use crate::domain::person::Person;
use crate::store::{StoreError, Tx};

impl Rows {
    /// What was kept raw and names them, and statuses of messages to them.
    pub(super) async fn erase_mentions(
        &mut self,
        tx: &mut Tx,
        person: &Person,
        before: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let needles = person.needles();
        let candidates = sqlx::query!(
            "select id, raw, received_at
             from kept_items
             where received_at < $2
                 and exists (select from unnest($1::bytea[]) as needle where position(needle in raw) > 0)",
            &needles,
            before
        )
        .fetch_all(&mut **tx)
        .await?;
        let theirs: Vec<i64> = candidates
            .iter()
            .filter(|it| person.is_named_in(&it.raw, it.received_at))
            .map(|it| it.id)
            .collect();
        let kept = sqlx::query!("delete from kept_items where id = any($1)", &theirs)
            .execute(&mut **tx)
            .await?;
        let candidates = sqlx::query!(
            "select wamid, received_at
             from parked_statuses
             where exists (
                 select from unnest($1::bytea[]) as needle
                 where position(needle in convert_to(wamid, 'UTF8')) > 0
             )",
            &needles
        )
        .fetch_all(&mut **tx)
        .await?;
        let theirs: Vec<String> = candidates
            .into_iter()
            .filter(|it| person.is_named_in(it.wamid.as_bytes(), it.received_at))
            .map(|it| it.wamid)
            .collect();
        let parked = sqlx::query!("delete from parked_statuses where wamid = any($1)", &theirs)
            .execute(&mut **tx)
            .await?;
        self.count("kept_items", kept.rows_affected());
        self.count("parked_statuses", parked.rows_affected());
        Ok(())
    }

    /// Their photos, as far as nobody else has sent the same.
    pub(super) async fn erase_orphans(&mut self, tx: &mut Tx) -> Result<(), StoreError> {
        let gone = sqlx::query!(
            "delete from blobs
             where sha256 = any($1)
                 and not exists (select from media where media.sha256 = blobs.sha256)",
            &self.photos
        )
        .execute(&mut **tx)
        .await?;
        self.count("blobs", gone.rows_affected());
        Ok(())
    }
}
