//! The answer, quoting the photo: free words within 24 hours of the sender's last message, the
//! approved template after that.
//!
//! Meta's send call knows no idempotency key. So each attempt is a committed row before the call,
//! its id travels with the message, and the status webhook that echoes it settles an attempt whose
//! outcome is unknown. What remains: if we die between sending and noting it, *and* no echo arrives
//! within `ECHO_WAIT_S`, the answer is sent again, and the sender sees it twice.

use std::time::Duration;

use chrono::TimeDelta;
use tokio::time::{Instant, sleep};
use tracing::{info, warn};

use super::{Deps, StepError};
use crate::clients::whatsapp::{Button, Envelope, SendError, Template};
use crate::domain::chat::Press;
use crate::domain::ids::{AttemptId, SenderId, Wamid};
use crate::domain::reply::{Form, Outcome, WINDOW_CLOSED};
use crate::domain::retry::Verdict;
use crate::store::StoreError;
use crate::store::messages::Message;
use crate::store::replies::Reply;
use crate::store::send_attempts::{Attempt, AttemptOutcome};

/// An attempt of which nothing was noted may have been under way for so long: the send call's own
/// limit.
const SENDING_TAKES: TimeDelta = TimeDelta::seconds(20);

/// One run goes from free words to the template at most; anything longer is a mistake of ours.
const ATTEMPTS_A_RUN: usize = 3;

/// How long we try to note that Meta took an answer: a forgotten one might be sent again.
const NOTE_WITHIN: Duration = Duration::from_secs(30);

/// Tells the sender of `message` what became of it, once. The first wording stands: called again,
/// with whatever outcome, it goes on with that one until it is settled.
pub async fn reply(
    deps: &Deps,
    message: &Message,
    sender: SenderId,
    outcome: &Outcome,
) -> Result<(), StepError> {
    let (language, now) = (deps.wishes.language, deps.clock.now());
    let reply = deps.store.owe_reply(message.id, sender, outcome, language, now).await?;
    for _ in 0..ATTEMPTS_A_RUN {
        let last = deps.store.last_attempt(reply.id).await?;
        let now = deps.clock.now();
        match next(deps, message, &reply, last.as_ref()).await? {
            Next::Nothing => return Ok(deps.store.reply_sent(reply.id, now).await?),
            Next::WaitForEcho(wait) => return Err(StepError::AwaitingEcho(wait)),
            Next::Withhold(reason) => {
                return Ok(deps.store.reply_withheld(reply.id, reason, now).await?);
            }
            Next::Send(form) => {
                let number = last.map_or(1, |it| it.number + 1);
                attempt(deps, message, &reply, number, form).await?;
            }
        }
    }
    Err(StepError::AwaitingEcho(deps.wishes.echo_wait))
}

/// What the last attempt leaves to do.
enum Next {
    Nothing,
    WaitForEcho(Duration),
    Withhold(&'static str),
    Send(Form),
}

async fn next(
    deps: &Deps,
    message: &Message,
    reply: &Reply,
    last: Option<&Attempt>,
) -> Result<Next, StepError> {
    let refused = match last.map(|it| it.outcome) {
        None | Some(AttemptOutcome::NotSent) => None,
        Some(AttemptOutcome::Refused(code)) => Some(code),
        Some(AttemptOutcome::Accepted) => match last.and_then(|it| it.delivery_error_code) {
            Some(WINDOW_CLOSED) => Some(WINDOW_CLOSED),
            // An answer that failed later for another reason is not sent again here.
            Some(_) | None => return Ok(Next::Nothing),
        },
        Some(AttemptOutcome::Unknown) => match last.and_then(|it| echo_is_due(deps, it)) {
            Some(wait) => return Ok(Next::WaitForEcho(wait)),
            None => None,
        },
    };
    let form = match (refused, last.map(|it| it.form)) {
        (Some(WINDOW_CLOSED), Some(Form::Template)) => {
            return Ok(Next::Withhold("the window is closed, also for the template"));
        }
        (Some(WINDOW_CLOSED), Some(Form::Text) | None) => Form::Template,
        _ => {
            let heard = deps.store.last_heard(message).await?;
            Form::at(deps.clock.now(), heard)
        }
    };
    if form == Form::Template && reply.parameters.is_empty() {
        return Ok(Next::Withhold("the 24-hour window is closed, and no template says this"));
    }
    Ok(Next::Send(form))
}

/// How long the echo of an attempt of unknown outcome still has to come. It comes by way of
/// Postgres: the wait begins anew when Postgres was away.
fn echo_is_due(deps: &Deps, last: &Attempt) -> Option<Duration> {
    let unknown_since = last.lost_at.unwrap_or(last.intended_at + SENDING_TAKES);
    let heard_since = unknown_since.max(deps.unbroken.since());
    let until = heard_since + TimeDelta::from_std(deps.wishes.echo_wait).unwrap_or_default();
    (until - deps.clock.now()).to_std().ok().filter(|it| !it.is_zero())
}

/// One attempt: written down, made, written down. A closed window is no failure: it is noted, and
/// the next attempt takes the other form.
async fn attempt(
    deps: &Deps,
    message: &Message,
    reply: &Reply,
    number: i32,
    form: Form,
) -> Result<(), StepError> {
    let id = AttemptId(uuid::Uuid::new_v4());
    deps.store.intend_send(id, reply.id, number, form, deps.clock.now()).await?;
    match send(deps, message, reply, id, form).await {
        Ok(wamid) => {
            note_accepted(deps, id, &wamid).await?;
            info!(
                message.id = %message.id,
                reply.form = form.as_str(),
                "answered message {}",
                message.id
            );
            Ok(())
        }
        Err(error) => {
            settle_failure(deps, reply, id, &error).await?;
            match error {
                SendError::WindowClosed(_) => Ok(()),
                SendError::PairLimit(_) => {
                    let wait = SendError::pair_wait(u32::try_from(number).unwrap_or(1));
                    Err(StepError::PairLimit(wait))
                }
                error => Err(error.into()),
            }
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
        Form::Text => send_words(deps, &envelope, reply).await,
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

/// Free words, with the buttons of what they ask.
async fn send_words(
    deps: &Deps,
    envelope: &Envelope<'_>,
    reply: &Reply,
) -> Result<Wamid, SendError> {
    let Some((entry, question)) = reply.asks else {
        return deps.whatsapp.send_text(envelope, &reply.body).await;
    };
    let buttons = question
        .choices()
        .map(|choice| (Press { entry, choice }.to_string(), choice.title(reply.language)));
    let buttons = buttons.each_ref().map(|(id, title)| Button { id, title });
    deps.whatsapp.send_buttons(envelope, &reply.body, &buttons).await
}

/// Notes that Meta took the answer, and insists: Postgres may be away for a moment.
async fn note_accepted(deps: &Deps, id: AttemptId, wamid: &Wamid) -> Result<(), StoreError> {
    let deadline = Instant::now() + NOTE_WITHIN;
    loop {
        match deps.store.send_accepted(id, wamid, deps.clock.now()).await {
            Err(error) if Instant::now() < deadline => {
                deps.unbroken.broken(deps.clock.now());
                warn!(%error, "an answer was sent and could not be noted yet");
                sleep(Duration::from_millis(500)).await;
            }
            noted => return noted,
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
        SendError::OutcomeUnknown(_) => return Ok(deps.store.send_lost(id, now).await?),
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
    if error.verdict() == Verdict::GiveUp {
        warn!(reply.id = reply.id.0, %error, "this answer cannot be sent");
        deps.store.reply_withheld(reply.id, &error.to_string(), now).await?;
    }
    Ok(())
}
