//! Whose receipt is it? Stripe is the source of truth; the local copy saves the call for a known
//! sender. A look-up that failed is not "none", and one sender is never two customers, however
//! many photos arrive at once and although Stripe's search lags behind its writes.

mod look_up;

use chrono::TimeDelta;
use tracing::warn;

use self::look_up::{Match, look_up};
use super::{Deps, StepError};
use crate::clients::stripe::{NewCustomer, StripeError};
use crate::domain::ids::{CustomerId, SenderId};
use crate::domain::sender::ProfileName;
use crate::store::StoreError;
use crate::store::messages::Message;
use crate::store::senders::CreateTry;

/// How much our clock and Stripe's may differ when we look for what a try has created.
const CLOCK_SKEW: TimeDelta = TimeDelta::minutes(5);

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

async fn customer_of(
    deps: &Deps,
    message: &Message,
    sender: SenderId,
) -> Result<CustomerId, StepError> {
    let asked_at = deps.clock.now();
    let known = deps.store.known_customer(sender).await?;
    let believed = TimeDelta::from_std(deps.wishes.customer_ttl).unwrap_or(TimeDelta::MAX);
    if let Some(known) = &known
        && !known.is_doubted
        && asked_at - known.checked_at < believed
    {
        return Ok(known.id.clone());
    }
    let known = known.map(|it| it.id);
    // What this message tells of them may stand in a row of its own.
    let who = deps.store.identity(sender).await?.completed_by(&message.sender);
    let customer = match look_up(deps, &who, known.as_ref()).await? {
        Match::One(customer) => customer,
        Match::Several(oldest, another) => {
            warn!(
                customer.id = %oldest,
                customer.other_id = %another,
                "two customers for one sender; the older is taken. Remove the sender from the other's metadata"
            );
            oldest
        }
        Match::Nobody => {
            if let Some(gone) = &known {
                deps.store.customer_is_not(sender, gone).await?;
            }
            create(deps, message, sender).await?
        }
    };
    deps.store.customer_is(sender, &customer, asked_at).await?;
    Ok(customer)
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
