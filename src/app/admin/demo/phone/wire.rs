//! The last calls that the service made to Meta and Stripe, as the simulators heard and answered
//! them. Numbers of people, texts and tokens are not shown.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use simulators::{Asked, MetaRoute, StripeRoute};

use super::super::stage::Stage;

/// How many are shown.
const LAST: usize = 10;

/// The last calls, newest first. One without a status runs still, or was never answered.
pub fn last_calls(stage: &Stage) -> Value {
    let mut calls = newest(&stage.meta.asked(), "Meta", of_meta);
    calls.extend(newest(&stage.stripe.asked(), "Stripe", of_stripe));
    calls.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    calls.truncate(LAST);
    Value::Array(calls.into_iter().map(|(_, call)| call).collect())
}

fn newest<R>(
    asked: &[Arc<Asked<R>>],
    who: &str,
    what: impl Fn(&Asked<R>) -> String,
) -> Vec<(DateTime<Utc>, Value)> {
    let last = asked.iter().rev().take(LAST);
    let call =
        |it: &Asked<R>| json!({ "at": it.at, "who": who, "what": what(it), "status": it.status() });
    last.map(|it| (it.at, call(it))).collect()
}

fn of_meta(asked: &Asked<MetaRoute>) -> String {
    match asked.route {
        Some(MetaRoute::Messages) => {
            let body = asked.json().unwrap_or_default();
            match body["type"].as_str() {
                Some(kind) => format!("POST …/messages: {kind}"),
                None => "POST …/messages: read, typing".to_owned(),
            }
        }
        Some(MetaRoute::MediaObject) => "GET media object".to_owned(),
        Some(MetaRoute::MediaBytes) => "GET the photo’s bytes".to_owned(),
        Some(MetaRoute::PhoneNumber) => "GET phone number: is the token good?".to_owned(),
        Some(
            MetaRoute::MediaDelete
            | MetaRoute::Templates
            | MetaRoute::TemplateCreate
            | MetaRoute::TemplateEdit
            | MetaRoute::Account
            | MetaRoute::SubscribedApps
            | MetaRoute::Subscriptions
            | MetaRoute::DebugToken
            | MetaRoute::StatusWebhook,
        )
        | None => format!("{} {}", asked.method, asked.path),
    }
}

fn of_stripe(asked: &Asked<StripeRoute>) -> String {
    format!("{} {}", asked.method, asked.path)
}
