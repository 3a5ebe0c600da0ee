//! Meta: the token, the business, the number and its name, what is subscribed, the templates, and the
//! clock. What Meta tells of where webhooks go is asked there.

use chrono::{DateTime, TimeDelta, Utc};

use super::database::skew;
use super::finding::Finding;
use super::number::{display_name, mode, number, sending};
use super::webhook;
use crate::clients::whatsapp::{SendError, Subscription, TokenState, WebhookUrls, WhatsApp};
use crate::clients::{Http, Secret};
use crate::clock::Clock;
use crate::domain::ids::{AccountId, PhoneNumberId};
use crate::domain::template::{Listed, is_sendable};
use crate::settings::{DoctorSettings, GraphSettings, SettingError};

/// What a token must be allowed to do.
const SCOPES: [&str; 2] = ["whatsapp_business_messaging", "whatsapp_business_management"];

/// What webhooks must tell of.
const FIELDS: [&str; 5] = [
    "messages",
    "message_template_status_update",
    "template_category_update",
    "message_template_quality_update",
    "user_preferences",
];

/// A token that dies so soon is to be replaced now.
const EXPIRES_SOON: TimeDelta = TimeDelta::days(7);

/// Asks it all.
pub async fn look(settings: &DoctorSettings, http: &Http) -> Vec<Finding> {
    let graph = match &settings.graph {
        Ok(graph) => graph,
        Err(error) => return vec![Finding::unset("token", error)],
    };
    let made = WhatsApp::new(http.clone(), &graph.url, &graph.token, graph.media_hosts.clone());
    let whatsapp = match made.map_err(SettingError::of_client("GRAPH_API_URL", "WA_TOKEN")) {
        Ok(whatsapp) => whatsapp,
        Err(error) => return vec![Finding::unset("token", &error)],
    };
    let token = match whatsapp.token_state(&graph.token).await {
        Ok(token) => token,
        Err(error) => return vec![unreadable("token", &error)],
    };
    let rounds = Round { settings, graph, http, whatsapp, token };
    rounds.look().await
}

struct Round<'a> {
    settings: &'a DoctorSettings,
    graph: &'a GraphSettings,
    http: &'a Http,
    whatsapp: WhatsApp,
    token: TokenState,
}

impl Round<'_> {
    async fn look(&self) -> Vec<Finding> {
        let now = Clock::system().now();
        let mut findings = vec![token(&self.token, now)];
        if let Some(theirs) = self.token.told_at {
            findings.push(skew("clock of Meta", theirs - now));
        }
        match &self.settings.account {
            Ok(account) => findings.extend(self.account(account).await),
            Err(error) => findings.push(Finding::unset("account", error)),
        }
        let mut urls = WebhookUrls::default();
        match &self.settings.number {
            Ok(id) => findings.extend(self.sender(id, &mut urls).await),
            Err(error) => findings.push(Finding::unset("number", error)),
        }
        findings.extend(self.app(&mut urls).await);
        findings.extend(webhook::look(self.settings, self.http, &urls).await);
        findings
    }

    async fn account(&self, account: &AccountId) -> Vec<Finding> {
        let standing = self.whatsapp.account_state(account).await;
        let apps = self.whatsapp.subscribed_apps(account).await;
        let templates = self.whatsapp.templates(account).await;
        let business = match standing {
            Ok(told) => business(
                told.business_verification_status.as_deref(),
                told.account_review_status.as_deref(),
            ),
            Err(error) => unreadable("business", &error),
        };
        let subscribed = match apps {
            Ok(apps) => subscribed(&apps, &self.token.app_id, account, &self.graph.url),
            Err(error) => unreadable("subscribed app", &error),
        };
        let templates = match (templates, &self.settings.language) {
            (Ok(listed), Ok(language)) => {
                templates_of(&listed, &self.settings.reply_template, language.code())
            }
            (_, Err(error)) => Finding::unset("templates", error),
            (Err(error), _) => Finding::ill("templates", error, ASK_AGAIN),
        };
        vec![business, subscribed, templates]
    }

    async fn sender(&self, id: &PhoneNumberId, urls: &mut WebhookUrls) -> Vec<Finding> {
        let mut findings = match self.whatsapp.number_state(id).await {
            Ok(told) => {
                let findings = vec![display_name(&told), number(&told), mode(&told)];
                *urls = told.webhook_configuration.unwrap_or_default();
                findings
            }
            Err(error) => vec![unreadable("number", &error)],
        };
        findings.push(match self.whatsapp.sending(id).await {
            Ok(told) => sending(&told),
            Err(error) => unreadable("sending", &error),
        });
        findings
    }

    /// What the app is subscribed to, which only its secret may ask: the secret is tried by that.
    async fn app(&self, urls: &mut WebhookUrls) -> Vec<Finding> {
        let secrets = match &self.settings.app_secrets {
            Ok(secrets) => secrets,
            Err(error) => return vec![Finding::unset("app secret", error)],
        };
        let first = secrets.reveal().split(',').map(str::trim).find(|it| !it.is_empty());
        let secret = Secret::new(first.unwrap_or_default());
        match self.whatsapp.subscription(&self.token.app_id, &secret).await {
            Ok(told) => {
                let known = told.as_ref().and_then(|it| it.callback_url.clone());
                urls.application = known.or(urls.application.take());
                vec![Finding::well("app secret", "is the app's"), fields(told.as_ref())]
            }
            Err(SendError::OutcomeUnknown(_) | SendError::NotSent(_)) => {
                vec![Finding::ill("app secret", "Meta could not be reached", ASK_AGAIN)]
            }
            Err(error) => vec![Finding::ill(
                "app secret",
                format!("Meta does not accept it for app {} ({error})", self.token.app_id),
                "copy it again from the app's basic settings into META_APP_SECRET; webhooks signed with \
                 another one are refused with 403",
            )],
        }
    }
}

const ASK_AGAIN: &str = "is GRAPH_API_URL right, and does this machine reach it? Ask again";

fn unreadable(about: &'static str, error: &SendError) -> Finding {
    let remedy = match error {
        SendError::TokenDead(_) => {
            "make a new token of the system user (README, To real keys, 4) and put it into WA_TOKEN"
        }
        SendError::NotSent(_) | SendError::OutcomeUnknown(_) | SendError::SlowDown { .. } => {
            ASK_AGAIN
        }
        SendError::WindowClosed(_)
        | SendError::PairLimit(_)
        | SendError::Held(_)
        | SendError::Blocked(_)
        | SendError::RecipientCannot(_)
        | SendError::OptedOut(_)
        | SendError::TemplateUnusable(_)
        | SendError::TemplateMisfit(_)
        | SendError::Malformed(_) => {
            "are WABA_ID and PHONE_NUMBER_ID this token's, and may it manage them?"
        }
    };
    Finding::ill(about, error, remedy)
}

fn token(told: &TokenState, now: DateTime<Utc>) -> Finding {
    const ABOUT: &str = "token";
    let new =
        "make a new token of the system user (README, To real keys, 4) and put it into WA_TOKEN";
    if !told.is_valid {
        return Finding::ill(ABOUT, "Meta says that it is not valid", new);
    }
    let missing: Vec<&str> =
        SCOPES.into_iter().filter(|it| told.scopes.iter().all(|has| has != it)).collect();
    if !missing.is_empty() {
        let what = format!("it may not do {}", missing.join(" and "));
        return Finding::ill(ABOUT, what, format!("{new}, with both permissions"));
    }
    match told.expires_at {
        Some(at) if at - now < EXPIRES_SOON => {
            let what = format!("it dies at {}", at.format("%Y-%m-%d %H:%M UTC"));
            Finding::ill(ABOUT, what, format!("{new}; those of system users can live for ever"))
        }
        Some(at) => Finding::well(ABOUT, format!("lives until {}", at.format("%Y-%m-%d"))),
        None => Finding::well(ABOUT, "valid, never expires, may send and manage"),
    }
}

fn business(verification: Option<&str>, review: Option<&str>) -> Finding {
    const ABOUT: &str = "business";
    if review.is_some_and(|it| it != "APPROVED") {
        let what = format!("the account's review stands at {}", review.unwrap_or_default());
        return Finding::ill(
            ABOUT,
            what,
            "see the account in WhatsApp Manager; appeal a rejection",
        );
    }
    match verification {
        Some("verified") => Finding::well(ABOUT, "verified, and the account approved"),
        other => Finding::ill(
            ABOUT,
            format!("its verification stands at {}", other.unwrap_or("nothing that Meta tells")),
            "verify it in Meta's business settings, Security Centre (5 to 14 days); until then few \
             people can be written to",
        ),
    }
}

fn subscribed(apps: &[String], ours: &str, account: &AccountId, graph: &str) -> Finding {
    const ABOUT: &str = "subscribed app";
    if apps.iter().any(|it| it == ours) {
        return Finding::well(ABOUT, format!("app {ours} hears of the account"));
    }
    let remedy = format!(
        "curl -X POST {graph}/{}/subscribed_apps -H \"Authorization: Bearer $WA_TOKEN\"",
        account.as_str()
    );
    Finding::ill(ABOUT, format!("app {ours} is not subscribed to the account"), remedy)
}

fn fields(told: Option<&Subscription>) -> Finding {
    const ABOUT: &str = "webhook fields";
    let remedy = "subscribe them in the app's WhatsApp configuration (README, To real keys, 9)";
    let Some(told) = told else {
        return Finding::ill(ABOUT, "the app is subscribed to nothing of WhatsApp's", remedy);
    };
    let missing: Vec<&str> =
        FIELDS.into_iter().filter(|it| told.fields.iter().all(|has| has != it)).collect();
    if missing.is_empty() {
        return Finding::well(ABOUT, told.fields.join(", "));
    }
    Finding::ill(ABOUT, format!("not subscribed: {}", missing.join(", ")), remedy)
}

fn templates_of(listed: &[Listed], name: &str, language: &str) -> Finding {
    const ABOUT: &str = "templates";
    let Some(ours) = listed.iter().find(|it| it.name == name && it.language == language) else {
        let what = format!("there is no {name} in {language}: late answers wait");
        return Finding::ill(ABOUT, what, "paragon templates submit");
    };
    if !is_sendable(&ours.status) {
        let why = ours.reason.as_deref().map(|it| format!(" ({it})")).unwrap_or_default();
        let what = format!("{name} ({language}) is {}{why}: late answers wait", ours.status);
        return Finding::ill(ABOUT, what, "docs/templates.md: what each state wants");
    }
    let bad: Vec<String> = listed
        .iter()
        .filter(|it| matches!(it.status.as_str(), "PAUSED" | "DISABLED") || is_red(it))
        .map(|it| format!("{} ({})", it.name, it.language))
        .collect();
    if !bad.is_empty() {
        let what = format!("paused, disabled or of red quality: {}", bad.join(", "));
        return Finding::ill(ABOUT, what, "people dislike them: change the words, send fewer");
    }
    if ours.category != "UTILITY" {
        let what = format!("{name} ({language}) is billed as {}", ours.category);
        let remedy = "Meta has moved it, which costs more: take out what advertises, submit again";
        return Finding::ill(ABOUT, what, remedy);
    }
    Finding::well(ABOUT, format!("{name} ({language}) may be sent"))
}

fn is_red(it: &Listed) -> bool {
    it.quality.as_deref() == Some("RED")
}
