//! The answer, quoting the photo: free words within 24 hours of the sender's last message, the
//! approved template after that.
//!
//! Meta's send call knows no idempotency key. So each attempt is a committed row before the call,
//! its id travels with the message, and the status webhook that echoes it settles an attempt whose
//! outcome is unknown. What remains: if we die between sending and noting it, *and* no echo arrives
//! within `ECHO_WAIT_S`, the answer is sent again, and the sender sees it twice.

mod next;

use std::time::Duration;

use chrono::TimeDelta;
use tokio::time::{Instant, sleep};
use tracing::{info, warn};

use self::next::{Next, next};
use super::{Deps, StepError};
use crate::clients::whatsapp::{Button, Envelope, Rest, SendError, Template};
use crate::domain::chat::Press;
use crate::domain::ids::{AttemptId, SenderId, Wamid};
use crate::domain::reply::{Form, Outcome, Part};
use crate::domain::retry::Verdict;
use crate::store::StoreError;
use crate::store::messages::Message;
use crate::store::replies::Reply;
use crate::store::send_attempts::AttemptOutcome;

/// An answer that is ready while the word of delay leaves comes this much later.
const AFTER_DELAY: Duration = Duration::from_secs(2);

/// A turn that is no further off is waited for with the job's slot.
const HELD_SLOT: Duration = Duration::from_secs(1);

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
    if outcome.part() != Part::Delay && deps.store.forestall_delay(message.id, now).await? {
        return Err(StepError::DelayIsLeaving(AFTER_DELAY));
    }
    let mut reply = deps.store.owe_reply(message.id, sender, outcome, language, now).await?;
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
                turn(deps, message, sender, &reply).await?;
                reply.turn_at = None;
                let number = last.map_or(1, |it| it.number + 1);
                if let Err(error) = attempt(deps, message, &reply, number, form).await? {
                    return Err(refused(deps, message, sender, number, error).await?);
                }
            }
        }
    }
    Err(StepError::AwaitingEcho(deps.wishes.echo_wait))
}

/// Returns when `reply` may leave. A moment that is some way off is kept with the reply, and the job
/// comes back for it: no slot is held meanwhile, and nobody asks for a turn twice.
async fn turn(
    deps: &Deps,
    message: &Message,
    sender: SenderId,
    reply: &Reply,
) -> Result<(), StepError> {
    let wait = match reply.turn_at {
        Some(turn) => (turn - deps.clock.now()).to_std().unwrap_or_default(),
        None => deps.sends.reserve(&deps.store, &message.phone_number_id, sender).await?,
    };
    if wait <= HELD_SLOT {
        sleep(wait).await;
        return Ok(());
    }
    if reply.turn_at.is_none() {
        let turn = deps.clock.now() + TimeDelta::from_std(wait).unwrap_or_default();
        deps.store.keep_turn(reply.id, turn).await?;
    }
    Err(StepError::OutOfTurn(wait))
}

/// What a refusal means for the job. Where Meta wants less, everybody rests: what others are about
/// to send from this number, or to this sender, would be refused as well.
async fn refused(
    deps: &Deps,
    message: &Message,
    sender: SenderId,
    number: i32,
    error: SendError,
) -> Result<StepError, StepError> {
    let Some(rest) = error.rest(u32::try_from(number).unwrap_or(1)) else {
        return Ok(error.into());
    };
    let from = &message.phone_number_id;
    match rest {
        Rest::Number(rest) => deps.sends.rest(&deps.store, from, rest).await?,
        Rest::Pair(rest) => deps.store.rest_pair(from, sender, rest).await?,
    }
    Ok(StepError::Resting { rest: rest.length(), cause: error })
}

/// One attempt: written down, made, written down. A closed window is no failure: it is noted, and
/// the next attempt takes the other form.
async fn attempt(
    deps: &Deps,
    message: &Message,
    reply: &Reply,
    number: i32,
    form: Form,
) -> Result<Result<(), SendError>, StepError> {
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
            Ok(Ok(()))
        }
        Err(error) => {
            settle_failure(deps, reply, id, &error).await?;
            match error {
                SendError::WindowClosed(_) => Ok(Ok(())),
                error => Ok(Err(error)),
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
