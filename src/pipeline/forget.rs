//! A person's data, everywhere: in the spool, at Meta, at Stripe, in Postgres. Each step may run
//! twice, and one that was interrupted is run again from the start: what others have of a person is
//! found through Postgres, so Postgres is erased last. What was under way meanwhile (a webhook, a
//! job) is waited for and erased too. It writes to Stripe nothing but metadata.

mod aside;
mod customers;

use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::{Instant, sleep, sleep_until};

use self::customers::customers;
use super::ingress::replay::{NotReplayed, Replay, replay};
use super::ingress::share::Ledger;
use crate::clients::stripe::{Stripe, StripeError};
use crate::clients::whatsapp::{MediaError, WhatsApp};
use crate::domain::ids::CustomerId;
use crate::spool::Spool;
use crate::store::StoreError;
use crate::store::forget::{Elsewhere, Erased, Known, OptOut};

/// How long a media id that came by webhook is valid. Source: Meta's "Media" page.
const MEDIA_ID_LIVES: TimeDelta = TimeDelta::days(7);

/// A webhook that reached an ingress before the erasing is in Postgres or in a spool after so long:
/// Meta is answered within it.
const WEBHOOK_TAKES: Duration = Duration::from_secs(10);

/// A job ends within five minutes, or its lease lapses.
const JOB_TAKES: Duration = Duration::from_mins(6);

/// How long an ingress on this machine is given to empty its spool.
const SPOOL_TAKES: Duration = Duration::from_mins(1);

/// How often it is looked meanwhile.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// A job that runs through one round is gone in the next.
const ROUNDS: usize = 3;

/// How far Stripe's clock and ours may differ, and how long a job may have been at it.
const CREATED_SINCE: TimeDelta = TimeDelta::minutes(15);

/// What forgetting works with.
#[derive(Debug)]
pub struct Forget {
    /// Postgres, and how spooled webhooks get there.
    pub ledger: Ledger,
    /// Meta, unless it is to be left out.
    pub whatsapp: Option<WhatsApp>,
    /// Stripe, unless it is to be left out.
    pub stripe: Option<Stripe>,
    /// `SPOOL_DIR` of this machine.
    pub spool_dir: PathBuf,
    /// What becomes of a STOP.
    pub opt_out: OptOut,
}

/// Forgetting stopped. What was erased stays erased; run it again.
#[derive(Debug, thiserror::Error)]
pub enum NotForgotten {
    /// Postgres.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The spool could not be replayed.
    #[error("the spool: {0}")]
    Replay(#[from] NotReplayed),
    /// The spool's folder.
    #[error("the spool: {0}")]
    Disk(#[from] std::io::Error),
    /// Meta.
    #[error("Meta: {0}")]
    Media(#[from] MediaError),
    /// Stripe.
    #[error("Stripe: {0}")]
    Stripe(#[from] StripeError),
    /// A job about them runs longer than any should.
    #[error("a job about them still runs; run this again when it has ended")]
    StillRunning,
    /// An ingress on this machine has not emptied its spool.
    #[error("the ingress of this machine has not emptied its spool; run this again when it has")]
    StillSpooled,
}

/// What was erased, or would be.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Rows by table.
    pub rows: Vec<(&'static str, u64)>,
    /// Customers whose metadata named them.
    pub customers: Vec<CustomerId>,
    /// Photos at Meta: deleted, or (in a preview) that may still be there.
    pub media: u64,
    /// Webhooks in the spool of this machine, set aside.
    pub set_aside: u64,
    /// Files set aside that name them and are damaged: for the operator.
    pub damaged: Vec<PathBuf>,
}

impl Report {
    fn add(&mut self, erased: &Erased) {
        for (table, rows) in &erased.rows {
            match self.rows.iter_mut().find(|(name, _)| name == table) {
                Some((_, counted)) => *counted += rows,
                None => self.rows.push((table, *rows)),
            }
        }
    }

    /// Whether nothing was found anywhere.
    pub fn is_nothing(&self) -> bool {
        self.rows.iter().all(|(_, rows)| *rows == 0)
            && self.customers.is_empty()
            && self.set_aside == 0
            && self.damaged.is_empty()
    }
}

impl Forget {
    /// What [`Forget::forget`] would erase, as things stand. Changes nothing.
    pub async fn preview(&self, known: &Known) -> Result<Report, NotForgotten> {
        let store = &self.ledger.store;
        let elsewhere = self.elsewhere(known).await?;
        let mut report = Report::default();
        report.add(&store.would_erase(known, self.opt_out).await?);
        report.media = u64::try_from(elsewhere.media.len()).unwrap_or_default();
        if let Some(stripe) = &self.stripe {
            report.customers = customers(stripe, known, elsewhere.customers, None).await?;
        }
        self.look_aside(&known.person, &mut report)?;
        Ok(report)
    }

    /// Erases everything of them. Called again it erases what has come since, or was left.
    pub async fn forget(&self, known: &Known) -> Result<Report, NotForgotten> {
        let mut report = Report::default();
        self.empty_spool().await?;
        let elsewhere = self.elsewhere(known).await?;
        self.forget_at_meta(&elsewhere, &mut report).await?;
        self.forget_at_stripe(known, elsewhere.customers, None, &mut report).await?;
        let store = &self.ledger.store;
        let erased = store.erase(known, self.opt_out).await?;
        report.add(&erased);
        self.erase_stragglers(known, erased, &mut report).await?;
        self.clear_aside(&known.person, &mut report)?;
        Ok(report)
    }

    async fn elsewhere(&self, known: &Known) -> Result<Elsewhere, StoreError> {
        let since = self.ledger.clock.now() - MEDIA_ID_LIVES;
        self.ledger.store.elsewhere(known, since).await
    }

    /// What lies in the spool of this machine goes to where it belongs, and is erased there.
    async fn empty_spool(&self) -> Result<(), NotForgotten> {
        if !self.spool_dir.is_dir() {
            return Ok(());
        }
        let spool = Spool::open(&self.spool_dir, u64::MAX)?;
        let to = Replay { ledger: self.ledger.clone(), spool };
        let deadline = Instant::now() + SPOOL_TAKES;
        loop {
            replay(&to).await?;
            // What an ingress holds, it replays itself.
            if !to.spool.holds_segments()? {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(NotForgotten::StillSpooled);
            }
            sleep(LOOK_EVERY).await;
        }
    }

    async fn forget_at_meta(
        &self,
        elsewhere: &Elsewhere,
        report: &mut Report,
    ) -> Result<(), NotForgotten> {
        let Some(whatsapp) = &self.whatsapp else { return Ok(()) };
        for media in &elsewhere.media {
            report.media += u64::from(whatsapp.delete_media(media).await?);
        }
        Ok(())
    }

    async fn forget_at_stripe(
        &self,
        known: &Known,
        booked_on: Vec<CustomerId>,
        created_since: Option<DateTime<Utc>>,
        report: &mut Report,
    ) -> Result<(), NotForgotten> {
        let Some(stripe) = &self.stripe else { return Ok(()) };
        for customer in customers(stripe, known, booked_on, created_since).await? {
            if stripe.forget_sender(&customer).await? {
                report.customers.push(customer);
            }
        }
        Ok(())
    }

    /// Waits for what was under way when they were erased, and erases what came of it.
    async fn erase_stragglers(
        &self,
        known: &Known,
        first: Erased,
        report: &mut Report,
    ) -> Result<(), NotForgotten> {
        let store = &self.ledger.store;
        let erased_at = first.at;
        let began = Instant::now();
        let mut running = first.running;
        for _ in 0..ROUNDS {
            self.wait_for_jobs(&running).await?;
            store.end_jobs(&running).await?;
            self.wait_for_webhooks(began).await?;
            let late = store.erase_stragglers(known, erased_at).await?;
            if !running.is_empty() || !late.is_nothing() {
                // A job that was at it may have made a customer.
                let since = Some(erased_at - CREATED_SINCE);
                self.forget_at_stripe(known, Vec::new(), since, report).await?;
            }
            report.add(&late);
            if late.running.is_empty() {
                return Ok(());
            }
            running = late.running;
        }
        Err(NotForgotten::StillRunning)
    }

    async fn wait_for_jobs(&self, jobs: &[i64]) -> Result<(), NotForgotten> {
        let deadline = Instant::now() + JOB_TAKES;
        while self.ledger.store.is_running(jobs).await? {
            if Instant::now() > deadline {
                return Err(NotForgotten::StillRunning);
            }
            sleep(LOOK_EVERY).await;
        }
        Ok(())
    }

    /// Until whatever an ingress had taken when they were erased (`began`) is in Postgres. What it
    /// has put into its spool is not replayed any more.
    async fn wait_for_webhooks(&self, began: Instant) -> Result<(), StoreError> {
        if self.ledger.store.has_ingresses().await? {
            sleep_until(began + WEBHOOK_TAKES).await;
        }
        Ok(())
    }
}
