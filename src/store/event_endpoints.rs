//! Where events go: kept as `EVENT_URLS` has it, paused and resumed. Whether an endpoint is well is
//! written by `event_deliveries.rs`.

use chrono::{DateTime, Utc};

use super::audit_log::{self, Act};
use super::events::{QUEUE, group};
use super::{Store, StoreError, Tx, one_row};
use crate::domain::ids::EndpointId;

/// An endpoint as operators see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Ours.
    pub id: i64,
    /// Without its query.
    pub url: String,
    /// active, failing, paused, retired.
    pub state: String,
    /// Why it is paused, or what its last failure was.
    pub reason: Option<String>,
    /// Failures since its last success.
    pub failures: i32,
    /// The first of them.
    pub failing_since: Option<DateTime<Utc>>,
    /// While it fails, nothing is sent before then.
    pub next_try_at: Option<DateTime<Utc>>,
    /// When it last took an event.
    pub last_delivered_at: Option<DateTime<Utc>>,
    /// Events that it is owed.
    pub pending: i64,
    /// When the oldest of them happened.
    pub oldest_pending_at: Option<DateTime<Utc>>,
    /// Events that it alone refused for days.
    pub given_up: i64,
}

impl Store {
    /// The endpoints are these from now on. One that is new is owed what happens from here on; one that
    /// is missing is retired, and what it was owed waits; one that comes back goes on.
    pub async fn endpoints_are(
        &self,
        urls: &[String],
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        // One worker after the other: of two that start with different settings the later one counts.
        sqlx::query!("lock table event_endpoints in share row exclusive mode")
            .execute(&mut *tx)
            .await?;
        sqlx::query!(
            "insert into event_endpoints (url, changed_at)
             select url, $2 from unnest($1::text[]) with ordinality as given (url, place)
             where url not in (select event_endpoints.url from event_endpoints)
             order by place",
            urls,
            now
        )
        .execute(&mut *tx)
        .await?;
        let back = sqlx::query_scalar!(
            "update event_endpoints
             set state = 'active', reason = null, changed_at = $2
             where state = 'retired' and url = any($1)
             returning id",
            urls,
            now
        )
        .fetch_all(&mut *tx)
        .await?;
        let gone = sqlx::query_scalar!(
            "update event_endpoints
             set state = 'retired', reason = null, changed_at = $2
             where state <> 'retired' and url <> all($1)
             returning id",
            urls,
            now
        )
        .fetch_all(&mut *tx)
        .await?;
        for id in back {
            flow_on(&mut tx, EndpointId(id)).await?;
        }
        for id in gone {
            hold(&mut tx, EndpointId(id), "not in EVENT_URLS any more").await?;
        }
        Ok(tx.commit().await?)
    }

    /// Nothing more is sent there until it is resumed. `reason` is shown: nothing personal.
    pub async fn pause_endpoint(
        &self,
        id: EndpointId,
        reason: &str,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query!(
            "update event_endpoints
             set state = 'paused', reason = $2, changed_at = $3
             where id = $1 and state = 'active'",
            id.0,
            reason,
            now
        )
        .execute(&mut *tx)
        .await?;
        hold(&mut tx, id, reason).await?;
        Ok(tx.commit().await?)
    }

    /// What it is owed is sent again, each event with all its patience. [`StoreError::Overtaken`] where
    /// it is not paused.
    pub async fn resume_endpoint(
        &self,
        id: EndpointId,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        resume(&mut tx, id, now).await?;
        Ok(tx.commit().await?)
    }

    /// The same by somebody at the dashboard.
    pub async fn resume_endpoint_as_operator(
        &self,
        id: EndpointId,
        act: &Act<'_>,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        resume(&mut tx, id, act.now).await?;
        audit_log::write(&mut tx, act).await?;
        Ok(tx.commit().await?)
    }

    /// Every endpoint, the oldest first.
    pub async fn endpoints(&self) -> Result<Vec<Endpoint>, StoreError> {
        Ok(sqlx::query_as!(
            Endpoint,
            r#"select id as "id!", url as "url!", state as "state!", reason, failures as "failures!",
                      failing_since, next_try_at, last_delivered_at, pending as "pending!",
                      oldest_pending_at, given_up as "given_up!"
               from ops.event_endpoints
               order by id"#
        )
        .fetch_all(&self.pool)
        .await?)
    }
}

async fn resume(tx: &mut Tx, id: EndpointId, now: DateTime<Utc>) -> Result<(), StoreError> {
    let done = sqlx::query!(
        "update event_endpoints
         set state = 'active', reason = null, changed_at = $2, failures = 0,
             failing_since = null, next_try_at = null
         where id = $1 and state = 'paused'",
        id.0,
        now
    )
    .execute(&mut **tx)
    .await?;
    one_row("event_endpoints", done.rows_affected())?;
    sqlx::query!(
        "update event_deliveries
         set failing_since = null, next_try_at = null
         where endpoint_id = $1 and state = 'pending'",
        id.0
    )
    .execute(&mut **tx)
    .await?;
    flow_on(tx, id).await
}

async fn hold(tx: &mut Tx, id: EndpointId, reason: &str) -> Result<(), StoreError> {
    sqlx::query!("select apalis_lease.pause_group($1, $2, $3)", QUEUE, group(id), reason)
        .fetch_one(&mut **tx)
        .await?;
    Ok(())
}

async fn flow_on(tx: &mut Tx, id: EndpointId) -> Result<(), StoreError> {
    sqlx::query!("select apalis_lease.resume_group($1, $2)", QUEUE, group(id))
        .fetch_one(&mut **tx)
        .await?;
    Ok(())
}
