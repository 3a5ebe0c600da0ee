//! Whose customers at Stripe they are. A look-up that failed is not "none".

use chrono::{DateTime, Utc};

use crate::clients::stripe::{Stripe, StripeError};
use crate::domain::ids::CustomerId;
use crate::domain::sender::Sender;
use crate::store::forget::Known;

/// The customers that are booked on for them and still are theirs, and those that Stripe finds by what
/// they are; also such as were created lately, which search may not show yet.
pub(super) async fn customers(
    stripe: &Stripe,
    known: &Known,
    booked_on: Vec<CustomerId>,
    created_since: Option<DateTime<Utc>>,
) -> Result<Vec<CustomerId>, StripeError> {
    let mut theirs = Vec::new();
    for id in booked_on {
        if is_one_of(stripe, &id, &known.person.was_ever()).await? {
            theirs.push(id);
        }
    }
    for sender in known.person.is_now() {
        let mut found = match stripe.customers_with(&sender).await {
            Err(StripeError::SearchUnavailable(_)) => stripe.customers_listed(&sender).await?,
            found => found?,
        };
        if let Some(since) = created_since {
            found.extend(stripe.customers_created_since(&sender, since).await?);
        }
        for found in found {
            // Search shows the past.
            let sender = std::slice::from_ref(&sender);
            if !theirs.contains(&found.id) && is_one_of(stripe, &found.id, sender).await? {
                theirs.push(found.id);
            }
        }
    }
    Ok(theirs)
}

async fn is_one_of(
    stripe: &Stripe,
    id: &CustomerId,
    senders: &[Sender],
) -> Result<bool, StripeError> {
    for sender in senders {
        if stripe.customer_of(id, sender).await?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}
