//! Into custody: Postgres, or the spool when Postgres does not answer in time. Notices that
//! Postgres is away, does not ask it again for each webhook, and replays when it is back.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actix_web::web::Bytes;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::clients::whatsapp::WhatsApp;
use crate::domain::ids::Sha256;
use crate::domain::inbound::Item;
use crate::pipeline::ingress::accept::{Accepted, Batch, accept};
use crate::pipeline::ingress::fetch_media::{Budget, fetch_media, known};
use crate::pipeline::ingress::parse::parse;
use crate::pipeline::ingress::replay::{Replay, replay};
use crate::pipeline::ingress::verify::Verified;
use crate::spool::{Photo, Record, SpoolError};
use crate::store::Store;
use crate::store::media::Blob;
use crate::telemetry;

/// After so long without an answer, Postgres counts as away.
const POSTGRES_WITHIN: Duration = Duration::from_secs(2);

/// How often it is looked whether Postgres is back, and whether the spool holds anything.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Every so many looks, other processes' segments are looked for: each 10 s.
const LOOK_FOR_OTHERS: u64 = 20;

/// Where a webhook is, once it is ours.
#[derive(Clone, Copy, Debug)]
pub enum Taken {
    /// In Postgres.
    Accepted(
        /// What it came to.
        Accepted,
    ),
    /// In the spool; it is replayed when Postgres is back.
    Spooled,
}

/// Takes webhooks into custody.
#[derive(Debug)]
pub struct Custody {
    to: Replay,
    whatsapp: WhatsApp,
    budget: Budget,
    postgres_is_away: AtomicBool,
}

impl Custody {
    pub fn new(to: Replay, whatsapp: WhatsApp, budget: Budget) -> Self {
        Self { to, whatsapp, budget, postgres_is_away: AtomicBool::new(false) }
    }

    pub fn store(&self) -> &Store {
        &self.to.store
    }

    /// Takes `webhook`. When this returns `Ok`, it is in Postgres or on the disk.
    pub async fn take(&self, webhook: &Verified<Bytes>) -> Result<Taken, SpoolError> {
        let received_at = self.to.clock.now();
        let items = parse(webhook, received_at);
        let known = self.known(&items).await;
        let photos = fetch_media(&self.whatsapp, &items, &known, self.budget).await;
        let trace_parent = telemetry::current_trace_parent();
        let batch = Batch { items, photos, received_at, trace_parent };
        if let Some(accepted) = self.accept(&batch).await {
            return Ok(Taken::Accepted(accepted));
        }
        self.to.spool.append(&record(webhook, batch)).await?;
        Ok(Taken::Spooled)
    }

    /// Which messages were accepted before. Where Postgres does not say, none: fetching twice is
    /// harmless.
    async fn known(&self, items: &[Item]) -> Vec<Sha256> {
        if self.postgres_is_away.load(Ordering::Relaxed) {
            return Vec::new();
        }
        if let Ok(Ok(known)) = timeout(POSTGRES_WITHIN, known(&self.to.store, items)).await {
            return known;
        }
        self.notice_absence();
        Vec::new()
    }

    /// `None` when Postgres did not take it, or not in time. It may have taken it all the same:
    /// then the replay finds it there and writes nothing.
    async fn accept(&self, batch: &Batch) -> Option<Accepted> {
        if self.postgres_is_away.load(Ordering::Relaxed) {
            return None;
        }
        let Replay { store, bell, clock, .. } = &self.to;
        match timeout(POSTGRES_WITHIN, accept(store, bell, clock, batch)).await {
            Ok(Ok(accepted)) => return Some(accepted),
            // Not Postgres's fault, but the webhook's: others go on.
            Ok(Err(refused)) if refused.is_final() => {
                warn!(error = %refused, "Postgres refuses what a webhook says: it goes to the spool");
            }
            Ok(Err(refused)) => {
                warn!(error = %refused, "Postgres does not take a webhook: it goes to the spool");
                self.notice_absence();
            }
            Err(_) => self.notice_absence(),
        }
        None
    }

    fn notice_absence(&self) {
        if !self.postgres_is_away.swap(true, Ordering::Relaxed) {
            warn!("Postgres is away: webhooks go to the spool");
        }
    }

    /// Looks again and again whether Postgres is back, and empties the spool, until `stop` is
    /// cancelled. What is left then is replayed after the next start.
    pub async fn keep_replaying(&self, stop: CancellationToken) {
        let mut due = tokio::time::interval(LOOK_EVERY);
        let mut looked = 0_u64;
        while stop.run_until_cancelled(due.tick()).await.is_some() {
            // Another ingress on this folder may have died and left something.
            let look_for_others = looked.is_multiple_of(LOOK_FOR_OTHERS);
            looked += 1;
            let away = self.postgres_is_away.load(Ordering::Relaxed);
            let waiting = self.to.spool.size() > 0 || look_for_others;
            let is_there = (away || waiting) && self.is_postgres_back().await;
            if is_there && waiting {
                let replayed = stop.run_until_cancelled(replay(&self.to)).await;
                if let Some(Err(error)) = replayed {
                    warn!(%error, "the spool is not empty yet");
                }
            }
        }
    }

    async fn is_postgres_back(&self) -> bool {
        let answer = timeout(POSTGRES_WITHIN, self.to.store.ping()).await;
        let is_back = matches!(answer, Ok(Ok(())));
        if is_back && self.postgres_is_away.swap(false, Ordering::Relaxed) {
            info!("Postgres is back");
        }
        is_back
    }
}

fn record(webhook: &Verified<Bytes>, batch: Batch) -> Record {
    let photo = |(wamid, blob): (_, Blob)| Photo { wamid, mime: blob.mime, bytes: blob.bytes };
    Record {
        received_at: batch.received_at,
        trace_parent: batch.trace_parent,
        body: webhook.bytes().to_vec(),
        photos: batch.photos.into_iter().map(photo).collect(),
    }
}
