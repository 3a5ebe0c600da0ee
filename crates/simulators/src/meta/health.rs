//! What Graph tells of the token, the account, its numbers and the app, when somebody asks whether all
//! is well: each as a test wishes it to be. Telling is all: nothing here keeps a send from working.

use serde_json::{Map, Value, json};

use super::{Meta, MetaRoute, State, errors, object_id};
use crate::answer::Answer;
use crate::asked::Asked;

/// How everything stands. The defaults are those of an account that is well.
#[derive(Clone, Debug)]
pub struct Health {
    /// When the token dies, in seconds since 1970; 0 is never.
    pub token_expires_at: i64,
    /// What the token may do.
    pub scopes: Vec<String>,
    /// `verified`, `not_verified`, `pending` …: the business.
    pub business_verification: String,
    /// `APPROVED`, `PENDING`, `REJECTED`: the account.
    pub account_review: String,
    /// `APPROVED`, `DECLINED`, `PENDING_REVIEW` …: the display name.
    pub name_status: String,
    /// `CONNECTED`, `PENDING`, `OFFLINE`, `BANNED` …: the number.
    pub number_status: String,
    /// `GREEN`, `YELLOW`, `RED`, `UNKNOWN`.
    pub quality: String,
    /// `LIVE` or `SANDBOX`.
    pub account_mode: String,
    /// `AVAILABLE`, `LIMITED`, `BLOCKED`, with what is said to do.
    pub can_send: String,
    /// Whether the app is subscribed to the account.
    pub subscribed: bool,
    /// Where webhooks of this account go instead of the app's URL.
    pub account_override: Option<String>,
    /// Where webhooks of this number go instead.
    pub number_override: Option<String>,
    /// The app's URL; the one of [`Meta::webhook_url`] if absent.
    pub callback_url: Option<String>,
    /// The fields that the app is subscribed to.
    pub fields: Vec<String>,
    /// Seconds that Graph's clock, in its `Date` header, is ahead of the true time.
    pub clock_ahead_s: i64,
}

impl Default for Health {
    fn default() -> Self {
        let texts = |all: &[&str]| all.iter().map(|it| (*it).to_owned()).collect();
        Self {
            token_expires_at: 0,
            scopes: texts(&["whatsapp_business_management", "whatsapp_business_messaging"]),
            business_verification: "verified".to_owned(),
            account_review: "APPROVED".to_owned(),
            name_status: "APPROVED".to_owned(),
            number_status: "CONNECTED".to_owned(),
            quality: "GREEN".to_owned(),
            account_mode: "LIVE".to_owned(),
            can_send: "AVAILABLE".to_owned(),
            subscribed: true,
            account_override: None,
            number_override: None,
            callback_url: None,
            fields: texts(&[
                "messages",
                "message_template_status_update",
                "template_category_update",
                "message_template_quality_update",
                "user_preferences",
            ]),
            clock_ahead_s: 0,
        }
    }
}

impl Meta {
    /// Changes how things stand from now on.
    pub fn health(&self, change: impl FnOnce(&mut Health)) {
        change(&mut self.vendor().state.memory().health);
    }
}

/// `GET /{version}/debug_token?input_token=…`
pub(crate) fn token(state: &State, asked: &Asked<MetaRoute>) -> Answer {
    let memory = state.memory();
    let is_valid = asked.param("input_token").as_deref() == Some(memory.access_token.as_str());
    let health = &memory.health;
    let data = json!({
        "app_id": state.options.app_id,
        "type": "SYSTEM_USER",
        "application": "Paragon",
        "is_valid": is_valid,
        "expires_at": health.token_expires_at,
        "data_access_expires_at": 0,
        "scopes": health.scopes,
    });
    let answer = Answer::json(200, &json!({ "data": data }));
    match health.clock_ahead_s {
        0 => answer,
        ahead => {
            let told = state.now() + chrono::TimeDelta::seconds(ahead);
            answer.with("date", told.format("%a, %d %b %Y %H:%M:%S GMT").to_string())
        }
    }
}

/// `GET /{version}/{phone-number-id}[?fields=…]`
pub(crate) fn number(state: &State, asked: &Asked<MetaRoute>) -> Answer {
    let memory = state.memory();
    let health = &memory.health;
    let sending = json!({
        "can_send_message": health.can_send,
        "entities": [{
            "entity_type": "PHONE_NUMBER", "id": object_id(asked),
            "can_send_message": health.can_send,
            "errors": if health.can_send == "AVAILABLE" { json!([]) } else { json!([{
                "error_code": 141_006,
                "error_description": "There is an error with your payment method.",
                "possible_solution": "Add a payment method in the billing hub.",
            }]) },
        }],
    });
    let urls = json!({
        "phone_number": health.number_override,
        "whatsapp_business_account": health.account_override,
        "application": app_url(&memory),
    });
    fields(asked, "id,display_phone_number", |field| {
        Some(match field {
            "display_phone_number" => json!(state.options.display_phone_number),
            "verified_name" => json!("Paragon"),
            "name_status" => json!(health.name_status),
            "code_verification_status" => json!("VERIFIED"),
            "status" => json!(health.number_status),
            "quality_rating" => json!(health.quality),
            "account_mode" => json!(health.account_mode),
            "health_status" => sending.clone(),
            "webhook_configuration" => urls.clone(),
            "whatsapp_business_manager_messaging_limit" | "messaging_limit_tier" => {
                json!(memory.messaging_limit)
            }
            _ => return None,
        })
    })
}

/// `GET /{version}/{waba-id}[?fields=…]`
pub(crate) fn account(state: &State, asked: &Asked<MetaRoute>) -> Answer {
    let memory = state.memory();
    fields(asked, "id,name", |field| {
        Some(match field {
            "name" => json!("Paragon"),
            "account_review_status" => json!(memory.health.account_review),
            "business_verification_status" => json!(memory.health.business_verification),
            _ => return None,
        })
    })
}

/// The object's id and what is asked of it, or that there is no such field.
fn fields(asked: &Asked<MetaRoute>, usual: &str, value: impl Fn(&str) -> Option<Value>) -> Answer {
    let wanted = asked.param("fields").unwrap_or_else(|| usual.to_owned());
    let mut told = Map::new();
    told.insert("id".to_owned(), json!(object_id(asked)));
    for field in wanted.split(',').filter(|it| *it != "id") {
        let Some(value) = value(field) else {
            let details = format!("Tried accessing nonexisting field ({field})");
            return errors::error(400, 100, &details, &details);
        };
        told.insert(field.to_owned(), value);
    }
    Answer::json(200, &Value::Object(told))
}

/// `GET /{version}/{waba-id}/subscribed_apps`
pub(crate) fn subscribed_apps(state: &State) -> Answer {
    let memory = state.memory();
    let mut app = json!({
        "whatsapp_business_api_data": {
            "id": state.options.app_id, "name": "Paragon",
            "link": format!("https://www.facebook.com/games/?app_id={}", state.options.app_id),
        },
    });
    if let Some(url) = &memory.health.account_override {
        app["override_callback_uri"] = json!(url);
    }
    let apps = if memory.health.subscribed { vec![app] } else { Vec::new() };
    Answer::json(200, &json!({ "data": apps }))
}

/// `GET /{version}/{app-id}/subscriptions`, with the app's own token.
pub(crate) fn subscriptions(state: &State, asked: &Asked<MetaRoute>) -> Answer {
    let options = &state.options;
    if asked.bearer() != Some(format!("{}|{}", options.app_id, options.app_secret).as_str()) {
        let words = "Error validating application. Invalid application ID or secret.";
        return errors::error(400, 101, words, words);
    }
    let memory = state.memory();
    let fields: Vec<Value> =
        memory.health.fields.iter().map(|it| json!({ "name": it, "version": "v26.0" })).collect();
    let subscription = json!({
        "object": "whatsapp_business_account",
        "callback_url": app_url(&memory),
        "active": true,
        "fields": fields,
    });
    Answer::json(200, &json!({ "data": [subscription] }))
}

fn app_url(memory: &super::Memory) -> Option<String> {
    memory.health.callback_url.clone().or_else(|| memory.webhook_urls.back().cloned())
}
