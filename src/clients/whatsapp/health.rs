//! What Graph tells of the token, the account, a number and the app, for `paragon doctor`. Reads only.

use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::Url;
use reqwest::header::{AUTHORIZATION, DATE, HeaderValue};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{SendError, WhatsApp};
use crate::clients::Secret;
use crate::clients::http::Answer;
use crate::domain::ids::{AccountId, PhoneNumberId};

const WITHIN: Duration = Duration::from_secs(10);

/// What the token is.
#[derive(Clone, Debug)]
pub struct TokenState {
    /// The app that it belongs to.
    pub app_id: String,
    /// Whether Graph accepts it.
    pub is_valid: bool,
    /// When it dies; `None`: never.
    pub expires_at: Option<DateTime<Utc>>,
    /// What it may do.
    pub scopes: Vec<String>,
    /// What time it was at Meta's.
    pub told_at: Option<DateTime<Utc>>,
}

/// How the business and its account stand, in Meta's words.
#[derive(Clone, Debug, Deserialize)]
pub struct AccountState {
    /// `verified`, `not_verified`, `pending` …
    pub business_verification_status: Option<String>,
    /// `APPROVED`, `PENDING`, `REJECTED`.
    pub account_review_status: Option<String>,
}

/// How a number stands, in Meta's words.
#[derive(Clone, Debug, Deserialize)]
pub struct NumberState {
    /// The display name.
    pub verified_name: Option<String>,
    /// `APPROVED`, `AVAILABLE_WITHOUT_REVIEW`, `PENDING_REVIEW`, `DECLINED`, `EXPIRED`, `NONE`.
    pub name_status: Option<String>,
    /// `CONNECTED`, `PENDING`, `OFFLINE`, `BANNED` …
    pub status: Option<String>,
    /// `GREEN`, `YELLOW`, `RED`, `UNKNOWN`.
    pub quality_rating: Option<String>,
    /// `LIVE` or `SANDBOX`.
    pub account_mode: Option<String>,
    /// Where its webhooks go.
    pub webhook_configuration: Option<WebhookUrls>,
}

/// Where webhooks go: the first that is there, in this order.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct WebhookUrls {
    /// Of the number.
    pub phone_number: Option<String>,
    /// Of the account.
    pub whatsapp_business_account: Option<String>,
    /// Of the app.
    pub application: Option<String>,
}

/// Whether a number may send, and what keeps it from it.
#[derive(Clone, Debug)]
pub struct Sending {
    /// `AVAILABLE`, `LIMITED`, `BLOCKED`.
    pub word: String,
    /// What Meta says to do: words for the operator, of their own account.
    pub advice: Vec<String>,
}

/// What an app is subscribed to.
#[derive(Clone, Debug)]
pub struct Subscription {
    /// Where its webhooks go.
    pub callback_url: Option<String>,
    /// The fields.
    pub fields: Vec<String>,
}

impl WhatsApp {
    /// What our token is. A dead one is [`SendError::TokenDead`], or not valid.
    pub async fn token_state(&self, token: &Secret) -> Result<TokenState, SendError> {
        let mut url = self.base.join(&["debug_token"]);
        url.query_pairs_mut().append_pair("input_token", token.reveal());
        let answer = self.ask_of(url, "/debug_token", self.bearer.header()).await?;
        let told_at = answer.header(DATE.as_str()).and_then(http_date);
        let Data { data } = read::<Data<DebugToken>>(&answer)?;
        let expires = [data.expires_at, data.data_access_expires_at].into_iter().flatten();
        Ok(TokenState {
            app_id: data.app_id,
            is_valid: data.is_valid,
            expires_at: expires
                .filter(|it| *it > 0)
                .min()
                .and_then(|it| DateTime::from_timestamp(it, 0)),
            scopes: data.scopes,
            told_at,
        })
    }

    /// How the account and its business stand.
    pub async fn account_state(&self, account: &AccountId) -> Result<AccountState, SendError> {
        let mut url = self.base.join(&[account.as_str()]);
        let fields = "business_verification_status,account_review_status";
        url.query_pairs_mut().append_pair("fields", fields);
        read(&self.ask_of(url, "/{waba-id}", self.bearer.header()).await?)
    }

    /// How a number stands.
    pub async fn number_state(&self, number: &PhoneNumberId) -> Result<NumberState, SendError> {
        let fields = "verified_name,name_status,status,quality_rating,account_mode,\
                      webhook_configuration";
        read(&self.ask_number(number, fields).await?)
    }

    /// Whether a number may send.
    pub async fn sending(&self, number: &PhoneNumberId) -> Result<Sending, SendError> {
        let answer = self.ask_number(number, "health_status").await?;
        let HealthStatus { health_status: told } = read(&answer)?;
        let blamed = told.entities.into_iter().flat_map(|it| it.errors);
        let advice = blamed.map(|it| {
            let words = [it.error_description, it.possible_solution];
            words.into_iter().flatten().collect::<Vec<_>>().join(" ")
        });
        Ok(Sending { word: told.can_send_message, advice: advice.collect() })
    }

    /// The apps that are subscribed to the account.
    pub async fn subscribed_apps(&self, account: &AccountId) -> Result<Vec<String>, SendError> {
        let url = self.base.join(&[account.as_str(), "subscribed_apps"]);
        let answer = self.ask_of(url, "/{waba-id}/subscribed_apps", self.bearer.header()).await?;
        let apps = read::<Data<Vec<SubscribedApp>>>(&answer)?.data;
        Ok(apps.into_iter().map(|it| it.whatsapp_business_api_data.id).collect())
    }

    /// What `app` is subscribed to for accounts of WhatsApp; `None`: to nothing. Only the app itself
    /// may ask, by its secret: a wrong one is refused.
    pub async fn subscription(
        &self,
        app: &str,
        app_secret: &Secret,
    ) -> Result<Option<Subscription>, SendError> {
        let url = self.base.join(&[app, "subscriptions"]);
        let token = Secret::new(format!("{app}|{}", app_secret.reveal()));
        let token = token
            .header("Bearer ")
            .map_err(|it| SendError::OutcomeUnknown(it.to_string().into()))?;
        let answer = self.ask_of(url, "/{app-id}/subscriptions", token).await?;
        let all = read::<Data<Vec<AppSubscription>>>(&answer)?.data;
        let ours = all.into_iter().find(|it| it.object == "whatsapp_business_account");
        Ok(ours.map(|it| Subscription {
            callback_url: it.callback_url,
            fields: it.fields.into_iter().map(|it| it.name).collect(),
        }))
    }

    async fn ask_number(&self, number: &PhoneNumberId, fields: &str) -> Result<Answer, SendError> {
        let mut url = self.base.join(&[number.as_str()]);
        url.query_pairs_mut().append_pair("fields", fields);
        self.ask_of(url, "/{phone-number-id}", self.bearer.header()).await
    }

    async fn ask_of(
        &self,
        url: Url,
        route: &'static str,
        token: HeaderValue,
    ) -> Result<Answer, SendError> {
        let answer = self.http.get(url, route, WITHIN).header(AUTHORIZATION, token).send().await?;
        if answer.is_success() { Ok(answer) } else { Err(SendError::refused(&answer)) }
    }
}

fn read<T: DeserializeOwned>(answer: &Answer) -> Result<T, SendError> {
    answer.json().map_err(|it| SendError::OutcomeUnknown(it.into()))
}

fn http_date(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc2822(text).ok().map(|it| it.with_timezone(&Utc))
}

#[derive(Deserialize)]
struct Data<T> {
    data: T,
}

#[derive(Deserialize)]
struct DebugToken {
    app_id: String,
    is_valid: bool,
    expires_at: Option<i64>,
    data_access_expires_at: Option<i64>,
    #[serde(default)]
    scopes: Vec<String>,
}

#[derive(Deserialize)]
struct HealthStatus {
    health_status: CanSend,
}

#[derive(Deserialize)]
struct CanSend {
    can_send_message: String,
    #[serde(default)]
    entities: Vec<Entity>,
}

#[derive(Deserialize)]
struct Entity {
    #[serde(default)]
    errors: Vec<Blame>,
}

#[derive(Deserialize)]
struct Blame {
    error_description: Option<String>,
    possible_solution: Option<String>,
}

#[derive(Deserialize)]
struct SubscribedApp {
    whatsapp_business_api_data: AppData,
}

#[derive(Deserialize)]
struct AppData {
    id: String,
}

#[derive(Deserialize)]
struct AppSubscription {
    object: String,
    callback_url: Option<String>,
    #[serde(default)]
    fields: Vec<Field>,
}

#[derive(Deserialize)]
struct Field {
    name: String,
}
