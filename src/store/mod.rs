//! Our SQL, one file a table. Row types never leave this folder; every write says how many rows it
//! must touch. No statement here waits on anybody but Postgres.

pub mod messages;
pub mod media;
pub mod kept_items;
pub mod senders;
pub mod identities;
pub mod stripe_events;
pub mod paces;
pub mod readings;
pub mod matches;
pub mod entries;
pub mod entry_revisions;
pub mod replies;
pub mod send_attempts;
pub mod late;
pub mod ingresses;
pub mod pauses;
pub mod templates;
pub mod opt_outs;
pub mod events;
pub mod event_endpoints;
pub mod event_deliveries;
pub mod event_log;
pub mod reminders;
pub mod reached;
pub mod costs;
pub mod audit_log;
pub mod pages;
pub mod api;
pub mod api_keys;
pub mod views;
pub mod health;
mod steps;
pub mod journeys;
pub mod exported;
pub mod dead_jobs;
mod checkup;
pub mod breaches;
pub mod erasures;
pub mod forget;
mod chores;
mod retention;
mod doubt;

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection, PgPool, Postgres, Transaction};

use self::doubt::Doubt;
use crate::domain::retry::Verdict;

/// A transaction on our Postgres: whoever holds one decides what belongs together.
pub type Tx = Transaction<'static, Postgres>;

/// How long a statement waits for a free connection before Postgres counts as away.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(2);

/// Key of the lock that migrations hold: "paragon" in ASCII.
const MIGRATING: i64 = 0x0070_6172_6167_6f6e;

/// How often it is tried meanwhile.
const LOCK_AGAIN: Duration = Duration::from_millis(100);

/// A connection that has been idle for longer is asked whether it is alive before it is lent out. One
/// that was just used is not: the question costs a commit a fifth of its round trips.
const ASKED_AFTER: Duration = Duration::from_secs(1);

/// The only memory.
#[derive(Clone, Debug)]
pub struct Store {
    pool: PgPool,
    doubt: Arc<Doubt>,
}

/// What can go wrong between us and Postgres.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Postgres did not do it: away, busy, or it refused. Nothing of the transaction stands.
    #[error("Postgres did not answer as it should")]
    Postgres(#[from] sqlx::Error),
    /// A row holds what this version cannot read.
    #[error("{table} holds a {column} that this version cannot read")]
    Unreadable {
        /// Where.
        table: &'static str,
        /// What.
        column: &'static str,
    },
    /// A row that must be there is not (erased by `forget`, for one).
    #[error("no such row in {table}")]
    Missing {
        /// Where.
        table: &'static str,
    },
    /// A write touched fewer rows than it must: somebody else was faster.
    #[error("a write to {table} touched no row")]
    Overtaken {
        /// Where.
        table: &'static str,
    },
}

/// The text is no URL of a Postgres; what it was is not told, for it may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a URL such as postgres://user:password@host/database")]
pub struct NotAPostgresUrl;

impl StoreError {
    /// Whether Postgres refuses the data themselves.
    pub fn is_about_the_data(&self) -> bool {
        matches!(self, Self::Postgres(error) if Self::is_data_error(error))
    }

    /// Whether two transactions stood in each other's way (`SQLSTATE` 40001 and 40P01).
    pub fn is_conflict(&self) -> bool {
        match self {
            Self::Postgres(sqlx::Error::Database(refused)) => {
                refused.code().is_some_and(|it| it == "40001" || it == "40P01")
            }
            Self::Postgres(_)
            | Self::Unreadable { .. }
            | Self::Missing { .. }
            | Self::Overtaken { .. } => false,
        }
    }

    /// `SQLSTATE` class 22 (data exception) or 23 (integrity constraint), or data that could not
    /// even be sent.
    pub fn is_data_error(error: &sqlx::Error) -> bool {
        match error {
            sqlx::Error::Encode(_) => true,
            sqlx::Error::Database(refused) => {
                refused.code().is_some_and(|it| it.starts_with("22") || it.starts_with("23"))
            }
            _ => false,
        }
    }

    /// The fate of a job that met this.
    pub fn verdict(&self) -> Verdict {
        match self {
            Self::Postgres(_) | Self::Overtaken { .. } => Verdict::Retry,
            Self::Unreadable { .. } | Self::Missing { .. } => Verdict::GiveUp,
        }
    }
}

impl Store {
    /// A pool of at most `connections`, opened when first needed: a Postgres that is away at the
    /// start is waited for by whoever asks, not here.
    pub fn open(url: &str, connections: u32) -> Result<Self, NotAPostgresUrl> {
        let ours = url.starts_with("postgres://") || url.starts_with("postgresql://");
        let options: PgConnectOptions = if ours {
            url.parse().map_err(|_| NotAPostgresUrl)?
        } else {
            return Err(NotAPostgresUrl);
        };
        let doubt = Arc::new(Doubt::default());
        let at_return = Arc::clone(&doubt);
        let pool = PgPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .test_before_acquire(false)
            .before_acquire(|connection, seen| {
                Box::pin(async move {
                    if seen.idle_for > ASKED_AFTER {
                        connection.ping().await?;
                    }
                    Ok(true)
                })
            })
            .after_release(move |_, _| {
                let is_sound = at_return.is_gone();
                Box::pin(async move { Ok(is_sound) })
            })
            .connect_lazy_with(options);
        Ok(Self { pool, doubt })
    }

    /// The pool, for the queue's crate, which shares our Postgres.
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Begins a transaction. Who gives up waiting for this leaves nothing open behind.
    pub async fn begin(&self) -> Result<Tx, StoreError> {
        let begun = pin!(self.pool.begin());
        // Given up, this is dropped first: its connection is not lent again then.
        let watch = self.doubt.watch();
        let begun = begun.await;
        watch.end();
        Ok(begun?)
    }

    /// Whether Postgres answers.
    pub async fn ping(&self) -> Result<(), StoreError> {
        sqlx::query("select 1").execute(&self.pool).await?;
        Ok(())
    }

    /// Brings the schema up to date, the queue's first. Twice, or from two machines at once, does
    /// no harm: a lock in Postgres lets one go first and the other finds nothing to do.
    pub async fn migrate(&self) -> Result<(), sqlx::migrate::MigrateError> {
        // The lock ends with its connection, however this ends.
        let mut alone = self.pool.acquire().await?.detach();
        // Tried again and again: who waits inside Postgres holds a snapshot, which the other's
        // `create index concurrently` would wait for in turn.
        while !sqlx::query_scalar!(r#"select pg_try_advisory_lock($1) as "locked!""#, MIGRATING)
            .fetch_one(&mut alone)
            .await?
        {
            tokio::time::sleep(LOCK_AGAIN).await;
        }
        apalis_lease::migrate(&self.pool).await?;
        let mut ours = sqlx::migrate!("./migrations");
        ours.set_locking(false).run(&self.pool).await?;
        alone.close().await?;
        Ok(())
    }

    /// Whether every migration that this program knows has been applied.
    pub async fn is_migrated(&self) -> Result<bool, StoreError> {
        // Not by the newest alone: two that were written side by side may come in either order.
        let known: Vec<i64> = sqlx::migrate!("./migrations").iter().map(|it| it.version).collect();
        let missing: Result<bool, sqlx::Error> = sqlx::query_scalar(
            "select exists (
                 select from unnest($1::bigint[]) as known (version)
                 where not exists (
                     select from _sqlx_migrations as applied
                     where applied.version = known.version and applied.success
                 )
             )",
        )
        .bind(&known)
        .fetch_one(&self.pool)
        .await;
        match missing {
            Ok(missing) => Ok(!missing),
            Err(sqlx::Error::Database(error))
                if error.code().as_deref() == Some(UNDEFINED_TABLE) =>
            {
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Waits until nothing is lent out, then closes every connection.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// Postgres' code for a table that is not there.
const UNDEFINED_TABLE: &str = "42P01";

/// Exactly one row, or somebody was faster.
fn one_row(table: &'static str, touched: u64) -> Result<(), StoreError> {
    if touched == 1 { Ok(()) } else { Err(StoreError::Overtaken { table }) }
}
