//! `POST /{version}/{phone-number-id}/messages`: accepts, refuses, remembers what was sent and
//! lets the status webhooks follow. Nothing is deduplicated: Meta has no idempotency here.

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::bill::Pricing;
use super::interactive::{self, SentButton};
use super::requests::{self, Message, Request, Typing};
use super::statuses::{self, Statuses};
use super::window::WindowRefusal;
use super::{MetaRoute, State, errors, limits, object_id, templates};
use crate::answer::{Answer, Outcome};
use crate::asked::Asked;
use crate::ids::{self, Direction};

/// A message that Meta accepted. `Debug` shows neither recipient, id nor text.
#[derive(Clone)]
pub struct Sent {
    /// The id that was answered.
    pub wamid: String,
    /// The number it left from.
    pub phone_number_id: String,
    /// `to` as it was written.
    pub to: Option<String>,
    /// `recipient`, a business-scoped user id.
    pub recipient: Option<String>,
    /// `text`, `template`, `image`, …
    pub kind: String,
    /// The text's body, or that over the buttons.
    pub text: Option<String>,
    /// The reply buttons under it.
    pub buttons: Vec<SentButton>,
    /// The template, when it is one.
    pub template: Option<SentTemplate>,
    /// The message it quotes.
    pub quoted: Option<String>,
    /// `biz_opaque_callback_data`, echoed by its statuses.
    pub callback_data: Option<String>,
    /// When it was accepted, by the simulator's clock.
    pub at: DateTime<Utc>,
    /// What it is billed as: `service`, `utility`, `marketing`.
    pub category: String,
    /// What it is charged as, once it has arrived.
    pub pricing: Pricing,
    /// Whether the recipient had not written in the 24 hours before.
    pub outside_window: bool,
}

impl Sent {
    /// Phone digits or user id of the recipient.
    pub fn user(&self) -> String {
        match &self.to {
            Some(to) => to.chars().filter(char::is_ascii_alphanumeric).collect(),
            None => self.recipient.clone().unwrap_or_default(),
        }
    }
}

impl fmt::Debug for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sent")
            .field("kind", &self.kind)
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}

/// The template of a sent message. `Debug` shows no parameter.
#[derive(Clone, PartialEq, Eq)]
pub struct SentTemplate {
    /// Its name.
    pub name: String,
    /// Its language code.
    pub language: String,
    /// The body's parameters, in order.
    pub parameters: Vec<String>,
}

impl fmt::Debug for SentTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("SentTemplate");
        shown.field("name", &self.name).field("language", &self.language).finish_non_exhaustive()
    }
}

/// A read mark. `Debug` does not show the message's id.
#[derive(Clone)]
pub struct Mark {
    /// The inbound message that was read.
    pub message_id: String,
    /// Whether it came with a typing indicator.
    pub typing: Typing,
    /// By the simulator's clock.
    pub at: DateTime<Utc>,
}

impl fmt::Debug for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Mark");
        shown.field("typing", &self.typing).field("at", &self.at).finish_non_exhaustive()
    }
}

/// Does what the body asks, or refuses it.
pub(crate) fn post(state: &Arc<State>, asked: &Asked<MetaRoute>) -> Outcome {
    let number = object_id(asked);
    if !state.owns_number(number) {
        return errors::no_such_object(number).into();
    }
    match requests::read(&asked.body) {
        Err(refusal) => refusal.into(),
        Ok(Request::Mark { message_id, typing }) => {
            let mark = Mark { message_id, typing, at: state.now() };
            state.memory().marks.push(mark);
            Answer::json(200, &json!({ "success": true })).into()
        }
        Ok(Request::Message(message)) => match accept(state, number, *message) {
            Err(refusal) => refusal.into(),
            Ok(accepted) => accepted,
        },
    }
}

fn accept(state: &Arc<State>, number: &str, message: Message) -> Result<Outcome, Answer> {
    let (user, now) = (message.user(), state.now());
    let mut memory = state.memory();
    let (template, category) = match message.kind.as_str() {
        "template" => {
            let (parameters, category) = templates::fit(&memory.templates, &message.content)?;
            (Some(sent_template(&message.content, parameters)), category.to_lowercase())
        }
        _ => (None, "service".to_owned()),
    };
    let outside_window = !memory.conversations.is_open(&user, now);
    let outside = template.is_none() && outside_window;
    if outside && memory.window_refusal == WindowRefusal::AtOnce {
        return Err(errors::of_code(400, 131_047));
    }
    if template.is_some() && outside_window && !limits::allows(&memory, &user, now) {
        return Err(errors::of_code(400, 131_064));
    }
    let pricing = Pricing::next(memory.free_service_messages, &memory.sent, number, &category, now);
    let sent = Sent {
        wamid: ids::wamid(&user, Direction::Outbound),
        phone_number_id: number.to_owned(),
        text: body_text(&message.content),
        buttons: interactive::buttons(&message.content),
        to: message.to,
        recipient: message.recipient,
        kind: message.kind,
        template,
        quoted: message.quoted,
        callback_data: message.callback_data,
        at: now,
        category,
        pricing,
        outside_window,
    };
    memory.sent.push(sent.clone());
    let once = memory.statuses_once.pop_front();
    let plan = once.unwrap_or_else(|| memory.statuses.clone());
    drop(memory);
    let answer = Answer::json(200, &accepted(&sent));
    let plan = if outside { Statuses::Failed(131_047) } else { plan };
    let (before, after) = statuses::follow(state, sent, &plan);
    Ok(Outcome { answer, before, after })
}

/// `body` of a text, `body.text` of an interactive message.
fn body_text(content: &Value) -> Option<String> {
    let body = &content["body"];
    body.as_str().or_else(|| body["text"].as_str()).map(str::to_owned)
}

fn sent_template(content: &Value, parameters: Vec<String>) -> SentTemplate {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (name, language) = (text(&content["name"]), text(&content["language"]["code"]));
    SentTemplate { name, language, parameters }
}

fn accepted(sent: &Sent) -> Value {
    let contact = match (&sent.to, &sent.recipient) {
        (Some(to), _) => json!({ "input": to, "wa_id": sent.user() }),
        (None, recipient) => json!({ "input": recipient, "user_id": recipient }),
    };
    let mut message = json!({ "id": sent.wamid });
    if sent.template.is_some() {
        message["message_status"] = json!("accepted");
    }
    json!({ "messaging_product": "whatsapp", "contacts": [contact], "messages": [message] })
}
