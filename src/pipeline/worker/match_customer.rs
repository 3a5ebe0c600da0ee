//! Whose receipt is it? Stripe is the source of truth; the local copy saves the call for a known
//! sender. A look-up that failed is not "none", and one sender is never two customers, however
//! many photos arrive at once and although Stripe's search lags behind its writes.

mod look_up;

use std::ops::RangeInclusive;
use std::time::Duration;

use chrono::TimeDelta;
use tracing::{info, warn};

use self::look_up::{Match, look_up};
use super::{Deps, StepError};
use crate::clients::stripe::{NewCustomer, StripeError};
use crate::domain::ids::{CustomerId, SenderId};
use crate::domain::sender::{ProfileName, Sender};
use crate::store::StoreError;
use crate::store::identities::Move;
use crate::store::messages::Message;
use crate::store::senders::{CreateTry, KnownCustomer};

/// How much our clock and Stripe's may differ when we look for what a try has created.
const CLOCK_SKEW: TimeDelta = TimeDelta::minutes(5);

/// How long a worker that asks Stripe is believed to be at it; one that was killed is not waited for
/// any longer. Should it be slower than that, two ask side by side, which the key of the create
/// call makes harmless.
const LOOKUP_LEASE: Duration = Duration::from_secs(20);

/// How often the others look whether it has the answer: at first soon, and less often the longer
/// their photo waits, for each look costs a run of the job.
const LOOK_AGAIN: RangeInclusive<Duration> = Duration::from_millis(300)..=Duration::from_secs(3);

/// The customer of the sender of `message`: as written down for this message, else as known, else
/// as Stripe finds it, else created. Called twice it answers the same.
pub async fn match_customer(
    deps: &Deps,
    message: &Message,
    sender: SenderId,
) -> Result<CustomerId, StepError> {
    if let Some(customer) = deps.store.customer_match(message.id).await? {
        return Ok(customer);
    }
    let customer = customer_of(deps, message, sender).await?;
    Ok(deps.store.match_customer(message.id, sender, &customer, deps.clock.now()).await?)
}

/// Whether the sender is a customer, here or at Stripe. Creates nothing.
pub async fn is_customer(
    deps: &Deps,
    message: &Message,
    sender: SenderId,
) -> Result<bool, StepError> {
    if deps.store.known_customer(sender).await?.is_some() {
        return Ok(true);
    }
    let found = Box::pin(found(deps, message, sender));
    Ok(claimed(deps, message, sender, found).await?.is_some())
}

/// Meta says that a sender is somebody else from now on: their row follows, and the metadata of
/// their customer, where they have one. Called twice it changes nothing more.
pub async fn follow_move(deps: &Deps, message: &Message, to: &Sender) -> Result<(), StepError> {
    let moved = Move {
        message: message.id,
        from: message.sender.clone(),
        to: to.clone(),
        at: message.sent_at,
    };
    let Some(sender) = deps.store.move_sender(&moved).await? else {
        info!(message.id = %message.id, "nobody is known by the identity that has changed");
        return Ok(());
    };
    if !deps.store.is_metadata_behind(sender).await? {
        return Ok(());
    }
    claimed(deps, message, sender, Box::pin(found(deps, message, sender))).await?;
    Ok(())
}

async fn customer_of(
    deps: &Deps,
    message: &Message,
    sender: SenderId,
) -> Result<CustomerId, StepError> {
    if let Some(customer) = believed(deps, sender).await? {
        return Ok(customer);
    }
    claimed(deps, message, sender, Box::pin(found_or_created(deps, message, sender))).await
}

/// The local copy, as long as it is believed.
async fn believed(deps: &Deps, sender: SenderId) -> Result<Option<CustomerId>, StepError> {
    let believed = TimeDelta::from_std(deps.wishes.customer_ttl).unwrap_or(TimeDelta::MAX);
    let now = deps.clock.now();
    let known = deps.store.known_customer(sender).await?;
    let fresh = |it: &KnownCustomer| !it.is_doubted && now - it.checked_at < believed;
    Ok(known.filter(fresh).map(|it| it.id))
}

/// Does `work` as the only one who asks Stripe about `sender`. Others come back for the answer.
async fn claimed<T>(
    deps: &Deps,
    message: &Message,
    sender: SenderId,
    work: impl Future<Output = Result<T, StepError>>,
) -> Result<T, StepError> {
    if let Some(left) = deps.store.claim_lookup(sender, LOOKUP_LEASE).await? {
        let waited = (deps.clock.now() - message.received_at).to_std().unwrap_or_default();
        let again = (waited / 4).clamp(*LOOK_AGAIN.start(), *LOOK_AGAIN.end());
        return Err(StepError::AskedElsewhere(left.min(again)));
    }
    let done = work.await;
    // Also where nothing failed: a move may have found no customer.
    deps.store.end_lookup(sender).await?;
    done
}

async fn found_or_created(
    deps: &Deps,
    message: &Message,
    sender: SenderId,
) -> Result<CustomerId, StepError> {
    // Whoever held the claim before may have left the answer.
    if let Some(customer) = believed(deps, sender).await? {
        return Ok(customer);
    }
    let asked_at = deps.clock.now();
    let customer = match found(deps, message, sender).await? {
        Some(customer) => customer,
        None => create(deps, message, sender).await?,
    };
    deps.store.customer_is(sender, &customer, asked_at).await?;
    Ok(customer)
}

/// The customer that Stripe has for the sender as they are, or as they were.
async fn found(
    deps: &Deps,
    message: &Message,
    sender: SenderId,
) -> Result<Option<CustomerId>, StepError> {
    let asked_at = deps.clock.now();
    let known = deps.store.known_customer(sender).await?.map(|it| it.id);
    let identity = deps.store.identity(sender).await?;
    let behind = deps.store.is_metadata_behind(sender).await?;
    // What this message tells of them may stand in a row of its own; one from before a move tells
    // who they were.
    let who = if behind { identity.clone() } else { identity.completed_by(&message.sender) };
    let as_they_are = settled(deps, sender, look_up(deps, &who, known.as_ref()).await?).await?;
    let as_they_were = if behind || as_they_are.is_none() {
        customer_before(deps, sender, known.as_ref()).await?
    } else {
        None
    };
    if let Some(customer) = &as_they_were {
        deps.stripe.customer_belongs_to(customer, &identity).await?;
    }
    deps.store.metadata_says(sender, &identity).await?;
    let found = match (as_they_were, as_they_are) {
        (Some(older), Some(newer)) if older != newer => {
            doubled(deps, sender, &older, &newer).await?;
            Some(older)
        }
        (older, newer) => older.or(newer),
    };
    match (&found, &known) {
        (Some(customer), _) => deps.store.customer_is(sender, customer, asked_at).await?,
        (None, Some(gone)) => deps.store.customer_is_not(sender, gone).await?,
        (None, None) => {}
    }
    Ok(found)
}

/// The customer that the sender had under a number or a user id of before.
async fn customer_before(
    deps: &Deps,
    sender: SenderId,
    known: Option<&CustomerId>,
) -> Result<Option<CustomerId>, StepError> {
    for former in deps.store.former_identities(sender).await? {
        let was = settled(deps, sender, look_up(deps, &former, known).await?).await?;
        if was.is_some() {
            return Ok(was);
        }
    }
    Ok(None)
}

/// Of several the oldest is taken, and the operator is told.
async fn settled(
    deps: &Deps,
    sender: SenderId,
    matched: Match,
) -> Result<Option<CustomerId>, StepError> {
    match matched {
        Match::Nobody => Ok(None),
        Match::One(customer) => {
            deps.store.customer_is_one(sender).await?;
            Ok(Some(customer))
        }
        Match::Several(oldest, another) => {
            doubled(deps, sender, &oldest, &another).await?;
            Ok(Some(oldest))
        }
    }
}

async fn doubled(
    deps: &Deps,
    sender: SenderId,
    used: &CustomerId,
    other: &CustomerId,
) -> Result<(), StepError> {
    warn!(
        customer.id = %used,
        customer.other_id = %other,
        "two customers for one sender; the older is taken. Remove the sender from the other's metadata"
    );
    Ok(deps.store.customers_doubled(sender, used, other, deps.clock.now()).await?)
}

/// Creates the customer under a key that names identity and try. Whoever else is at it at the
/// same moment uses the same key with the same frozen parameters, and gets the same customer.
async fn create(deps: &Deps, message: &Message, sender: SenderId) -> Result<CustomerId, StepError> {
    let name = message.profile_name.as_ref().map_or("", ProfileName::as_str);
    let attempt = deps.store.create_try(sender, name, deps.clock.now()).await?;
    let Some(attempt) = attempt else {
        // Another photo of the same sender was faster while we were searching.
        let known = deps.store.known_customer(sender).await?;
        return known.map(|it| it.id).ok_or(StoreError::Overtaken { table: "senders" }.into());
    };
    let name = ProfileName::parse(&attempt.name);
    let customer = NewCustomer { sender: attempt.identity.clone(), name };
    // Names identity and try, and nobody's phone: keys are shown in Stripe's logs.
    let key = format!("paragon-customer-{}-{}", attempt.key.simple(), attempt.number);
    match deps.stripe.create_customer(&customer, &key).await {
        Ok(customer) => Ok(customer),
        Err(error) if error.spends_the_key() => {
            after_spent_key(deps, sender, &attempt, error).await
        }
        Err(error) => Err(error.into()),
    }
}

/// Stripe keeps a failure under its key for a day, yet the customer may be there: it is looked for
/// in the list, which unlike search shows what was written a moment ago. Only then the next try
/// gets a new key.
async fn after_spent_key(
    deps: &Deps,
    sender: SenderId,
    attempt: &CreateTry,
    error: StripeError,
) -> Result<CustomerId, StepError> {
    let since = attempt.began_at - CLOCK_SKEW;
    let created = deps.stripe.customers_created_since(&attempt.identity, since).await?;
    if let Some(oldest) = created.into_iter().next() {
        return Ok(oldest.id);
    }
    deps.store.create_try_failed(sender, attempt.number).await?;
    Err(error.into())
}
