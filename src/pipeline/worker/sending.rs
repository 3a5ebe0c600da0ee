//! What all sends have in common, answers and reminders: a turn, the wait for an echo, and what
//! became of the call, written down. Sends nothing itself.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::{Instant, sleep};
use tracing::warn;

use super::{Deps, StepError};
use crate::clients::whatsapp::{Rest, SendError};
use crate::domain::ids::{AttemptId, PhoneNumberId, SenderId, Wamid};
use crate::store::StoreError;
use crate::store::send_attempts::{Attempt, AttemptOutcome};
use crate::telemetry::worker::sent;

/// A turn that is no further off is waited for with the job's slot.
const HELD_SLOT: Duration = Duration::from_secs(1);

/// How long we try to note that Meta took a message: a forgotten one might be sent again.
const NOTE_WITHIN: Duration = Duration::from_secs(30);

/// An attempt of which nothing was noted may have been under way for so long: the send call's own
/// limit.
const SENDING_TAKES: TimeDelta = TimeDelta::seconds(20);

/// How soon it is asked again whether every spool is empty.
const LOOK_AT_SPOOLS_AGAIN: Duration = Duration::from_secs(1);

/// Whether the moment to send has come.
pub enum Turn {
    /// Now.
    Now,
    /// Then: it is reserved, and to be kept and come back to.
    At(DateTime<Utc>, Duration),
}

/// Returns when a message from `number` to `person` may leave, where that is soon. `kept` is the turn
/// that was reserved for it before: nobody asks for a turn twice.
pub async fn turn(
    deps: &Deps,
    number: &PhoneNumberId,
    person: SenderId,
    kept: Option<DateTime<Utc>>,
) -> Result<Turn, StepError> {
    let wait = match kept {
        Some(turn) => (turn - deps.clock.now()).to_std().unwrap_or_default(),
        None => deps.sends.reserve(&deps.store, number, person).await?,
    };
    if wait <= HELD_SLOT {
        sleep(wait).await;
        return Ok(Turn::Now);
    }
    let at = deps.clock.now() + TimeDelta::from_std(wait).unwrap_or_default();
    Ok(Turn::At(kept.unwrap_or(at), wait))
}

/// How long the echo of an attempt of unknown outcome still has to come. It comes by way of
/// Postgres: the wait begins anew when Postgres was away, and does not end while it may lie in the
/// spool of an ingress.
pub async fn echo_is_due(deps: &Deps, last: &Attempt) -> Result<Option<Duration>, StepError> {
    let unknown_since = last.lost_at.unwrap_or(last.intended_at + SENDING_TAKES);
    let heard_since = unknown_since.max(deps.unbroken.since());
    let until = heard_since + TimeDelta::from_std(deps.wishes.echo_wait).unwrap_or_default();
    let waited = deps.clock.now() - until;
    let Ok(waited) = waited.to_std() else { return Ok((-waited).to_std().ok()) };
    let all_told = deps.store.spools_empty_since(waited).await?;
    Ok((!all_told).then_some(LOOK_AT_SPOOLS_AGAIN))
}

/// Counts an attempt to send `what`, by what came of it.
pub fn count(deps: &Deps, what: &'static str, failed: Option<&SendError>) {
    let outcome = match failed {
        None => sent::ACCEPTED,
        Some(SendError::OutcomeUnknown(_)) => sent::UNKNOWN,
        Some(SendError::NotSent(_)) => sent::NOT_SENT,
        Some(
            SendError::WindowClosed(_)
            | SendError::SlowDown { .. }
            | SendError::PairLimit(_)
            | SendError::Held(_)
            | SendError::TokenDead(_)
            | SendError::Blocked(_)
            | SendError::RecipientCannot(_)
            | SendError::OptedOut(_)
            | SendError::TemplateUnusable(_)
            | SendError::TemplateMisfit(_)
            | SendError::Malformed(_),
        ) => sent::REFUSED,
    };
    deps.metrics.sends.one(what, outcome);
}

/// Notes that Meta took the message, and insists: Postgres may be away for a moment.
pub async fn note_accepted(deps: &Deps, id: AttemptId, wamid: &Wamid) -> Result<(), StoreError> {
    let deadline = Instant::now() + NOTE_WITHIN;
    loop {
        match deps.store.send_accepted(id, wamid, deps.clock.now()).await {
            // The attempt was erased with whom it went to.
            Err(error @ StoreError::Overtaken { .. }) => return Err(error),
            Err(error) if Instant::now() < deadline => {
                deps.unbroken.broken(deps.clock.now());
                warn!(%error, "a message was sent and could not be noted yet");
                sleep(Duration::from_millis(500)).await;
            }
            noted => return noted,
        }
    }
}

/// Writes down what became of a failed attempt. One of unknown outcome stays open for its echo.
pub async fn note_failure(deps: &Deps, id: AttemptId, error: &SendError) -> Result<(), StoreError> {
    let now = deps.clock.now();
    let outcome = match error {
        SendError::OutcomeUnknown(_) => return deps.store.send_lost(id, now).await,
        SendError::NotSent(_) => AttemptOutcome::NotSent,
        SendError::WindowClosed(refusal)
        | SendError::SlowDown { refusal, .. }
        | SendError::PairLimit(refusal)
        | SendError::Held(refusal)
        | SendError::TokenDead(refusal)
        | SendError::Blocked(refusal)
        | SendError::RecipientCannot(refusal)
        | SendError::OptedOut(refusal)
        | SendError::TemplateUnusable(refusal)
        | SendError::TemplateMisfit(refusal)
        | SendError::Malformed(refusal) => {
            AttemptOutcome::Refused(refusal.code.unwrap_or_default())
        }
    };
    deps.store.send_failed(id, outcome, now).await
}

/// What the refusal of attempt `tried` means for the job. Where Meta wants less, everybody rests: what
/// others are about to send from this number, or to this person, would be refused as well.
pub async fn refused(
    deps: &Deps,
    number: &PhoneNumberId,
    person: SenderId,
    tried: i32,
    error: SendError,
) -> Result<StepError, StepError> {
    let Some(rest) = error.rest(u32::try_from(tried).unwrap_or(1)) else {
        return Ok(error.into());
    };
    match rest {
        Rest::Number(rest) => deps.sends.rest(&deps.store, number, rest).await?,
        Rest::Pair(rest) => deps.store.rest_pair(number, person, rest).await?,
    }
    Ok(StepError::Resting { rest: rest.length(), cause: error })
}
