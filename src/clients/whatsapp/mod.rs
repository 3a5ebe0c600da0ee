//! Meta's Cloud API, as far as one number needs it: fetch what was sent to it, answer, mark as
//! read. Sends once and never again by itself: the send API has no idempotency key, so what
//! follows an unknown outcome is for the caller to decide, by the echo of its attempt.

mod codes;
mod error;
mod health;
mod hosts;
mod limits;
mod media;
mod media_error;
mod room;
mod templates;
mod wire;

use std::time::Duration;

pub use error::{Refusal, Rest, SendError};
pub use health::{AccountState, NumberState, Sending, Subscription, TokenState, WebhookUrls};
pub use hosts::{MediaHosts, NotMediaHosts};
pub use limits::MessagingLimit;
pub use media::{Allowance, FetchedMedia, Way};
pub use media_error::MediaError;
pub use room::{Held, Room};
pub use templates::TemplateError;

use reqwest::header::AUTHORIZATION;

use super::{BaseUrl, Bearer, Http, NotAClient, Secret};
use crate::domain::ids::{AttemptId, PhoneNumberId, Wamid};
use crate::domain::sender::Sender;
use crate::domain::template::Parameter;

const SEND_WITHIN: Duration = Duration::from_secs(20);
const MARK_WITHIN: Duration = Duration::from_secs(5);

/// The Cloud API with one token. A clone shares its connections.
#[derive(Clone, Debug)]
pub struct WhatsApp {
    http: Http,
    base: BaseUrl,
    bearer: Bearer,
    media_hosts: MediaHosts,
}

/// What every message to a person carries, whatever is in it.
#[derive(Clone, Copy, Debug)]
pub struct Envelope<'a> {
    /// The number that it leaves from.
    pub from: &'a PhoneNumberId,
    /// Whom it is for: by phone, or by user id where there is no phone.
    pub to: &'a Sender,
    /// The message that it answers.
    pub quoting: Option<&'a Wamid>,
    /// Echoed by every status of it as `biz_opaque_callback_data`.
    pub attempt: AttemptId,
}

/// An approved template and what to put into it.
#[derive(Clone, Copy)]
pub struct Template<'a> {
    /// Its name, as approved.
    pub name: &'a str,
    /// The code of the language that it was approved in.
    pub language: &'a str,
    /// What is put into its body, in order, with names where it has names. Line breaks and runs of
    /// spaces, which Meta refuses, become one space; an empty one becomes a dash.
    pub parameters: &'a [Parameter],
}

/// A button under a text.
#[derive(Clone, Copy, Debug)]
pub struct Button<'a> {
    /// Comes back when it is pressed: at most 256 characters, unique in its message.
    pub id: &'a str,
    /// What stands on it: at most 20 characters, unique in its message.
    pub title: &'a str,
}

impl WhatsApp {
    /// A client for the API at `base` (with its version, as in `https://graph.facebook.com/v26.0`);
    /// `token` goes there and to `media_hosts`, nowhere else.
    pub fn new(
        http: Http,
        base: &str,
        token: &Secret,
        media_hosts: MediaHosts,
    ) -> Result<Self, NotAClient> {
        let (base, bearer) = (BaseUrl::parse(base)?, Bearer::new(token)?);
        Ok(Self { http, base, bearer, media_hosts })
    }

    /// The token, to be exchanged when there is another.
    pub fn bearer(&self) -> &Bearer {
        &self.bearer
    }

    /// Sends free text: allowed within 24 hours of the person's last message. Called twice it
    /// sends twice.
    pub async fn send_text(&self, envelope: &Envelope<'_>, body: &str) -> Result<Wamid, SendError> {
        self.send(envelope.from, &wire::text(envelope, body)).await
    }

    /// Sends free text (at most 1024 characters) with one to three buttons under it: allowed when
    /// free text is. Called twice it sends twice.
    pub async fn send_buttons(
        &self,
        envelope: &Envelope<'_>,
        body: &str,
        buttons: &[Button<'_>],
    ) -> Result<Wamid, SendError> {
        self.send(envelope.from, &wire::buttons(envelope, body, buttons)).await
    }

    /// Sends a template: allowed at any time, and charged for. Called twice it sends twice.
    pub async fn send_template(
        &self,
        envelope: &Envelope<'_>,
        template: &Template<'_>,
    ) -> Result<Wamid, SendError> {
        self.send(envelope.from, &wire::template(envelope, template)).await
    }

    /// Shows the sender that their message was seen and that we are at it (for 25 s at most).
    /// Not a message, not charged; harmless when repeated.
    pub async fn mark_read_and_type(
        &self,
        from: &PhoneNumberId,
        message: &Wamid,
    ) -> Result<(), SendError> {
        let url = self.base.join(&[from.as_str(), "messages"]);
        let call = self.http.post(url, "/{phone-number-id}/messages", MARK_WITHIN);
        let answer = call
            .header(AUTHORIZATION, self.bearer.header())
            .json(&wire::mark_read(message))
            .send()
            .await?;
        if answer.is_success() { Ok(()) } else { Err(SendError::refused(&answer)) }
    }

    /// Whether the token may use `number`: reads its id and nothing more.
    pub async fn may_use(&self, number: &PhoneNumberId) -> Result<(), SendError> {
        let mut url = self.base.join(&[number.as_str()]);
        url.query_pairs_mut().append_pair("fields", "id");
        let call = self.http.get(url, "/{phone-number-id}", MARK_WITHIN);
        let answer = call.header(AUTHORIZATION, self.bearer.header()).send().await?;
        if answer.is_success() { Ok(()) } else { Err(SendError::refused(&answer)) }
    }

    async fn send(
        &self,
        from: &PhoneNumberId,
        message: &wire::Message<'_>,
    ) -> Result<Wamid, SendError> {
        let url = self.base.join(&[from.as_str(), "messages"]);
        let call = self.http.post(url, "/{phone-number-id}/messages", SEND_WITHIN);
        let answer = call.header(AUTHORIZATION, self.bearer.header()).json(message).send().await?;
        if !answer.is_success() {
            return Err(SendError::refused(&answer));
        }
        let sent: wire::Sent = answer.json().map_err(|it| SendError::OutcomeUnknown(it.into()))?;
        sent.wamid().ok_or_else(|| SendError::OutcomeUnknown("no message id in the answer".into()))
    }
}
