//! Stage 2: extract ▶ match customer ▶ record ▶ reply. Each step writes its result before the next
//! begins, and looks for it first: a retry goes on from the first undone step, and a step that
//! runs twice, or in two places at once, does no harm.

pub mod chat;
pub mod extract;
pub mod match_customer;
pub mod reply;
pub mod remind;
pub mod deliver;
pub mod late;
pub mod limits;
pub mod pauses;
mod likeness;

mod pace;
mod send_pace;
mod sending;
mod templates;
mod step;
mod error;
mod unbroken;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use tracing::warn;

use self::deliver::Events;
pub use self::error::StepError;
use self::extract::{Engines, Extracted, Extraction};
pub use self::pace::Pace;
pub use self::pauses::Ask;
pub use self::send_pace::SendPace;
use self::step::step;
pub use self::step::{Step, Timings};
pub use self::unbroken::Unbroken;
use crate::clients::stripe::Stripe;
use crate::clients::whatsapp::WhatsApp;
use crate::clock::Clock;
use crate::domain::event::Failed;
use crate::domain::ids::{MessageId, SenderId};
use crate::domain::language::Language;
use crate::domain::limits::NewSenders;
use crate::domain::reading::{Fields, Verdict};
use crate::domain::reply::Outcome;
use crate::domain::retention::Retention;
use crate::domain::retry;
use crate::queue::Bell;
use crate::store::Store;
use crate::store::entries::{EntryOwner, Recorded};
use crate::store::messages::{Kind, Message};
use crate::store::replies::Each;
use crate::telemetry::worker::WorkerMetrics;

/// What the steps work with.
#[derive(Clone, Debug)]
pub struct Deps {
    /// The only memory.
    pub store: Store,
    /// Tells other workers of new jobs.
    pub bell: Bell,
    /// What time it is.
    pub clock: Clock,
    /// Meta.
    pub whatsapp: WhatsApp,
    /// Stripe.
    pub stripe: Stripe,
    /// When Stripe may be searched.
    pub stripe_searches: Pace,
    /// When messages may leave.
    pub sends: SendPace,
    /// Where events go from this worker; `None` where other workers deliver them, or nobody.
    pub events: Option<Events>,
    /// Who reads photos.
    pub engines: Arc<Engines>,
    /// The operator's wishes.
    pub wishes: Arc<Wishes>,
    /// Since when Postgres has answered.
    pub unbroken: Arc<Unbroken>,
    /// How long steps took, for the `ops` views.
    pub timings: Timings,
    /// What is counted for Prometheus.
    pub metrics: WorkerMetrics,
}

/// What the operator decides about answers and look-ups.
#[derive(Clone, Debug)]
pub struct Wishes {
    /// In which language senders are answered.
    pub language: Language,
    /// The approved template of answers outside the window.
    pub template: String,
    /// How long a send of unknown outcome waits for its echo.
    pub echo_wait: Duration,
    /// How long the local copy of a customer is believed.
    pub customer_ttl: Duration,
    /// Larger photos are not taken.
    pub media_max_bytes: usize,
    /// Photos that one sender may send in 24 hours.
    pub sender_daily_limit: u32,
    /// Whether senders are served whom nobody knows.
    pub new_senders: NewSenders,
    /// How long what is kept.
    pub retention: Retention,
}

/// Which try of a job this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Try {
    /// Counted from 1.
    pub number: u32,
    /// If this one fails, the job gives up.
    pub is_last: bool,
}

impl Try {
    /// Whether a failure with this verdict in this try ends the job.
    pub fn gives_up(self, verdict: retry::Verdict) -> bool {
        match verdict {
            retry::Verdict::GiveUp => true,
            retry::Verdict::Retry => self.is_last,
            // Not counted: the same number comes again.
            retry::Verdict::NotBefore(_) | retry::Verdict::Halt | retry::Verdict::PauseNumber => {
                false
            }
        }
    }
}

/// Work that takes longer hangs, whatever the limits of its parts. Shorter than the queue's own
/// limit, so that the last try can still say that it was the last.
const WORK_WITHIN: Duration = Duration::from_mins(4);

/// Brings message `id` as far as it can be brought. May be called again at any time, for a message
/// at any stage.
pub async fn process(deps: &Deps, id: MessageId, which: Try) -> Result<(), StepError> {
    let message = deps.store.message(id).await?;
    if let Kind::Moved(to) = &message.kind {
        let following = match_customer::follow_move(deps, &message, to);
        return step(deps, Step::FollowMove, id, following).await;
    }
    let sender = deps.store.sender(&message).await?;
    // STOP is heard from everybody, whatever else they are not served.
    if let Kind::Wish(wish) = message.kind {
        return chat::wished(deps, &message, sender, wish).await;
    }
    if message.kind != Kind::Silent
        && let Some(refusal) = limits::refusal(deps, &message, sender).await?
    {
        return chat::seldom(deps, &message, sender, &refusal, Each::Sender).await;
    }
    match &message.kind {
        Kind::Silent | Kind::Moved(_) | Kind::Wish(_) => Ok(()),
        Kind::Text(None) => chat::help(deps, &message, sender).await,
        Kind::Text(Some(quoting)) => chat::quoted(deps, &message, sender, quoting).await,
        Kind::Choice(press) => chat::pressed(deps, &message, sender, *press).await,
        Kind::OtherMedia => answer(deps, &message, sender, &Outcome::SendAPhoto).await,
        Kind::Media => match guarded(Box::pin(photo(deps, &message, sender, which))).await {
            Ok(Some(outcome)) => answer(deps, &message, sender, &outcome).await,
            Ok(None) => Ok(()),
            Err(error) if which.gives_up(error.verdict()) => {
                give_up(deps, &message, sender, which, error).await
            }
            Err(error) => Err(error),
        },
    }
}

/// A panic or a hang is a failure like any other: it is counted, and its last one is told.
async fn guarded<T>(work: impl Future<Output = Result<T, StepError>>) -> Result<T, StepError> {
    let work = Box::pin(AssertUnwindSafe(work).catch_unwind());
    match tokio::time::timeout(WORK_WITHIN, work).await {
        Ok(Ok(done)) => done,
        // What it said may quote what it worked on.
        Ok(Err(_)) => Err(StepError::Panicked),
        Err(_) => Err(StepError::Hung(WORK_WITHIN)),
    }
}

async fn answer(
    deps: &Deps,
    message: &Message,
    sender: SenderId,
    outcome: &Outcome,
) -> Result<(), StepError> {
    step(deps, Step::Reply, message.id, reply::reply(deps, message, sender, outcome)).await
}

/// The whole way of a photo up to what the sender is to be told; `None` while it is being read
/// elsewhere.
async fn photo(
    deps: &Deps,
    message: &Message,
    sender: SenderId,
    which: Try,
) -> Result<Option<Outcome>, StepError> {
    let extracting = extract::extract(deps, message, which);
    let (extraction, ()) = tokio::join!(
        step(deps, Step::Extract, message.id, extracting),
        acknowledge(deps, message, which)
    );
    let fields = match extraction? {
        Extraction::Elsewhere => return Ok(None),
        Extraction::Done(Extracted::Unreadable) => {
            deps.store
                .entry_failed(message.id, sender, Failed::Unreadable, deps.clock.now())
                .await?;
            return Ok(Some(Outcome::Unreadable));
        }
        Extraction::Done(Extracted::Read(Verdict::NotAReceipt)) => {
            return Ok(Some(Outcome::NotAReceipt));
        }
        Extraction::Done(Extracted::Read(Verdict::Receipt(fields))) => fields,
    };
    book(deps, message, sender, &fields).await.map(Some)
}

async fn book(
    deps: &Deps,
    message: &Message,
    sender: SenderId,
    fields: &Fields,
) -> Result<Outcome, StepError> {
    let matching = match_customer::match_customer(deps, message, sender);
    let customer = step(deps, Step::MatchCustomer, message.id, matching).await?;
    let owner = EntryOwner { message: message.id, sender, customer };
    let recording = async {
        let alike = likeness::alike(deps, message, sender, fields).await?;
        Ok(deps.store.record_entry(&owner, fields, alike, deps.clock.now()).await?)
    };
    let Recorded { entry, repeats } = step(deps, Step::Record, message.id, recording).await?;
    Ok(match repeats {
        Some(of) => Outcome::Duplicate { entry: entry.id, of },
        None => Outcome::Entry(entry),
    })
}

/// Shows the sender at once that their photo was seen, before anything has been made of it. Costs
/// nothing, and nothing hangs on it.
async fn acknowledge(deps: &Deps, message: &Message, which: Try) {
    let is_news =
        which.number == 1 && deps.store.readings(message.id).await.is_ok_and(|it| it.is_empty());
    if !is_news {
        return;
    }
    let marked = deps.whatsapp.mark_read_and_type(&message.phone_number_id, &message.wamid).await;
    if let Err(error) = marked {
        warn!(message.id = %message.id, %error, "the read mark was not set");
    }
}

/// The sender hears that it will not be done now; then the job ends with `error`. A notice that
/// could not be sent is worth another try of the job, while there is one left.
async fn give_up(
    deps: &Deps,
    message: &Message,
    sender: SenderId,
    which: Try,
    error: StepError,
) -> Result<(), StepError> {
    let now = deps.clock.now();
    if let Err(error) = deps.store.entry_failed(message.id, sender, Failed::GaveUp, now).await {
        warn!(message.id = %message.id, %error, "the integrator could not be told");
    }
    match answer(deps, message, sender, &Outcome::GaveUp).await {
        Err(untold) if !which.gives_up(untold.verdict()) => Err(untold),
        Err(untold) => {
            warn!(message.id = %message.id, error = %untold, "the sender could not be told");
            Err(error)
        }
        Ok(()) => Err(error),
    }
}
