//! Everything that is kept of one person, erased in one transaction. What stays is a digest of each
//! message id and a tombstone; docs/forget.md says of every column what becomes of it. Asks nobody
//! but Postgres: Stripe, Meta and the spool are for the caller.

mod known;
mod mentions;
mod rows;

use chrono::{DateTime, Utc};

use self::rows::Rows;
use super::erasures::bury;
use super::{Store, StoreError, Tx};
use crate::domain::ids::{CustomerId, MediaId};
use crate::domain::person::Person;
use crate::domain::sender::UserId;

/// How often the transaction is tried that somebody else stood in the way of.
const TRIES: usize = 5;

/// A person with the rows that stand for them.
#[derive(Clone, Debug)]
pub struct Known {
    /// By what they are and were known.
    pub person: Person,
    senders: Vec<i64>,
}

/// What others have of a person, as far as Postgres knows.
#[derive(Clone, Debug, Default)]
pub struct Elsewhere {
    /// Their customers at Stripe, and who else was booked on for them.
    pub customers: Vec<CustomerId>,
    /// Their photos that may still be at Meta.
    pub media: Vec<MediaId>,
}

/// What becomes of a STOP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OptOut {
    /// It stands, under a digest of who said it.
    Stands,
    /// It is erased with the rest.
    Erased,
}

/// What was erased.
#[derive(Clone, Debug)]
pub struct Erased {
    /// When.
    pub at: DateTime<Utc>,
    /// Rows by table, those with none too.
    pub rows: Vec<(&'static str, u64)>,
    /// Jobs about them that were running: each may still be at it.
    pub running: Vec<i64>,
}

impl Erased {
    /// Whether there was nothing.
    pub fn is_nothing(&self) -> bool {
        self.rows.iter().all(|(_, rows)| *rows == 0) && self.running.is_empty()
    }
}

impl Store {
    /// What Stripe and Meta have of them. Media are named that came after `since`: Meta keeps none
    /// for longer.
    pub async fn elsewhere(
        &self,
        known: &Known,
        since: DateTime<Utc>,
    ) -> Result<Elsewhere, StoreError> {
        let mut tx = self.begin().await?;
        let messages = rows::messages_of(&mut tx, known, None).await?;
        let customers = sqlx::query_scalar!(
            r#"select customer_id as "id!" from senders
               where id = any($1) and customer_id is not null
               union select customer_id from matches where message_id = any($2)
               union select customer_id from entries where message_id = any($2) or sender_id = any($1)
               union select customer_id from doubled_customers where sender_id = any($1)
               union select other_customer_id from doubled_customers where sender_id = any($1)"#,
            &known.senders,
            &messages
        )
        .fetch_all(&mut *tx)
        .await?;
        let media = sqlx::query_scalar!(
            "select media.media_id
             from media
             join messages on messages.id = media.message_id
             where media.message_id = any($1) and messages.received_at > $2",
            &messages,
            since
        )
        .fetch_all(&mut *tx)
        .await?;
        tx.rollback().await?;
        let media = media.iter().filter_map(|it| MediaId::parse(it)).collect();
        Ok(Elsewhere { customers: customers.into_iter().map(CustomerId).collect(), media })
    }

    /// Erases everything of them that is here, and puts up their tombstone. Called again it erases
    /// what has come since.
    pub async fn erase(&self, known: &Known, opt_out: OptOut) -> Result<Erased, StoreError> {
        self.erase_as(known, Round::First(opt_out), End::Commit).await
    }

    /// What [`Store::erase`] would erase. Erases nothing.
    pub async fn would_erase(&self, known: &Known, opt_out: OptOut) -> Result<Erased, StoreError> {
        self.erase_as(known, Round::First(opt_out), End::Rollback).await
    }

    /// Erases what reached us before `erased_at` and was written only after it: webhooks and jobs
    /// that were under way. Who has written since is somebody new, and stays.
    pub async fn erase_stragglers(
        &self,
        known: &Known,
        erased_at: DateTime<Utc>,
    ) -> Result<Erased, StoreError> {
        self.erase_as(known, Round::Stragglers(erased_at), End::Commit).await
    }

    /// Somebody else may lock the same rows in another order, or write to one that is going.
    async fn erase_as(&self, known: &Known, round: Round, end: End) -> Result<Erased, StoreError> {
        let mut tries = 1;
        loop {
            match self.erase_once(known, round, end).await {
                Err(error)
                    if tries < TRIES && (error.is_conflict() || error.is_about_the_data()) =>
                {
                    tries += 1;
                }
                done => return done,
            }
        }
    }

    async fn erase_once(
        &self,
        known: &Known,
        round: Round,
        end: End,
    ) -> Result<Erased, StoreError> {
        let mut tx = self.begin().await?;
        let before = match round {
            Round::First(_) => None,
            Round::Stragglers(erased_at) => Some(erased_at),
        };
        let mut rows = Rows::find(&mut tx, known, before).await?;
        rows.erase_of_messages(&mut tx).await?;
        let at = match round {
            Round::First(opt_out) => {
                rows.erase_of_senders(&mut tx, known, opt_out, before).await?;
                bury(&mut tx, &known.person).await?
            }
            Round::Stragglers(erased_at) => {
                // Who has not written anew is nobody here.
                if rows::messages_of(&mut tx, known, None).await?.is_empty() {
                    let late = self.came_back(&mut tx, known).await?;
                    rows.erase_of_senders(&mut tx, &late, OptOut::Stands, before).await?;
                }
                erased_at
            }
        };
        rows.erase_mentions(&mut tx, &known.person, at).await?;
        rows.erase_orphans(&mut tx).await?;
        match end {
            End::Commit => tx.commit().await?,
            End::Rollback => tx.rollback().await?,
        }
        Ok(Erased { at, rows: rows.counts, running: rows.running })
    }

    /// The rows of them that a job under way has made again.
    async fn came_back(&self, tx: &mut Tx, known: &Known) -> Result<Known, StoreError> {
        let still = known.person.numbers.iter().filter(|it| it.until.is_none());
        let keys: Vec<String> = still.map(|it| it.phone.key().as_str().to_owned()).collect();
        let senders = sqlx::query_scalar!(
            "select id from senders where phone_key = any($1) or user_id = any($2)",
            &keys,
            &texts(&known.person.user_ids)
        )
        .fetch_all(&mut **tx)
        .await?;
        Ok(Known { person: known.person.clone(), senders })
    }

    /// Whether one of `jobs` still runs, and nobody has taken it over.
    pub async fn is_running(&self, jobs: &[i64]) -> Result<bool, StoreError> {
        Ok(sqlx::query_scalar!(
            r#"select exists (
                   select from apalis_lease.jobs
                   where id = any($1) and state = 'running' and lease_until > clock_timestamp()
               ) as "running!""#,
            jobs
        )
        .fetch_one(&self.pool)
        .await?)
    }

    /// Ends what is left of `jobs`, whose messages are gone.
    pub async fn end_jobs(&self, jobs: &[i64]) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        rows::end_jobs(&mut tx, jobs).await?;
        Ok(tx.commit().await?)
    }
}

#[derive(Clone, Copy)]
enum Round {
    First(OptOut),
    Stragglers(DateTime<Utc>),
}

#[derive(Clone, Copy)]
enum End {
    Commit,
    Rollback,
}

fn texts(user_ids: &[UserId]) -> Vec<String> {
    user_ids.iter().map(|it| it.as_str().to_owned()).collect()
}
