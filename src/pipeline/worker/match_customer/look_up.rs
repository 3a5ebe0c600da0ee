//! Who is the sender's customer at Stripe at this moment? Search is asked first, and what it shows
//! is read by id before it is believed, for it shows the past. Creates nothing, writes nothing.

use super::{Deps, StepError};
use crate::clients::stripe::{FoundCustomer, StripeError};
use crate::domain::ids::CustomerId;
use crate::domain::sender::Sender;

/// The customers of one sender that there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Match {
    /// As it should be.
    One(CustomerId),
    /// Somebody's mistake. The first is the oldest and has the history; there may be more.
    Several(CustomerId, CustomerId),
    /// Search, the list and the customer itself were seen to the end: there is none, or one that
    /// search does not show yet.
    Nobody,
}

/// The customers of `who`; `known` is the one that we believed in until now. A call that failed is
/// an error and never "nobody".
pub(super) async fn look_up(
    deps: &Deps,
    who: &Sender,
    known: Option<&CustomerId>,
) -> Result<Match, StepError> {
    deps.stripe_searches.turn(&deps.store).await?;
    let shown = match deps.stripe.customers_with(who).await {
        Err(StripeError::SearchUnavailable(_)) => return without_search(deps, who, known).await,
        shown => shown?,
    };
    let mut living = Vec::new();
    for candidate in shown.iter().map(|it| &it.id) {
        living.extend(deps.stripe.customer_of(candidate, who).await?);
        if living.len() > 1 {
            break;
        }
    }
    if let Some(known) = known
        && shown.iter().all(|it| it.id != *known)
    {
        living.extend(deps.stripe.customer_of(known, who).await?);
    }
    Ok(oldest_of(living))
}

/// Merchants in India may not search. One that is known is read by id; only for a new sender all
/// customers are gone through, and a list shows the present.
async fn without_search(
    deps: &Deps,
    who: &Sender,
    known: Option<&CustomerId>,
) -> Result<Match, StepError> {
    if let Some(known) = known
        && let Some(still) = deps.stripe.customer_of(known, who).await?
    {
        return Ok(Match::One(still.id));
    }
    Ok(oldest_of(deps.stripe.customers_listed(who).await?))
}

fn oldest_of(mut living: Vec<FoundCustomer>) -> Match {
    living.sort_by(|a, b| (a.created, &a.id.0).cmp(&(b.created, &b.id.0)));
    let mut ids = living.into_iter().map(|it| it.id);
    match (ids.next(), ids.next()) {
        (None, _) => Match::Nobody,
        (Some(only), None) => Match::One(only),
        (Some(oldest), Some(another)) => Match::Several(oldest, another),
    }
}
