//! What the last attempt to send an answer leaves to do. Sends nothing.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tracing::warn;

use super::{Deps, StepError, sending};
use crate::clients::whatsapp::{Rest, SendError};
use crate::domain::reply::{Form, WINDOW_CLOSED};
use crate::domain::retry::{Verdict, halted_for};
use crate::store::messages::Message;
use crate::store::replies::Reply;
use crate::store::send_attempts::{Attempt, AttemptOutcome};

/// An answer that was taken and did not arrive is sent again until it has been tried so often.
const TRIED_AGAIN: i32 = 8;

/// What is to be done next.
pub(super) enum Next {
    /// It is sent, or it is of no use to send it again.
    Nothing,
    /// It may have been sent.
    WaitForEcho(Duration),
    /// It cannot be sent, and why.
    Withhold(&'static str),
    /// It is to be sent.
    Send(Form),
}

/// What is to be done with `reply` after its `last` attempt.
pub(super) async fn next(
    deps: &Deps,
    message: &Message,
    reply: &Reply,
    last: Option<&Attempt>,
) -> Result<Next, StepError> {
    let window_closed = match last.map(|it| (it, it.outcome)) {
        None | Some((_, AttemptOutcome::NotSent)) => false,
        Some((_, AttemptOutcome::Refused(code))) => code == WINDOW_CLOSED,
        Some((last, AttemptOutcome::Accepted)) => match last.failure {
            Some((WINDOW_CLOSED, _)) => true,
            Some((code, at)) if is_sent_again(deps, message, last.number, code, at)? => false,
            None | Some(_) => return Ok(Next::Nothing),
        },
        Some((last, AttemptOutcome::Unknown)) => match sending::echo_is_due(deps, last).await? {
            Some(wait) => return Ok(Next::WaitForEcho(wait)),
            None => false,
        },
    };
    let form = match last.map(|it| it.form) {
        Some(Form::Template) if window_closed => {
            return Ok(Next::Withhold("the window is closed, also for the template"));
        }
        Some(Form::Text | Form::Template) if window_closed => Form::Template,
        Some(Form::Text | Form::Template) | None => {
            let heard = deps.store.last_heard(message).await?;
            Form::at(deps.clock.now(), heard)
        }
    };
    if form == Form::Template && reply.parameters.is_empty() {
        return Ok(Next::Withhold("the 24-hour window is closed, and no template says this"));
    }
    Ok(Next::Send(form))
}

/// Whether an answer that Meta had taken, and that failed `at` this time with this `code`, is sent
/// again now. An error while that has to wait.
fn is_sent_again(
    deps: &Deps,
    message: &Message,
    number: i32,
    code: i32,
    at: DateTime<Utc>,
) -> Result<bool, StepError> {
    let failure = SendError::of_failed_status(code);
    let tried = u32::try_from(number).unwrap_or(1);
    let waits = match failure.verdict() {
        Verdict::GiveUp => None,
        Verdict::Halt | Verdict::PauseNumber => Some(halted_for(Duration::ZERO)),
        Verdict::Retry | Verdict::NotBefore(_) => {
            let rest = failure.rest(tried).map(Rest::length);
            Some(rest.unwrap_or(Duration::from_secs(2u64.pow(tried.min(8)))))
        }
    };
    let Some(waits) = waits.filter(|_| number < TRIED_AGAIN) else {
        warn!(message.id = %message.id, %failure, "an answer did not arrive; it is not sent again");
        return Ok(false);
    };
    let due = at + TimeDelta::from_std(waits).unwrap_or_default();
    match (due - deps.clock.now()).to_std() {
        Ok(wait) if !wait.is_zero() => Err(StepError::SendingAgain(failure, wait)),
        Ok(_) | Err(_) => Ok(true),
    }
}
