//! Who is served, and how much in a day: the guard before anything that costs money. Decides the
//! same however often it is asked about one message, as long as the settings stay.

use super::{Deps, StepError, match_customer};
use crate::domain::ids::SenderId;
use crate::domain::limits::NewSenders;
use crate::domain::reply::Outcome;
use crate::store::messages::{Kind, Message};

/// What the sender is told instead, when `message` is not served.
pub async fn refusal(
    deps: &Deps,
    message: &Message,
    sender: SenderId,
) -> Result<Option<Outcome>, StepError> {
    if deps.wishes.new_senders == NewSenders::Refuse
        && !match_customer::is_customer(deps, message, sender).await?
    {
        return Ok(Some(Outcome::NotACustomer));
    }
    let limit = deps.wishes.sender_daily_limit;
    if message.kind == Kind::Media && deps.store.photos_before(message, limit).await? >= limit {
        return Ok(Some(Outcome::OverLimit));
    }
    Ok(None)
}
