//! The answer, quoting the photo: free words within 24 hours of the sender's last message, the
//! approved template after that.
//!
//! Meta's send call knows no idempotency key. So each attempt is a committed row before the call,
//! its id travels with the message, and the status webhook that echoes it settles an attempt whose
//! outcome is unknown. What remains: if we die between sending and noting it, *and* no echo arrives
//! within `ECHO_WAIT_S`, the answer is sent again, and the sender sees it twice.

mod next;

use std::time::Duration;

use tracing::{info, warn};

use self::next::{Next, next};
use super::sending::{self, Turn};
use super::{Deps, StepError, templates};
use crate::clients::whatsapp::{Button, Envelope, SendError, Template};
use crate::domain::chat::Press;
use crate::domain::ids::{AttemptId, SenderId, Wamid};
use crate::domain::reply::{Form, Outcome, Part};
use crate::domain::retry::Verdict;
use crate::domain::template::Parameter;
use crate::store::messages::Message;
use crate::store::replies::Reply;
use crate::store::send_attempts::Owner;

/// An answer that is ready while the word of delay leaves comes this much later.
const AFTER_DELAY: Duration = Duration::from_secs(2);

/// One run goes from free words to the template at most; anything longer is a mistake of ours.
const ATTEMPTS_A_RUN: usize = 3;

/// How an attempt says it.
struct Said {
    form: Form,
    /// Of the template.
    parameters: Vec<Parameter>,
    /// Whether it is the answer or goes before it.
    part: Part,
}

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
        let last = deps.store.last_attempt(Owner::Reply(reply.id)).await?;
        let now = deps.clock.now();
        match next(deps, message, &reply, last.as_ref()).await? {
            Next::Nothing => return Ok(deps.store.reply_sent(reply.id, now).await?),
            Next::WaitForEcho(wait) => return Err(StepError::AwaitingEcho(wait)),
            Next::Withhold(reason) => {
                return Ok(deps.store.reply_withheld(reply.id, reason, now).await?);
            }
            Next::Send(form) => {
                let parameters = match templates::parameters(deps, &reply, sender, form).await? {
                    Ok(parameters) => parameters,
                    Err(misfit) => {
                        let reason = misfit.to_string();
                        return Ok(deps.store.reply_withheld(reply.id, &reason, now).await?);
                    }
                };
                turn(deps, message, sender, &reply).await?;
                reply.turn_at = None;
                let tried = last.map_or(1, |it| it.number + 1);
                let said = Said { form, parameters, part: outcome.part() };
                if let Err(error) = attempt(deps, message, &reply, tried, &said).await? {
                    let number = &message.phone_number_id;
                    return Err(sending::refused(deps, number, sender, tried, error).await?);
                }
            }
        }
    }
    Err(StepError::AwaitingEcho(deps.wishes.echo_wait))
}

/// Returns when `reply` may leave. A moment that is some way off is kept with the reply, and the job
/// comes back for it: no slot is held meanwhile.
async fn turn(
    deps: &Deps,
    message: &Message,
    sender: SenderId,
    reply: &Reply,
) -> Result<(), StepError> {
    match sending::turn(deps, &message.phone_number_id, sender, reply.turn_at).await? {
        Turn::Now => Ok(()),
        Turn::At(turn, wait) => {
            deps.store.keep_turn(reply.id, turn).await?;
            Err(StepError::OutOfTurn(wait))
        }
    }
}

/// One attempt: written down, made, written down. A closed window is no failure: it is noted, and
/// the next attempt takes the other form.
async fn attempt(
    deps: &Deps,
    message: &Message,
    reply: &Reply,
    number: i32,
    said: &Said,
) -> Result<Result<(), SendError>, StepError> {
    let id = AttemptId(uuid::Uuid::new_v4());
    let form = said.form;
    deps.store.intend_send(id, reply.id, number, form, deps.clock.now()).await?;
    let sent = send(deps, message, reply, id, said).await;
    sending::count(deps, said.part.as_str(), sent.as_ref().err());
    match sent {
        Ok(wamid) => {
            sending::note_accepted(deps, id, &wamid).await?;
            if said.part == Part::Answer {
                let after = deps.clock.now() - message.received_at;
                let after = after.to_std().unwrap_or_default();
                deps.timings.answered(after);
                deps.metrics.answer_s.note(after.as_secs_f64());
            }
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
    said: &Said,
) -> Result<Wamid, SendError> {
    let envelope = Envelope {
        from: &message.phone_number_id,
        to: &message.sender,
        quoting: Some(&message.wamid),
        attempt,
    };
    match said.form {
        Form::Text => send_words(deps, &envelope, reply).await,
        Form::Template => {
            let template = Template {
                name: &deps.wishes.template,
                language: reply.language.code(),
                parameters: &said.parameters,
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

/// Writes down what became of a failed attempt. One of unknown outcome stays open for its echo.
async fn settle_failure(
    deps: &Deps,
    reply: &Reply,
    id: AttemptId,
    error: &SendError,
) -> Result<(), StepError> {
    sending::note_failure(deps, id, error).await?;
    let now = deps.clock.now();
    if let SendError::TemplateUnusable(refusal) = error {
        let (name, language) = (&deps.wishes.template, reply.language.code());
        templates::refused(deps, name, language, refusal, now).await?;
    }
    if error.verdict() == Verdict::GiveUp {
        warn!(reply.id = reply.id.0, %error, "this answer cannot be sent");
        deps.store.reply_withheld(reply.id, &error.to_string(), now).await?;
    }
    Ok(())
}
