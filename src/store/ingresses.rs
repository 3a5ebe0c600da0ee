//! Which ingresses there are, and whether anything still lies in a spool. By Postgres's clock.

use std::time::Duration;

use uuid::Uuid;

use super::{Store, StoreError};

/// An ingress that has not been heard of for so long is gone; what lies in its spool is replayed by
/// whoever starts on that folder next. An ingress goes by the id of its spool: who starts again on the
/// same folder is heard of at once, and nobody waits for the one that was killed.
const GONE_AFTER: Duration = Duration::from_mins(10);

/// What an ingress knows of its spool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpoolState {
    /// Nothing waits in it.
    Empty,
    /// Webhooks wait in it.
    Holds,
}

impl Store {
    /// Ingress `id` runs, and says what is in its spool.
    pub async fn ingress_seen(&self, id: Uuid, spool: SpoolState) -> Result<(), StoreError> {
        sqlx::query!(
            "insert into ingresses as known (id, seen_at, spool_empty_at)
             select $1, moment, case when $2 then moment end
             from (select clock_timestamp() as moment) as now
             on conflict (id) do update
             set seen_at = excluded.seen_at,
                 spool_empty_at = coalesce(excluded.spool_empty_at, known.spool_empty_at)",
            id,
            spool == SpoolState::Empty
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Ingress `id` has ended with an empty spool.
    pub async fn ingress_ended(&self, id: Uuid) -> Result<(), StoreError> {
        sqlx::query!("delete from ingresses where id = $1", id).execute(&self.pool).await?;
        Ok(())
    }

    /// Whether an ingress runs.
    pub async fn has_ingresses(&self) -> Result<bool, StoreError> {
        Ok(sqlx::query_scalar!(
            r#"select exists (
                   select from ingresses
                   where seen_at > clock_timestamp() - make_interval(secs => $1::float8)
               ) as "any!""#,
            GONE_AFTER.as_secs_f64()
        )
        .fetch_one(&self.pool)
        .await?)
    }

    /// Whether everything that Meta told until `ago` is in Postgres: every ingress has had an empty
    /// spool since then. Where none is known there is nothing to wait for.
    pub async fn spools_empty_since(&self, ago: Duration) -> Result<bool, StoreError> {
        Ok(sqlx::query_scalar!(
            r#"select not exists (
                   select from ingresses
                   where seen_at > clock_timestamp() - make_interval(secs => $2::float8)
                     and (spool_empty_at is null
                          or spool_empty_at < clock_timestamp() - make_interval(secs => $1::float8))
               ) as "empty!""#,
            ago.as_secs_f64(),
            GONE_AFTER.as_secs_f64()
        )
        .fetch_one(&self.pool)
        .await?)
    }
}
