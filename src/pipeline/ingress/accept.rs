//! Custody: everything a webhook told, in one commit. Messages with their photos and jobs, echoes
//! of our own sends, and whatever we do not act on. Before the commit nothing is promised, after
//! it nothing is lost.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use tracing::{info, instrument};

use crate::clock::Clock;
use crate::domain::delivery::StatusUpdate;
use crate::domain::ids::{MessageId, Wamid};
use crate::domain::inbound::{Content, Inbound, Item, Kept};
use crate::domain::reply::WINDOW_CLOSED;
use crate::queue::{self, Bell, Order, Queue};
use crate::store::media::{Blob, attach, keep_blob};
use crate::store::messages::{Arrival, remember};
use crate::store::send_attempts::{Reconciled, reconcile};
use crate::store::{Store, StoreError, Tx, kept_items};

/// One webhook, parsed, with what was fetched for it.
#[derive(Debug)]
pub struct Batch {
    /// Everything it told, in its order.
    pub items: Vec<Item>,
    /// The photos that have come, by their message.
    pub photos: HashMap<Wamid, Blob>,
    /// When it reached us.
    pub received_at: DateTime<Utc>,
    /// The trace of the webhook, for its jobs to go on with.
    pub trace_parent: Option<String>,
}

/// What a webhook came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Accepted {
    /// Messages that are new, each owed a job.
    pub fresh: usize,
    /// Messages that were accepted before: nothing was written for them.
    pub repeated: usize,
    /// Echoes of our own sends.
    pub statuses: usize,
    /// Items kept raw.
    pub kept: usize,
}

/// A webhook that is not in our custody. Nothing of it stands.
#[derive(Debug, thiserror::Error)]
pub enum NotAccepted {
    /// Postgres did not take it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Postgres did not take its jobs.
    #[error(transparent)]
    Queue(#[from] apalis_lease::EnqueueError),
}

impl NotAccepted {
    /// Whether Postgres will never take it, however often it is asked: the data themselves are what
    /// it refuses. Everything else (away, full, not migrated) passes or is mended.
    pub fn is_final(&self) -> bool {
        match self {
            Self::Store(error) => error.is_about_the_data(),
            Self::Queue(apalis_lease::EnqueueError::Database(error)) => {
                StoreError::is_data_error(error)
            }
            Self::Queue(_) => true,
        }
    }
}

/// Takes `batch` into custody: all of it or nothing. Told twice, also at the same moment, a message
/// is one row and one job, and an echo settles once.
#[instrument(name = "ingress.accept", skip_all)]
pub async fn accept(
    store: &Store,
    bell: &Bell,
    clock: &Clock,
    batch: &Batch,
) -> Result<Accepted, NotAccepted> {
    let Sorted { messages, statuses, kept } = Sorted::of(&batch.items);
    let mut tx = store.begin().await?;
    let mut orders = Vec::new();
    if !messages.is_empty() {
        let arrival = Arrival {
            received_at: batch.received_at,
            accepted_at: clock.now(),
            trace_parent: batch.trace_parent.clone(),
        };
        let fresh = remember(&mut tx, &messages, &arrival).await?;
        orders = attach_photos(&mut tx, &messages, &fresh, batch).await?;
    }
    let accepted = Accepted {
        fresh: orders.len(),
        repeated: messages.len() - orders.len(),
        statuses: statuses.len(),
        kept: kept.len(),
    };
    orders.extend(reconcile_all(&mut tx, &statuses, batch).await?);
    if !kept.is_empty() {
        kept_items::keep(&mut tx, &kept, batch.received_at).await?;
    }
    if !orders.is_empty() {
        queue::enqueue(&mut tx, Queue::Messages, &orders).await?;
    }
    tx.commit().await.map_err(StoreError::from)?;
    if !orders.is_empty() {
        bell.ring(Queue::Messages);
    }
    for order in &orders {
        info!(message.id = %order.message, "accepted message {}", order.message);
    }
    Ok(accepted)
}

/// A batch by kind, each kind sorted so that two batches lock their rows in the same order.
struct Sorted<'a> {
    messages: Vec<&'a Inbound>,
    statuses: Vec<&'a StatusUpdate>,
    kept: Vec<&'a Kept>,
}

impl<'a> Sorted<'a> {
    fn of(items: &'a [Item]) -> Self {
        let mut sorted = Self { messages: Vec::new(), statuses: Vec::new(), kept: Vec::new() };
        for item in items {
            match item {
                Item::Message(message) => sorted.messages.push(message),
                Item::Status(status) => sorted.statuses.push(status),
                Item::Kept(kept) => sorted.kept.push(kept),
            }
        }
        // A status told twice in one batch is told once.
        sorted.statuses.sort_by(|a, b| (&a.wamid, a.delivery).cmp(&(&b.wamid, b.delivery)));
        sorted.statuses.dedup_by(|a, b| (&a.wamid, a.delivery) == (&b.wamid, b.delivery));
        sorted
    }
}

/// Ties the new messages to their photos, and says which jobs they are owed.
async fn attach_photos(
    tx: &mut Tx,
    messages: &[&Inbound],
    fresh: &HashMap<Wamid, MessageId>,
    batch: &Batch,
) -> Result<Vec<Order>, StoreError> {
    let mut photos: Vec<&Blob> = fresh.keys().filter_map(|wamid| batch.photos.get(wamid)).collect();
    photos.sort_by_key(|it| it.sha256);
    for photo in photos {
        keep_blob(tx, photo, batch.received_at).await?;
    }
    let mut orders = Vec::with_capacity(fresh.len());
    let mut seen = HashSet::new();
    for message in messages {
        let Some(id) = fresh.get(&message.wamid).copied() else { continue };
        // The same message twice in one batch.
        if !seen.insert(id) {
            continue;
        }
        let mut urgent = false;
        if let Content::Media(media) = &message.content {
            let photo = batch.photos.get(&message.wamid).map(|it| it.sha256);
            attach(tx, id, media, photo).await?;
            urgent = photo.is_none();
        }
        orders.push(Order { message: id, urgent, trace_parent: batch.trace_parent.clone() });
    }
    Ok(orders)
}

/// Settles our sends by their echoes. An answer that failed because the window had closed is owed
/// another run, which says it by the template.
async fn reconcile_all(
    tx: &mut Tx,
    statuses: &[&StatusUpdate],
    batch: &Batch,
) -> Result<Vec<Order>, StoreError> {
    let mut again = Vec::new();
    for status in statuses {
        match reconcile(tx, status, batch.received_at).await? {
            Reconciled::Ours { message, failed: Some(WINDOW_CLOSED) } => {
                let trace_parent = batch.trace_parent.clone();
                again.push(Order { message, urgent: false, trace_parent });
            }
            Reconciled::Ours { .. } => {}
            Reconciled::Stranger => kept_items::park(tx, status, batch.received_at).await?,
        }
    }
    Ok(again)
}
