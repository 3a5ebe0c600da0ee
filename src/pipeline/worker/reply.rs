//! The answer, quoting the photo: free words within 24 hours of the sender's message, the approved
//! template after that.
//!
//! Meta's send call knows no idempotency key. So each attempt is a committed row before the call,
//! its id travels with the message, and the status webhook that echoes it settles an attempt whose
//! outcome is unknown. What remains: if we die between sending and noting it, *and* no echo arrives
//! within `ECHO_WAIT_S`, the answer is sent again, and the sender sees it twice.

use chrono::TimeDelta;
use tracing::{info, warn};

use super::{Deps, StepError};
use crate::clients::whatsapp::{Envelope, SendError, Template};
use crate::domain::ids::{AttemptId, SenderId, Wamid};
use crate::domain::reply::{Form, Outcome};
use crate::store::messages::Message;
use crate::store::replies::Reply;
use crate::store::send_attempts::{Attempt, AttemptOutcome};

/// Meta's code for free words after the window.
const WINDOW_CLOSED: i32 = 131_047;

/// Tells the sender of `message` what became of it, once. The first wording stands: called again,
/// with whatever outcome, it goes on with that one until it is settled.
pub async fn reply(
    deps: &Deps,
    message: &Message,
    sender: SenderId,
    outcome: &Outcome,
) -> Result<(), StepError> {
    let language = deps.wishes.language;
    let now = deps.clock.now();
    let reply = deps.store.owe_reply(message.id, sender, outcome, language, now).await?;
    let last = deps.store.last_attempt(reply.id).await?;
    let next = match last.as_ref().map(|it| next_form(deps, message, it)) {
        None => Next::Send(Form::at(now, message.sent_at)),
        Some(next) => next,
    };
    let number = last.map_or(1, |it| it.number + 1);
    match next {
        Next::Nothing => Ok(deps.store.reply_sent(reply.id, now).await?),
        Next::WaitForEcho(wait) => Err(StepError::AwaitingEcho(wait)),
        Next::Withhold(reason) => Ok(deps.store.reply_withheld(reply.id, reason, now).await?),
        Next::Send(form) => attempt(deps, message, &reply, number, form).await,
    }
}

/// What the last attempt leaves to do.
enum Next {
    Nothing,
    WaitForEcho(std::time::Duration),
    Withhold(&'static str),
    Send(Form),
}

fn next_form(deps: &Deps, message: &Message, last: &Attempt) -> Next {
    let now = deps.clock.now();
    let refused = match last.outcome {
        AttemptOutcome::Accepted => last.delivery_error_code,
        AttemptOutcome::Refused(code) => Some(code),
        AttemptOutcome::NotSent => return Next::Send(Form::at(now, message.sent_at)),
        AttemptOutcome::Unknown => {
            let until =
                last.intended_at + TimeDelta::from_std(deps.wishes.echo_wait).unwrap_or_default();
            return match (until - now).to_std() {
                Ok(wait) if !wait.is_zero() => Next::WaitForEcho(wait),
                Ok(_) | Err(_) => Next::Send(Form::at(now, message.sent_at)),
            };
        }
    };
    match (refused, last.form, last.outcome) {
        (Some(WINDOW_CLOSED), Form::Text, _) => Next::Send(Form::Template),
        (Some(WINDOW_CLOSED), Form::Template, _) => {
            Next::Withhold("the window is closed, also for the template")
        }
        // An accepted answer that failed later for another reason is not sent again here.
        (_, _, AttemptOutcome::Accepted) => Next::Nothing,
        _ => Next::Send(Form::at(now, message.sent_at)),
    }
}

/// One attempt: written down, made, written down.
async fn attempt(
    deps: &Deps,
    message: &Message,
    reply: &Reply,
    number: i32,
    form: Form,
) -> Result<(), StepError> {
    if form == Form::Template && reply.parameters.is_empty() {
        let reason = "the 24-hour window is closed, and no template says this";
        return Ok(deps.store.reply_withheld(reply.id, reason, deps.clock.now()).await?);
    }
    let id = AttemptId(uuid::Uuid::new_v4());
    deps.store.intend_send(id, reply.id, number, form, deps.clock.now()).await?;
    let sent = send(deps, message, reply, id, form).await;
    let now = deps.clock.now();
    match sent {
        Ok(wamid) => {
            deps.store.send_accepted(id, &wamid, now).await?;
            deps.store.reply_sent(reply.id, now).await?;
            info!(message.id = %message.id, reply.form = form.as_str(), "answered message {}", message.id);
            Ok(())
        }
        Err(SendError::WindowClosed(_)) if form == Form::Text => {
            deps.store.send_failed(id, AttemptOutcome::Refused(WINDOW_CLOSED), now).await?;
            // Not a loop: a template is never answered by this arm.
            Box::pin(attempt(deps, message, reply, number + 1, Form::Template)).await
        }
        Err(error) => {
            settle_failure(deps, reply, id, &error).await?;
            Err(error.into())
        }
    }
}

async fn send(
    deps: &Deps,
    message: &Message,
    reply: &Reply,
    attempt: AttemptId,
    form: Form,
) -> Result<Wamid, SendError> {
    let envelope = Envelope {
        from: &message.phone_number_id,
        to: &message.sender,
        quoting: Some(&message.wamid),
        attempt,
    };
    match form {
        Form::Text => deps.whatsapp.send_text(&envelope, &reply.body).await,
        Form::Template => {
            let template = Template {
                name: &deps.wishes.template,
                language: reply.language,
                body: &reply.parameters,
            };
            deps.whatsapp.send_template(&envelope, &template).await
        }
    }
}

/// Writes down what became of a failed attempt. One of unknown outcome stays open for its echo.
async fn settle_failure(
    deps: &Deps,
    reply: &Reply,
    id: AttemptId,
    error: &SendError,
) -> Result<(), StepError> {
    let now = deps.clock.now();
    let outcome = match error {
        SendError::OutcomeUnknown(_) => return Ok(()),
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
    deps.store.send_failed(id, outcome, now).await?;
    if error.verdict() == crate::domain::retry::Verdict::GiveUp {
        warn!(reply.id = reply.id.0, %error, "this answer cannot be sent");
        deps.store.reply_withheld(reply.id, &error.to_string(), now).await?;
    }
    Ok(())
}
