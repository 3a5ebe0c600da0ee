//! A photo that takes over a minute gets one word that it will take longer; the answer follows. The
//! word is said once, and not when the answer is there first.

use chrono::TimeDelta;

use super::{Deps, StepError, answer, limits};
use crate::domain::ids::MessageId;
use crate::domain::reply::Outcome;
use crate::queue::{self, Queue};
use crate::store::StoreError;
use crate::store::late::late_photos;

/// Nobody is told of a delay earlier.
const PATIENCE: TimeDelta = TimeDelta::seconds(60);

/// Looks for photos that have taken too long, and orders a word to their senders. Several workers may
/// look at once: each photo is found by one.
pub async fn look_for_late(deps: &Deps) -> Result<(), StepError> {
    let mut tx = deps.store.begin().await?;
    let late = late_photos(&mut tx, deps.clock.now() - PATIENCE).await?;
    if !late.is_empty() {
        queue::enqueue_delays(&mut tx, &late).await?;
    }
    tx.commit().await.map_err(StoreError::from)?;
    if !late.is_empty() {
        deps.bell.ring(Queue::Messages);
    }
    Ok(())
}

/// Says that message `id` takes longer, unless something has been said of it by now, or it is not
/// served at all. Called twice it
/// says so once.
pub async fn tell_delay(deps: &Deps, id: MessageId) -> Result<(), StepError> {
    if !deps.store.is_untold(id).await? {
        return Ok(());
    }
    let message = deps.store.message(id).await?;
    let sender = deps.store.sender(&message).await?;
    if limits::refusal(deps, &message, sender).await?.is_some() {
        return Ok(());
    }
    answer(deps, &message, sender, &Outcome::TakesLonger).await
}
