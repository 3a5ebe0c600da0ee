//! What senders write and press: help, corrections, and the answer to "is it the same receipt?".
//! A press or a correction counts only for an entry of its own sender, and once.

use std::time::Duration;

use chrono::TimeDelta;

use super::{Deps, StepError, answer};
use crate::domain::chat::{Choice, Correction, Press, Quoting, Wish};
use crate::domain::ids::{EntryId, SenderId};
use crate::domain::reply::Outcome;
use crate::store::entries::Recorded;
use crate::store::entry_revisions::{Change, Corrected};
use crate::store::messages::Message;
use crate::store::replies::Each;

/// How long what is said of a photo waits for the photo to be worked on: longer than a reading
/// takes. After that it is a text like any other.
const WAIT_FOR_PHOTO: TimeDelta = TimeDelta::minutes(2);

/// How often the photo is looked at meanwhile.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// Words get a short help, at most once a sender and day: two bots must not talk for ever.
pub async fn help(deps: &Deps, message: &Message, sender: SenderId) -> Result<(), StepError> {
    seldom(deps, message, sender, &Outcome::Help, Each::Sender).await
}

/// A text that replies to a photo or to an answer of ours corrects the entry, if it can be read as
/// a correction; else it is told what would be one, as seldom as help. What is said of a photo that is still being worked on waits for it. Any
/// other text gets help.
pub async fn quoted(
    deps: &Deps,
    message: &Message,
    sender: SenderId,
    quoting: &Quoting,
) -> Result<(), StepError> {
    // Asked before the entry is looked for: it may be there a moment later.
    let waited = deps.clock.now() - message.received_at;
    if waited < WAIT_FOR_PHOTO && deps.store.is_under_way(&quoting.wamid).await? {
        return Err(StepError::PhotoUnderWay(LOOK_AGAIN));
    }
    let Some(entry) = deps.store.quoted_entry(sender, &quoting.wamid).await? else {
        return help(deps, message, sender).await;
    };
    let Some(correction) = Correction::read(&quoting.words, entry.currency) else {
        let help = Outcome::CorrectionHelp(entry.id);
        return seldom(deps, message, sender, &help, Each::Sender).await;
    };
    let change = change(deps, message, sender, entry.id);
    let corrected = deps.store.correct_entry(&change, correction).await?;
    answer(deps, message, sender, &outcome(corrected, correction)).await
}

/// STOP and START are confirmed in one line, once. START from somebody who had not stopped is a text
/// like any other; STOP from somebody who had stopped is not answered again.
pub async fn wished(
    deps: &Deps,
    message: &Message,
    sender: SenderId,
    wish: Wish,
) -> Result<(), StepError> {
    let known = deps.store.identity(sender).await?;
    let person = message.sender.completed_by(&known);
    let changed = deps.store.wish_written(&person, wish, message.id, message.sent_at).await?;
    match (wish, changed) {
        (_, true) => answer(deps, message, sender, &Outcome::Wished(wish)).await,
        (Wish::Start, false) => help(deps, message, sender).await,
        (Wish::Stop, false) => Ok(()),
    }
}

/// A button was pressed. "Right" and "the same" cost no message.
pub async fn pressed(
    deps: &Deps,
    message: &Message,
    sender: SenderId,
    press: Press,
) -> Result<(), StepError> {
    let change = change(deps, message, sender, press.entry);
    match press.choice {
        Choice::Right | Choice::Same => Ok(deps.store.confirm_entry(&change).await?),
        Choice::Wrong => {
            let Some(entry) = deps.store.own_entry(sender, press.entry).await? else {
                return Ok(());
            };
            let how = Outcome::HowToCorrect(entry.id);
            seldom(deps, message, sender, &how, Each::Entry).await
        }
        Choice::New => match deps.store.entry_is_new(&change).await? {
            Some(entry) if entry.summary.total.is_some() => {
                answer(deps, message, sender, &Outcome::BookedAsNew(entry)).await
            }
            Some(entry) => answer(deps, message, sender, &Outcome::Entry(entry)).await,
            None => Ok(()),
        },
    }
}

fn change(deps: &Deps, message: &Message, sender: SenderId, entry: EntryId) -> Change {
    Change { message: message.id, sender, entry, now: deps.clock.now() }
}

/// What is said of a correction: the entry as it stands, which a later message may have changed
/// again already. One that became whole, and now looks like another, is asked about.
fn outcome(corrected: Corrected, correction: Correction) -> Outcome {
    let Corrected { recorded: Recorded { entry, repeats }, before } = corrected;
    let summary = &entry.summary;
    let correction = match correction {
        Correction::Total(total) => Correction::Total(summary.total.unwrap_or(total)),
        Correction::Category(category) => {
            Correction::Category(summary.category.unwrap_or(category))
        }
    };
    match repeats.filter(|_| before != entry.state) {
        Some(of) => Outcome::Duplicate { entry: entry.id, of },
        None => Outcome::Corrected { entry, correction, before },
    }
}

/// Says `outcome` unless it was said in the last 24 hours, to this sender or of this entry.
pub(super) async fn seldom(
    deps: &Deps,
    message: &Message,
    sender: SenderId,
    outcome: &Outcome,
    each: Each,
) -> Result<(), StepError> {
    let (language, now) = (deps.wishes.language, deps.clock.now());
    if deps.store.owe_seldom(message.id, sender, outcome, each, language, now).await? {
        answer(deps, message, sender, outcome).await?;
    }
    Ok(())
}
