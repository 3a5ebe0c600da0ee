//! Meta: the Graph API of one `WhatsApp` business account, and the sender of its webhooks. Built
//! from Meta's `OpenAPI` file and recorded payloads. It keeps no message anywhere but in memory
//! and, like Meta, has no idempotency: what is sent twice arrives twice.

mod bill;
pub(crate) mod delivery;
mod errors;
mod health;
mod interactive;
mod items;
mod limits;
mod media;
mod messages;
mod requests;
mod review;
mod statuses;
mod submissions;
mod templates;
mod window;

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::json;

use crate::answer::{Answer, Outcome};
use crate::asked::Asked;
use crate::clock::Clock;
use crate::faults::Faults;
use crate::simulator::{Simulator, Surroundings, Vendor};

pub use bill::{BillLine, Pricing};
pub use delivery::{Delivery, Redelivered, sign, wire_bytes};
pub use health::Health;
pub use interactive::SentButton;
pub use items::{Change, Item, Sender};
pub use media::{MediaId, Tamper};
pub use messages::{Mark, Sent, SentTemplate};
pub use requests::Typing;
pub use statuses::{Echo, Statuses};
pub use templates::{Template, TemplateStatus};
pub use window::WindowRefusal;

use bill::Bill;
use media::Shelf;
use window::Conversations;

/// Meta's Cloud API, running. See [`Meta::start`].
pub type Meta = Simulator<Graph>;

/// Where a request went, or on which way Meta itself called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MetaRoute {
    /// `GET /{version}/{media-id}`
    MediaObject,
    /// `DELETE /{version}/{media-id}`
    MediaDelete,
    /// `GET` of the URL that a media object names
    MediaBytes,
    /// `POST /{version}/{phone-number-id}/messages`, read marks included
    Messages,
    /// `GET /{version}/{waba-id}/message_templates`
    Templates,
    /// `POST /{version}/{waba-id}/message_templates`
    TemplateCreate,
    /// `POST /{version}/{template-id}`
    TemplateEdit,
    /// `GET /{version}/{phone-number-id}`
    PhoneNumber,
    /// `GET /{version}/{waba-id}`
    Account,
    /// `GET /{version}/{waba-id}/subscribed_apps`
    SubscribedApps,
    /// `GET /{version}/{app-id}/subscriptions`
    Subscriptions,
    /// `GET /{version}/debug_token`
    DebugToken,
    /// Not asked but called: the status webhooks that follow a send. `Slow`, `Twice`, or lost.
    StatusWebhook,
}

/// How Meta writes `file_size`: its recorded answers hold a number, its schema a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileSize {
    /// `303833`
    Number,
    /// `"303833"`
    Text,
}

/// The account that the simulator plays. The defaults are obviously made up.
#[derive(Clone)]
pub struct MetaOptions {
    /// Signs webhooks.
    pub app_secret: String,
    /// The bearer token that Graph accepts.
    pub access_token: String,
    /// The number that webhooks are written to unless said otherwise.
    pub phone_number_id: String,
    /// Further numbers of the same account.
    pub other_phone_number_ids: Vec<String>,
    /// What the senders see.
    pub display_phone_number: String,
    /// The `WhatsApp` business account: `entry[].id`.
    pub waba_id: String,
    /// The app.
    pub app_id: String,
    /// How sizes are written.
    pub file_size: FileSize,
    /// 404 or 401: what an expired media URL answers.
    pub expired_url_status: u16,
    /// How long Meta waits for the answer to a webhook.
    pub webhook_timeout: Duration,
    /// Between the answer to a send and its first status webhook, and between the two statuses.
    pub status_delay: Duration,
    /// How often a webhook is delivered until it is answered 200: with pauses of 2 s at last, 14
    /// tries take some 20 s. Meta itself goes on for 7 days.
    pub webhook_tries: usize,
}

impl Default for MetaOptions {
    fn default() -> Self {
        Self {
            app_secret: "simulated-app-secret".to_owned(),
            access_token: "simulated-access-token".to_owned(),
            phone_number_id: "100000000000001".to_owned(),
            other_phone_number_ids: Vec::new(),
            display_phone_number: "15550000001".to_owned(),
            waba_id: "200000000000002".to_owned(),
            app_id: "300000000000003".to_owned(),
            file_size: FileSize::Number,
            expired_url_status: 404,
            webhook_timeout: Duration::from_secs(20),
            status_delay: Duration::from_millis(10),
            webhook_tries: 14,
        }
    }
}

/// The vendor behind [`Meta`].
pub struct Graph {
    pub(crate) state: Arc<State>,
}

pub(crate) struct State {
    pub(crate) options: MetaOptions,
    pub(crate) address: SocketAddr,
    pub(crate) clock: Clock,
    pub(crate) faults: Faults<MetaRoute>,
    pub(crate) http: reqwest::Client,
    memory: Mutex<Memory>,
}

/// Everything that changes.
pub(crate) struct Memory {
    pub(crate) access_token: String,
    pub(crate) webhook_urls: VecDeque<String>,
    pub(crate) shelf: Shelf,
    pub(crate) templates: Vec<Template>,
    pub(crate) messaging_limit: String,
    pub(crate) health: Health,
    pub(crate) bill: Bill,
    pub(crate) free_service_messages: usize,
    pub(crate) conversations: Conversations,
    pub(crate) window_refusal: WindowRefusal,
    pub(crate) statuses: Statuses,
    pub(crate) statuses_once: VecDeque<Statuses>,
    pub(crate) sent: Vec<Sent>,
    pub(crate) marks: Vec<Mark>,
    pub(crate) echoes: Vec<Echo>,
}

impl State {
    pub(crate) fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    pub(crate) fn owns_number(&self, id: &str) -> bool {
        self.options.phone_number_id == id
            || self.options.other_phone_number_ids.iter().any(|it| it == id)
    }
}

impl Meta {
    /// Starts it on a free port of the loopback interface, with the templates `receipt_result`
    /// in English, Czech and German approved. Webhooks need [`Meta::webhook_url`] first.
    pub fn start(options: MetaOptions) -> io::Result<Self> {
        let http = delivery::client("facebookexternalua", options.webhook_timeout)
            .map_err(io::Error::other)?;
        Self::run(|Surroundings { address, clock, faults }| {
            let memory = Memory {
                access_token: options.access_token.clone(),
                webhook_urls: VecDeque::new(),
                shelf: Shelf::default(),
                templates: templates::shipped(),
                messaging_limit: "TIER_2K".to_owned(),
                health: Health::default(),
                bill: Bill::default(),
                free_service_messages: bill::FREE_SERVICE_MESSAGES,
                conversations: Conversations::default(),
                window_refusal: WindowRefusal::AtOnce,
                statuses: Statuses::SentThenDelivered,
                statuses_once: VecDeque::new(),
                sent: Vec::new(),
                marks: Vec::new(),
                echoes: Vec::new(),
            };
            let memory = Mutex::new(memory);
            Graph { state: Arc::new(State { options, address, clock, faults, http, memory }) }
        })
    }

    /// What stands in for `https://graph.facebook.com/v26.0`.
    pub fn base_url(&self) -> String {
        format!("http://{}/v26.0", self.address())
    }

    /// The host and port that media URLs name.
    pub fn media_host(&self) -> String {
        self.address().to_string()
    }

    /// The account it plays.
    pub fn options(&self) -> &MetaOptions {
        &self.vendor().state.options
    }

    /// Where webhooks go from now on.
    pub fn webhook_url(&self, url: impl Into<String>) {
        self.webhook_urls([url.into()]);
    }

    /// Where webhooks go from now on, in turn: as through a balancer before several receivers.
    pub fn webhook_urls(&self, urls: impl IntoIterator<Item = String>) {
        self.vendor().state.memory().webhook_urls = urls.into_iter().collect();
    }

    /// From now on only this token is accepted; the old one answers 190.
    pub fn accept_only_token(&self, token: impl Into<String>) {
        self.vendor().state.memory().access_token = token.into();
    }

    /// Every message that was accepted for sending, oldest first.
    pub fn sent(&self) -> Vec<Sent> {
        self.vendor().state.memory().sent.clone()
    }

    /// Every read mark and typing indicator, oldest first.
    pub fn marks(&self) -> Vec<Mark> {
        self.vendor().state.memory().marks.clone()
    }

    /// Every status webhook that was answered 200, in the order of the answers.
    pub fn echoes(&self) -> Vec<Echo> {
        self.vendor().state.memory().echoes.clone()
    }

    /// Which status webhooks follow a send from now on.
    pub fn statuses(&self, statuses: Statuses) {
        self.vendor().state.memory().statuses = statuses;
    }

    /// Which status webhooks follow the next send (after those already queued), and only that.
    pub fn statuses_once(&self, statuses: Statuses) {
        self.vendor().state.memory().statuses_once.push_back(statuses);
    }

    /// How a free-form message outside the 24 hours is refused from now on.
    pub fn refuse_outside_window(&self, how: WindowRefusal) {
        self.vendor().state.memory().window_refusal = how;
    }

    /// Adds a template, or replaces the one of that name and language.
    pub fn add_template(&self, template: Template) {
        let mut memory = self.vendor().state.memory();
        memory.templates.retain(|it| !it.is(&template.name, &template.language));
        memory.templates.push(template);
    }

    /// Removes a template; sending it is then refused with 132001.
    pub fn remove_template(&self, name: &str, language: &str) {
        self.vendor().state.memory().templates.retain(|it| !it.is(name, language));
    }
}

impl Vendor for Graph {
    type Route = MetaRoute;

    fn route(&self, method: &str, path: &str) -> Option<MetaRoute> {
        let parts: Vec<&str> = path.split('/').skip(1).collect();
        let versioned = parts.first().is_some_and(|it| is_version(it));
        match (method, parts.as_slice()) {
            ("GET", ["whatsapp_business", "attachments", ""]) => Some(MetaRoute::MediaBytes),
            ("POST", [_, _, "messages"]) if versioned => Some(MetaRoute::Messages),
            ("GET", [_, _, "message_templates"]) if versioned => Some(MetaRoute::Templates),
            ("POST", [_, _, "message_templates"]) if versioned => Some(MetaRoute::TemplateCreate),
            ("GET", [_, "debug_token"]) if versioned => Some(MetaRoute::DebugToken),
            ("GET", [_, _, "subscribed_apps"]) if versioned => Some(MetaRoute::SubscribedApps),
            ("GET", [_, _, "subscriptions"]) if versioned => Some(MetaRoute::Subscriptions),
            ("GET", [_, id]) if versioned && self.state.options.waba_id == *id => {
                Some(MetaRoute::Account)
            }
            ("GET", [_, id]) if versioned && self.state.owns_number(id) => {
                Some(MetaRoute::PhoneNumber)
            }
            ("POST", [_, id]) if versioned && submissions::is_template(&self.state, id) => {
                Some(MetaRoute::TemplateEdit)
            }
            ("GET", [_, _]) if versioned => Some(MetaRoute::MediaObject),
            ("DELETE", [_, _]) if versioned => Some(MetaRoute::MediaDelete),
            _ => None,
        }
    }

    fn writes(route: MetaRoute) -> bool {
        match route {
            MetaRoute::Messages
            | MetaRoute::MediaDelete
            | MetaRoute::TemplateCreate
            | MetaRoute::TemplateEdit
            | MetaRoute::StatusWebhook => true,
            MetaRoute::MediaObject
            | MetaRoute::MediaBytes
            | MetaRoute::PhoneNumber
            | MetaRoute::Account
            | MetaRoute::SubscribedApps
            | MetaRoute::Subscriptions
            | MetaRoute::DebugToken
            | MetaRoute::Templates => false,
        }
    }

    fn perform(&self, route: MetaRoute, asked: &Asked<MetaRoute>) -> Outcome {
        if route == MetaRoute::Subscriptions {
            return health::subscriptions(&self.state, asked).into();
        }
        if asked.bearer() != Some(self.state.memory().access_token.as_str()) {
            return errors::invalid_token().into();
        }
        match route {
            MetaRoute::MediaObject => media::object(&self.state, asked).into(),
            MetaRoute::MediaDelete => media::delete(&self.state, asked).into(),
            MetaRoute::MediaBytes => media::bytes(&self.state, asked).into(),
            MetaRoute::Messages => messages::post(&self.state, asked),
            MetaRoute::Templates => templates::list(&self.state, asked).into(),
            MetaRoute::TemplateCreate => submissions::create(&self.state, asked).into(),
            MetaRoute::TemplateEdit => submissions::edit(&self.state, asked).into(),
            MetaRoute::PhoneNumber => health::number(&self.state, asked).into(),
            MetaRoute::Account => health::account(&self.state, asked).into(),
            MetaRoute::SubscribedApps => health::subscribed_apps(&self.state).into(),
            MetaRoute::DebugToken => health::token(&self.state, asked).into(),
            MetaRoute::Subscriptions | MetaRoute::StatusWebhook => {
                Answer::json(404, &json!({})).into()
            }
        }
    }

    fn refuse(&self, _: &Asked<MetaRoute>, status: u16, code: Option<&str>) -> Answer {
        match code.and_then(|code| code.parse().ok()) {
            Some(code) => errors::of_code(status, code),
            None => errors::of_status(status),
        }
    }
}

fn is_version(part: &str) -> bool {
    let number = part.strip_prefix('v').and_then(|it| it.strip_suffix(".0"));
    number.is_some_and(|it| it.parse::<u8>().is_ok_and(|it| (21..=27).contains(&it)))
}

/// The part of the path after the version: a media or phone number id.
pub(crate) fn object_id(asked: &Asked<MetaRoute>) -> &str {
    asked.path.split('/').nth(2).unwrap_or_default()
}
