//! A reminder: what is sent without having been asked, by template. As with an answer, each attempt
//! is a committed row before the call, and one of unknown outcome waits for its echo; the same gap
//! remains (see [`super::reply`]). It goes to nobody who wants none, as they stand when it leaves.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tracing::{info, warn};

use super::sending::{self, Turn};
use super::templates::{self, Fitting};
use super::{Deps, StepError};
use crate::clients::whatsapp::{Envelope, MessagingLimit, SendError, Template};
use crate::domain::ids::{AttemptId, ReminderId};
use crate::domain::reply::Form;
use crate::domain::retry::Verdict;
use crate::domain::sender::Sender;
use crate::store::StoreError;
use crate::store::opt_outs;
use crate::store::reached::Limit;
use crate::store::reminders::Reminder;
use crate::store::send_attempts::{AttemptOutcome, Owner};
use crate::store::templates::Waiting;

/// How long what Meta told of its limit is believed: it grows within six hours.
const LIMIT_BELIEVED: TimeDelta = TimeDelta::hours(1);

/// What a new business may reach in a day: for as long as Meta has told nothing. Source: Meta,
/// "Messaging limits", 2026.
const FIRST_LIMIT: Limit = Limit::People(250);

/// Who waits for a place looks again this often at most, and this seldom at least: a place may
/// become free early, since the limit grows.
const LOOKS: (Duration, Duration) = (Duration::from_mins(1), Duration::from_hours(1));

/// Sends the reminder `id`, unless it is settled or cancelled. Called again, it goes on where it was.
pub async fn remind(deps: &Deps, id: ReminderId) -> Result<(), StepError> {
    let Some(reminder) = deps.store.scheduled_reminder(id).await? else { return Ok(()) };
    let last = deps.store.last_attempt(Owner::Reminder(id)).await?;
    let number = last.as_ref().map_or(1, |it| it.number + 1);
    if let Some(last) = last {
        match last.outcome {
            AttemptOutcome::Accepted => {
                return Ok(deps.store.reminder_sent(id, deps.clock.now()).await?);
            }
            AttemptOutcome::Unknown => {
                if let Some(wait) = sending::echo_is_due(deps, &last).await? {
                    return Err(StepError::AwaitingEcho(wait));
                }
            }
            AttemptOutcome::Refused(_) | AttemptOutcome::NotSent => {}
        }
    }
    let person = deps.store.identity(reminder.sender).await?;
    if deps.store.is_opted_out(&person).await? {
        return withhold(deps, id, "they have opted out").await;
    }
    let (name, language) = (&reminder.template, &reminder.language);
    let parameters = match templates::fit(deps, name, language, &reminder.parameters).await? {
        Fitting::Ready(parameters) => parameters,
        Fitting::Misfit(misfit) => return withhold(deps, id, &misfit.to_string()).await,
        Fitting::Waits(stands, wait) => {
            let who = Waiting::Reminder(id);
            let waits = deps.store.wait_for_template(who, name, language, &stands).await?;
            let wait = if waits { wait } else { Duration::ZERO };
            return Err(StepError::AwaitingTemplate(stands, wait));
        }
    };
    keep_to_the_limit(deps, &reminder).await?;
    match sending::turn(deps, &reminder.number, reminder.sender, reminder.turn_at).await? {
        Turn::Now => {}
        Turn::At(turn, wait) => {
            deps.store.keep_reminders_turn(id, turn).await?;
            return Err(StepError::OutOfTurn(wait));
        }
    }
    let ready = Ready { reminder: &reminder, person: &person, number };
    let template = Template { name, language, parameters: &parameters };
    attempt(deps, ready, &template).await
}

async fn withhold(deps: &Deps, id: ReminderId, reason: &str) -> Result<(), StepError> {
    info!(reminder.id = id.0, reason, "reminder {} is withheld", id.0);
    Ok(deps.store.reminder_withheld(id, reason, deps.clock.now()).await?)
}

/// Meta lets us reach so many people in a day who have not written to us. Who is beyond that waits.
async fn keep_to_the_limit(deps: &Deps, reminder: &Reminder) -> Result<(), StepError> {
    let now = deps.clock.now();
    let heard = deps.store.last_wrote(reminder.sender, &reminder.number).await?;
    if heard.is_some_and(|it| Form::at(now, it) == Form::Text) {
        return Ok(());
    }
    let limit = limit(deps, reminder, now).await?;
    let Some(free_at) = deps.store.reach(reminder.sender, limit, now).await? else { return Ok(()) };
    let reason = "as many people as Meta allows have been written to in 24 hours";
    deps.store.reminder_waits(reminder.id, reason).await?;
    let wait = (free_at - now).to_std().unwrap_or_default().clamp(LOOKS.0, LOOKS.1);
    Err(StepError::LimitReached(wait))
}

/// What Meta tells of the limit, once an hour. When it does not answer, what it told last counts.
async fn limit(deps: &Deps, reminder: &Reminder, now: DateTime<Utc>) -> Result<Limit, StepError> {
    let known = deps.store.messaging_limit(&reminder.number).await?;
    if let Some((limit, checked_at)) = known
        && now - checked_at < LIMIT_BELIEVED
    {
        return Ok(limit);
    }
    let last = known.map_or(FIRST_LIMIT, |it| it.0);
    let limit = match deps.whatsapp.messaging_limit(&reminder.number).await {
        Ok(MessagingLimit::People(people)) => Limit::People(people),
        Ok(MessagingLimit::Unlimited) => Limit::None,
        Ok(MessagingLimit::Untold) => last,
        Err(error) => {
            warn!(%error, "Meta does not tell its messaging limit; the last one counts");
            return Ok(last);
        }
    };
    deps.store.messaging_limit_is(&reminder.number, limit, now).await?;
    Ok(limit)
}

/// A reminder that is ready to leave, and the number of its attempt.
struct Ready<'a> {
    reminder: &'a Reminder,
    person: &'a Sender,
    number: i32,
}

/// One attempt: written down, made, written down.
async fn attempt(deps: &Deps, ready: Ready<'_>, template: &Template<'_>) -> Result<(), StepError> {
    let Ready { reminder, person, number } = ready;
    let (id, now) = (AttemptId(uuid::Uuid::new_v4()), deps.clock.now());
    deps.store.intend_reminder(id, reminder.id, number, now).await?;
    let envelope = Envelope { from: &reminder.number, to: person, quoting: None, attempt: id };
    let sent = deps.whatsapp.send_template(&envelope, template).await;
    sending::count(deps, "reminder", sent.as_ref().err());
    match sent {
        Ok(wamid) => {
            sending::note_accepted(deps, id, &wamid).await?;
            deps.store.reminder_sent(reminder.id, deps.clock.now()).await?;
            info!(reminder.id = reminder.id.0, "reminded, reminder {}", reminder.id.0);
            Ok(())
        }
        Err(error) => {
            settle_failure(deps, reminder, id, &error).await?;
            if error.verdict() == Verdict::GiveUp {
                // Withheld, and visible with its reason: nobody needs the job any more.
                return Ok(());
            }
            let (from, to) = (&reminder.number, reminder.sender);
            Err(sending::refused(deps, from, to, number, error).await?)
        }
    }
}

/// Writes down what became of a failed attempt. Who has opted out at WhatsApp's has opted out here.
async fn settle_failure(
    deps: &Deps,
    reminder: &Reminder,
    id: AttemptId,
    error: &SendError,
) -> Result<(), StepError> {
    let now = deps.clock.now();
    sending::note_failure(deps, id, error).await?;
    if let SendError::OptedOut(_) = error {
        let mut tx = deps.store.begin().await?;
        opt_outs::refused(&mut tx, reminder.sender, now).await?;
        tx.commit().await.map_err(StoreError::from)?;
    }
    if let SendError::TemplateUnusable(refusal) = error {
        let (name, language) = (&reminder.template, &reminder.language);
        templates::refused(deps, name, language, refusal, now).await?;
    }
    if error.verdict() == Verdict::GiveUp {
        warn!(reminder.id = reminder.id.0, %error, "this reminder cannot be sent");
        deps.store.reminder_withheld(reminder.id, &error.to_string(), now).await?;
    }
    Ok(())
}
