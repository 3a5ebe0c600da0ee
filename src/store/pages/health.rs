//! How it is going: the last hour by minutes, the tables, the costs. From the `ops` views, which cost the
//! same however long the history; more of them are in `store/health.rs`.

use chrono::{DateTime, NaiveDate, Utc};

use crate::store::{Store, StoreError};

/// What was done in one minute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Minute {
    /// Its beginning.
    pub minute: DateTime<Utc>,
    /// Messages whose answer Meta has.
    pub done: i64,
    /// Attempts that ended badly.
    pub failed: i64,
}

/// How a table is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Its name, with its schema.
    pub name: String,
    /// With its indexes.
    pub bytes: i64,
    /// Rows, as Postgres estimates.
    pub live_rows: i64,
    /// Rows that are gone and not vacuumed away.
    pub dead_rows: i64,
    /// When autovacuum was last through.
    pub vacuumed_at: Option<DateTime<Utc>>,
}

/// What a month has cost so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Which number the messages left from; empty for readings.
    pub number: String,
    /// service, utility, marketing … or the engine's model.
    pub category: String,
    /// Messages that Meta charges for, or readings that were paid.
    pub billable: i64,
    /// Messages that it does not charge for.
    pub free: i64,
    /// Millionths of a US dollar, of readings whose price is known.
    pub micro_usd: Option<i64>,
}

impl Store {
    /// The last sixty minutes, those in which nothing ended included, the oldest first.
    pub async fn last_hour(&self) -> Result<Vec<Minute>, StoreError> {
        Ok(sqlx::query_as!(
            Minute,
            r#"select minutes.minute as "minute!",
                      coalesce(sum(told.done) filter (where told.step = 'answer'), 0)::bigint
                          as "done!",
                      coalesce(sum(told.failed) filter (
                          where told.step in ('message', 'read_locally', 'remind')), 0)::bigint
                          as "failed!"
               from generate_series(date_trunc('minute', now()) - interval '59 minutes',
                                    date_trunc('minute', now()), interval '1 minute')
                    as minutes (minute)
               left join ops.throughput as told
                   on told.minute = minutes.minute
                   and told.minute > now() - interval '61 minutes'
               group by minutes.minute
               order by minutes.minute"#
        )
        .fetch_all(&self.pool)
        .await?)
    }

    /// The tables that are written most, the largest first.
    pub async fn tables(&self) -> Result<Vec<Table>, StoreError> {
        Ok(sqlx::query_as!(
            Table,
            r#"select name as "name!", bytes as "bytes!", live_rows as "live_rows!",
                      dead_rows as "dead_rows!", vacuumed_at
               from ops.table_health
               order by bytes desc
               limit 12"#
        )
        .fetch_all(&self.pool)
        .await?)
    }

    /// Since when the oldest transaction has been open: vacuum removes nothing that ended after.
    pub async fn oldest_snapshot(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        Ok(sqlx::query_scalar!("select oldest_snapshot_at from ops.oldest_snapshot")
            .fetch_optional(&self.pool)
            .await?
            .flatten())
    }

    /// What `month`, by its first day, has cost so far.
    pub async fn costs_of(&self, month: NaiveDate) -> Result<Vec<Cost>, StoreError> {
        Ok(sqlx::query_as!(
            Cost,
            r#"select number as "number!", category as "category!", billable as "billable!",
                      free as "free!", micro_usd
               from (
                   select number, category, sum(billable_messages)::bigint as billable,
                          sum(free_messages)::bigint as free, null::bigint as micro_usd
                   from ops.costs
                   where month = $1
                   group by number, category
                   union all
                   select '', model, readings, 0, cost_micro_usd
                   from ops.reading_costs
                   where month = $1
               ) as spent
               order by number desc, category"#,
            month
        )
        .fetch_all(&self.pool)
        .await?)
    }
}
