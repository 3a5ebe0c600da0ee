//! Whether a template may be sent with these parameters, by what Meta has told of it. Where Meta has
//! told nothing, or nothing new for an hour, it is sent, and Meta's answer is believed: a worker does
//! not list templates by itself.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::{Deps, StepError};
use crate::clients::whatsapp::Refusal;
use crate::domain::ids::SenderId;
use crate::domain::reply::Form;
use crate::domain::template::{Misfit, OtherParameters, Parameter, fill, is_sendable};
use crate::store::StoreError;
use crate::store::reached::Limit;
use crate::store::replies::Reply;
use crate::store::templates::{Known, Waiting};

/// How long we believe that a template may not be sent. After that Meta is asked by sending it, for
/// a webhook may not have been subscribed.
const BELIEVED: TimeDelta = TimeDelta::hours(1);

/// Names of an answer's parameters, for a template that has names. In the order of
/// [`crate::domain::reply::Outcome::parameters`].
const OF_AN_ANSWER: [&str; 4] = ["category", "amount", "merchant", "date"];

/// What is to be done with a message that is to go by template.
#[derive(Debug, PartialEq, Eq)]
pub enum Fitting {
    /// It is to be sent with these.
    Ready(Vec<Parameter>),
    /// The template may not be sent now: how it stands, and how long that is believed.
    Waits(String, Duration),
    /// It would be refused.
    Misfit(Misfit),
}

/// Holds `given` against what is known of the template `name` in `language`.
pub async fn fit(
    deps: &Deps,
    name: &str,
    language: &str,
    given: &[Parameter],
) -> Result<Fitting, StoreError> {
    let Some(known) = deps.store.known_template(name, language).await? else {
        return Ok(Fitting::Ready(in_order(given)));
    };
    if let Some(wait) = believed_for(&known, deps.clock.now()) {
        let stands = format!("the template {name} ({language}) is {}", known.status);
        return Ok(Fitting::Waits(stands, wait));
    }
    if known.others == OtherParameters::Wanted {
        return Ok(Fitting::Misfit(Misfit::OthersWanted));
    }
    let Some(words) = known.words else {
        return Ok(Fitting::Ready(in_order(given)));
    };
    Ok(fill(&words, given).map_or_else(Fitting::Misfit, Fitting::Ready))
}

/// Without names: so most templates are, where nothing is known.
fn in_order(given: &[Parameter]) -> Vec<Parameter> {
    given.iter().map(|it| Parameter { name: None, value: it.value.clone() }).collect()
}

/// How much longer it is believed that this template may not be sent.
fn believed_for(known: &Known, now: DateTime<Utc>) -> Option<Duration> {
    if is_sendable(&known.status) || known.status == "UNKNOWN" {
        return None;
    }
    (known.checked_at + BELIEVED - now).to_std().ok().filter(|it| !it.is_zero())
}

/// The parameters with which `reply` goes in this `form`, or why it never can: none for free words. An
/// error while its template may not be sent: then the answer waits for it, visibly.
pub async fn parameters(
    deps: &Deps,
    reply: &Reply,
    sender: SenderId,
    form: Form,
) -> Result<Result<Vec<Parameter>, Misfit>, StepError> {
    if form == Form::Text {
        return Ok(Ok(Vec::new()));
    }
    let (name, language) = (&deps.wishes.template, reply.language.code());
    let named = |(name, value): (&&str, &String)| Parameter {
        name: Some((*name).to_owned()),
        value: value.clone(),
    };
    let given: Vec<Parameter> = OF_AN_ANSWER.iter().zip(&reply.parameters).map(named).collect();
    match fit(deps, name, language, &given).await? {
        Fitting::Ready(parameters) => {
            // An answer takes a place among the people whom Meta lets us reach; it waits for none.
            deps.store.reach(sender, Limit::None, deps.clock.now()).await?;
            Ok(Ok(parameters))
        }
        Fitting::Misfit(misfit) => Ok(Err(misfit)),
        Fitting::Waits(stands, wait) => {
            let who = Waiting::Reply(reply.id);
            let waits = deps.store.wait_for_template(who, name, language, &stands).await?;
            Err(StepError::AwaitingTemplate(stands, if waits { wait } else { Duration::ZERO }))
        }
    }
}

/// Meta refused to send the template: what is sent by it waits from now on.
pub async fn refused(
    deps: &Deps,
    name: &str,
    language: &str,
    refusal: &Refusal,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let status = match refusal.code {
        Some(132_001) => "MISSING",
        Some(132_007) => "REJECTED",
        Some(132_015) => "PAUSED",
        Some(132_016) => "DISABLED",
        Some(_) | None => return Ok(()),
    };
    deps.store.template_refused(name, language, status, now).await
}
