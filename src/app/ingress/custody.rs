//! Into custody: Postgres, or the spool when Postgres does not answer in time. Notices that
//! Postgres is away, does not ask it again for each webhook, and replays when it is back.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actix_web::web::Bytes;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, info, info_span, warn};

use crate::clients::whatsapp::WhatsApp;
use crate::domain::ids::{Sha256, Wamid};
use crate::domain::inbound::Item;
use crate::pipeline::ingress::accept::{Accepted, Batch};
use crate::pipeline::ingress::fetch_media::{Budget, Outcome, fetch_media, known};
use crate::pipeline::ingress::keep_photos::keep_photos;
use crate::pipeline::ingress::parse::parse;
use crate::pipeline::ingress::replay::{Replay, replay};
use crate::pipeline::ingress::share::{NotShared, SharedCommits};
use crate::pipeline::ingress::verify::Verified;
use crate::spool::{Photo, Record, SpoolError};
use crate::store::Store;
use crate::store::ingresses::SpoolState;
use crate::store::media::Blob;
use crate::telemetry;
use crate::telemetry::ingress::IngressMetrics;

/// After so long without an answer, Postgres counts as away.
const POSTGRES_WITHIN: Duration = Duration::from_secs(2);

/// How often it is looked whether Postgres is back, and whether the spool holds anything.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Every so many looks, other processes' segments are looked for: each 10 s.
const LOOK_FOR_OTHERS: u64 = 20;

/// Every so many looks, Postgres is told what the spool holds: each 1 s.
const SAY_SO_EVERY: u64 = 2;

/// Where a webhook is, once it is ours.
#[derive(Clone, Debug)]
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
    commits: SharedCommits,
    /// The same Postgres by connections of its own: nothing else waits behind photos.
    photos: Store,
    whatsapp: WhatsApp,
    budget: Budget,
    metrics: IngressMetrics,
    postgres_is_away: AtomicBool,
}

impl Custody {
    /// Must be called on the tokio runtime that commits go on.
    pub fn new(
        to: Replay,
        photos: Store,
        whatsapp: WhatsApp,
        budget: Budget,
        metrics: IngressMetrics,
    ) -> Self {
        let sizes = metrics.commit_webhooks.clone();
        let note = move |webhooks| sizes.note(f64::from(webhooks));
        let commits = SharedCommits::start(to.ledger.clone(), POSTGRES_WITHIN, note);
        let postgres_is_away = AtomicBool::new(false);
        Self { to, commits, photos, whatsapp, budget, metrics, postgres_is_away }
    }

    /// Brings the metrics that are levels up to date.
    pub fn show(&self) {
        self.metrics.spool_bytes.set(self.to.spool.size());
        let media_bytes = u64::try_from(self.budget.room.taken()).unwrap_or(u64::MAX);
        self.metrics.media_bytes.set(media_bytes);
        self.metrics.postgres_away.set(u64::from(self.is_away()));
    }

    pub fn store(&self) -> &Store {
        &self.to.ledger.store
    }

    /// Closes every connection to Postgres.
    pub async fn close(&self) {
        tokio::join!(self.store().close(), self.photos.close());
    }

    /// Takes `webhook`. When this returns `Ok`, it is in Postgres or on the disk.
    pub async fn take(&self, webhook: &Verified<Bytes>) -> Result<Taken, SpoolError> {
        let received_at = self.to.ledger.clock.now();
        let items = parse(webhook, received_at);
        let known = self.known(&items).await;
        let mut fetched = fetch_media(&self.whatsapp, &items, &known, &self.budget).await;
        for outcome in &fetched.outcomes {
            self.metrics.media.one(word(*outcome));
        }
        let stored = self.keep_photos(&fetched.photos).await;
        let trace_parent = telemetry::current_trace_parent();
        let batch = Arc::new(Batch { items, stored, received_at, trace_parent });
        let accept = self.accept(&batch).instrument(info_span!("ingress.accept"));
        if let Some(accepted) = accept.await {
            return Ok(Taken::Accepted(accepted));
        }
        self.to.spool.append(&record(webhook, &batch, std::mem::take(&mut fetched.photos))).await?;
        Ok(Taken::Spooled)
    }

    /// Which messages were accepted before. Where Postgres does not say, none: fetching twice is
    /// harmless.
    async fn known(&self, items: &[Item]) -> Vec<Sha256> {
        if self.is_away() {
            return Vec::new();
        }
        if let Ok(Ok(known)) = timeout(POSTGRES_WITHIN, known(self.store(), items)).await {
            return known;
        }
        self.notice_absence();
        Vec::new()
    }

    /// The photos whose bytes are in Postgres. One that is not there in time is left pending: many
    /// photos at once are no reason to think that Postgres is away.
    async fn keep_photos(&self, photos: &[(Wamid, Blob)]) -> HashMap<Wamid, Sha256> {
        if photos.is_empty() || self.is_away() {
            return HashMap::new();
        }
        let keeping = keep_photos(&self.photos, &self.to.ledger.clock, photos);
        let kept = timeout(POSTGRES_WITHIN, keeping).await.unwrap_or_default();
        if let Some(error) = kept.failed {
            warn!(%error, "Postgres does not take a photo: it is left to the worker");
        }
        kept.stored
    }

    /// `None` when Postgres did not take it, or not in time. It may have taken it all the same:
    /// then the replay finds it there and writes nothing.
    async fn accept(&self, batch: &Arc<Batch>) -> Option<Accepted> {
        if self.is_away() {
            return None;
        }
        match timeout(POSTGRES_WITHIN, self.commits.commit(Arc::clone(batch))).await {
            Ok(Ok(accepted)) => {
                for id in &accepted.fresh {
                    info!(message.id = %id, "accepted message {id}");
                }
                self.count(&accepted);
                return Some(accepted);
            }
            // Not Postgres's fault, but the webhook's: others go on.
            Ok(Err(NotShared::Refused)) => {}
            Ok(Err(NotShared::Away)) | Err(_) => self.notice_absence(),
        }
        None
    }

    fn count(&self, accepted: &Accepted) {
        let Accepted { fresh, repeated, statuses, news, kept } = accepted;
        let items = [
            ("message", fresh.len()),
            ("repeated", *repeated),
            ("status", *statuses),
            ("news", *news),
            ("kept", *kept),
        ];
        for (word, number) in items.into_iter().filter(|(_, number)| *number > 0) {
            self.metrics.items.several(word, number);
        }
    }

    fn is_away(&self) -> bool {
        self.postgres_is_away.load(Ordering::Relaxed)
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
            let away = self.is_away();
            let waiting = self.to.spool.size() > 0 || look_for_others;
            let is_there = (away || waiting) && self.is_postgres_back().await;
            if is_there && waiting {
                let replayed = stop.run_until_cancelled(replay(&self.to)).await;
                if let Some(Err(error)) = replayed {
                    warn!(%error, "the spool is not empty yet");
                }
            }
            if looked.is_multiple_of(SAY_SO_EVERY) {
                self.say_what_the_spool_holds().await;
            }
        }
        if self.is_spool_empty() {
            let ended = self.to.ledger.store.ingress_ended(self.to.spool.id());
            timeout(POSTGRES_WITHIN, ended).await.ok();
        }
    }

    /// The whole folder: what others who share it have left counts.
    fn is_spool_empty(&self) -> bool {
        let spool = &self.to.spool;
        spool.size() == 0 && spool.holds_segments().is_ok_and(|holds| !holds)
    }

    /// Workers wait for an echo as long as it may lie here. What cannot be said is not believed.
    async fn say_what_the_spool_holds(&self) {
        if self.postgres_is_away.load(Ordering::Relaxed) {
            return;
        }
        let state = if self.is_spool_empty() { SpoolState::Empty } else { SpoolState::Holds };
        let seen = self.to.ledger.store.ingress_seen(self.to.spool.id(), state);
        timeout(POSTGRES_WITHIN, seen).await.ok();
    }

    async fn is_postgres_back(&self) -> bool {
        let answer = timeout(POSTGRES_WITHIN, self.store().ping()).await;
        let is_back = matches!(answer, Ok(Ok(())));
        if is_back && self.postgres_is_away.swap(false, Ordering::Relaxed) {
            info!("Postgres is back");
        }
        is_back
    }
}

/// Our word for it in the metrics.
fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Inline => "inline",
        Outcome::ById => "by_id",
        Outcome::NoRoom => "no_room",
        Outcome::Pending => "pending",
    }
}

fn record(webhook: &Verified<Bytes>, batch: &Batch, photos: Vec<(Wamid, Blob)>) -> Record {
    let photo = |(wamid, blob): (_, Blob)| Photo { wamid, mime: blob.mime, bytes: blob.bytes };
    Record {
        received_at: batch.received_at,
        trace_parent: batch.trace_parent.clone(),
        body: webhook.bytes().to_vec(),
        photos: photos.into_iter().map(photo).collect(),
    }
}
