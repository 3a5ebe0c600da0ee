//! Custody: everything that webhooks told, in one commit. Messages with their photos and jobs, echoes
//! of our own sends, and whatever we do not act on. Before the commit nothing is promised, after
//! it nothing is lost. The photos' bytes are there before: they are committed apart.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::clock::Clock;
use crate::domain::account::AccountNews;
use crate::domain::delivery::{OPTED_OUT, StatusUpdate};
use crate::domain::ids::{MessageId, Sha256, Wamid};
use crate::domain::inbound::{Content, Inbound, Item, Kept};
use crate::domain::sender::{Phone, UserId};
use crate::queue::{self, Bell, Order, Queue};
use crate::store::identities::remember_identities;
use crate::store::media::{Attachment, attach};
use crate::store::messages::{Arrival, remember};
use crate::store::opt_outs::{self, ToldBy, wish_told};
use crate::store::send_attempts::{Reconciled, reconcile};
use crate::store::templates::{self, Awake};
use crate::store::{Store, StoreError, Tx, kept_items};

/// One webhook, parsed.
#[derive(Debug)]
pub struct Batch {
    /// Everything it told, in its order.
    pub items: Vec<Item>,
    /// The photos whose bytes are committed, by their message.
    pub stored: HashMap<Wamid, Sha256>,
    /// When it reached us.
    pub received_at: DateTime<Utc>,
    /// The trace of the webhook, for its jobs to go on with.
    pub trace_parent: Option<String>,
}

/// What a webhook came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accepted {
    /// Messages that are new, each owed a job.
    pub fresh: Vec<MessageId>,
    /// Messages that were accepted before: nothing was written for them.
    pub repeated: usize,
    /// Echoes of our own sends.
    pub statuses: usize,
    /// News of templates and of what people want to be sent.
    pub news: usize,
    /// Items kept raw.
    pub kept: usize,
}

/// Webhooks that are not in our custody. Nothing of them stands.
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
    /// Whether two commits stood in each other's way: tried again, it may well succeed.
    pub fn is_conflict(&self) -> bool {
        match self {
            Self::Store(error) => error.is_conflict(),
            Self::Queue(_) => false,
        }
    }

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

/// Takes all of `batches` into custody, in one commit: all of it or nothing. What each came to, in
/// their order. Told twice, also at the same moment or in one call, a message is one row and one
/// job, and an echo settles once.
pub async fn accept(
    store: &Store,
    bell: &Bell,
    clock: &Clock,
    batches: &[Arc<Batch>],
) -> Result<Vec<Accepted>, NotAccepted> {
    let Sorted { messages, statuses, news, kept } = Sorted::of(batches);
    let mut tx = store.begin().await?;
    let ids = remember(&mut tx, &messages, clock.now()).await?;
    remember_identities(&mut tx, &told(batches, &ids)).await?;
    let (accepted, mut orders) = count(batches, &ids);
    attach(&mut tx, &attachments(batches, &ids)).await?;
    orders.extend(settle(&mut tx, &statuses).await?);
    let awake = hear_all(&mut tx, &news).await?;
    let again = |(message, number)| Order { message, number, urgent: false, trace_parent: None };
    orders.extend(awake.messages.into_iter().map(again));
    queue::enqueue_reminders(&mut tx, &awake.reminders, None).await?;
    kept_items::keep(&mut tx, &kept).await?;
    if !orders.is_empty() {
        queue::enqueue(&mut tx, Queue::Messages, &orders).await?;
    }
    tx.commit().await.map_err(StoreError::from)?;
    if !orders.is_empty() {
        bell.ring(Queue::Messages);
    }
    if !awake.reminders.is_empty() {
        bell.ring(Queue::Reminders);
    }
    Ok(accepted)
}

/// What several webhooks told, by kind.
#[derive(Default)]
struct Sorted<'a> {
    messages: Vec<Arrival<'a>>,
    statuses: Vec<(&'a StatusUpdate, DateTime<Utc>)>,
    news: Vec<(&'a AccountNews, DateTime<Utc>)>,
    kept: Vec<(&'a Kept, DateTime<Utc>)>,
}

impl<'a> Sorted<'a> {
    fn of(batches: &'a [Arc<Batch>]) -> Self {
        let mut sorted = Self::default();
        for batch in batches {
            let received_at = batch.received_at;
            let trace_parent = batch.trace_parent.as_deref();
            for item in &batch.items {
                match item {
                    Item::Message(message) => {
                        sorted.messages.push(Arrival { message, received_at, trace_parent });
                    }
                    Item::Status(status) => sorted.statuses.push((status, received_at)),
                    Item::Account(news) => sorted.news.push((news, received_at)),
                    Item::Kept(kept) => sorted.kept.push((kept, received_at)),
                }
            }
        }
        // A status told twice is told once, and never after one that says more.
        sorted
            .statuses
            .sort_by(|(a, _), (b, _)| (&a.wamid, a.delivery).cmp(&(&b.wamid, b.delivery)));
        sorted.statuses.dedup_by(|(a, _), (b, _)| (&a.wamid, a.delivery) == (&b.wamid, b.delivery));
        // Rows of one table are locked in one order, the older word first.
        sorted.news.sort_by_key(|(news, _)| news_key(news));
        sorted
    }
}

/// Which row it writes, and when it was told.
fn news_key(news: &AccountNews) -> (&str, &str, DateTime<Utc>) {
    match news {
        AccountNews::Template(news) => (&news.name, &news.language, news.at),
        AccountNews::Preference(preference) => {
            let phone = preference.sender.phone().map_or("", Phone::as_str);
            let user_id = preference.sender.user_id().map_or("", UserId::as_str);
            (phone, user_id, preference.at)
        }
    }
}

fn messages(batch: &Batch) -> impl Iterator<Item = &Inbound> {
    batch.items.iter().filter_map(|item| match item {
        Item::Message(message) => Some(message.as_ref()),
        Item::Status(_) | Item::Account(_) | Item::Kept(_) => None,
    })
}

/// The new messages, each with its id.
fn told<'a>(
    batches: &'a [Arc<Batch>],
    ids: &HashMap<Wamid, MessageId>,
) -> Vec<(MessageId, &'a Inbound)> {
    let all = batches.iter().flat_map(|it| messages(it));
    all.filter_map(|it| Some((*ids.get(&it.wamid)?, it))).collect()
}

/// What each webhook came to, and the jobs that the new messages are owed. A message that two of
/// them tell is counted as new where it is told first.
fn count(batches: &[Arc<Batch>], ids: &HashMap<Wamid, MessageId>) -> (Vec<Accepted>, Vec<Order>) {
    let mut orders = Vec::with_capacity(ids.len());
    let mut seen = HashSet::new();
    let accepted = batches.iter().map(|batch| {
        let mut accepted = Accepted::default();
        for message in messages(batch) {
            match ids.get(&message.wamid).copied().filter(|id| seen.insert(*id)) {
                None => accepted.repeated += 1,
                Some(id) => {
                    accepted.fresh.push(id);
                    orders.push(order(batch, message, id));
                }
            }
        }
        for item in &batch.items {
            match item {
                Item::Message(_) => {}
                Item::Status(_) => accepted.statuses += 1,
                Item::Account(_) => accepted.news += 1,
                Item::Kept(_) => accepted.kept += 1,
            }
        }
        accepted
    });
    (accepted.collect(), orders)
}

fn order(batch: &Batch, message: &Inbound, id: MessageId) -> Order {
    let is_pending =
        matches!(message.content, Content::Media(_)) && !batch.stored.contains_key(&message.wamid);
    Order {
        message: id,
        number: message.phone_number_id.clone(),
        urgent: is_pending,
        trace_parent: batch.trace_parent.clone(),
    }
}

/// The new messages that have a photo.
fn attachments<'a>(
    batches: &'a [Arc<Batch>],
    ids: &HashMap<Wamid, MessageId>,
) -> Vec<Attachment<'a>> {
    let mut seen = HashSet::new();
    let mut attachments = Vec::new();
    for batch in batches {
        for message in messages(batch) {
            let Some(id) = ids.get(&message.wamid).copied().filter(|id| seen.insert(*id)) else {
                continue;
            };
            if let Content::Media(media) = &message.content {
                let stored = batch.stored.get(&message.wamid).copied();
                attachments.push(Attachment { message: id, media, stored });
            }
        }
    }
    attachments
}

/// Settles our sends by their echoes. An answer that did not arrive is owed another run, which does
/// what the code of the failure asks.
async fn settle(
    tx: &mut Tx,
    statuses: &[(&StatusUpdate, DateTime<Utc>)],
) -> Result<Vec<Order>, StoreError> {
    let mut again = Vec::new();
    let mut strangers = Vec::new();
    for (status, reconciled) in statuses.iter().zip(reconcile(tx, statuses).await?) {
        match reconciled {
            Reconciled::Ours { message, number, failed: Some(_) } => {
                again.push(Order { message, number, urgent: false, trace_parent: None });
            }
            Reconciled::Reminder { person, failed: Some(OPTED_OUT) } => {
                opt_outs::refused(tx, person, status.0.at).await?;
            }
            Reconciled::Ours { .. } | Reconciled::Reminder { .. } => {}
            Reconciled::Stranger => strangers.push(*status),
        }
    }
    kept_items::park(tx, &strangers).await?;
    Ok(again)
}

/// Writes down what was told of templates and of people's wishes. What has waited for a template is
/// owed another run.
async fn hear_all(
    tx: &mut Tx,
    news: &[(&AccountNews, DateTime<Utc>)],
) -> Result<Awake, StoreError> {
    let mut of_templates = false;
    for (news, received_at) in news {
        match news {
            AccountNews::Template(news) => {
                of_templates = true;
                templates::hear(tx, news, *received_at).await?;
            }
            AccountNews::Preference(told) => {
                wish_told(tx, &told.sender, told.wish, ToldBy::Preference, told.at).await?;
            }
        }
    }
    if of_templates { templates::awake(tx).await } else { Ok(Awake::default()) }
}
