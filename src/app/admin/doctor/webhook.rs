//! The webhook, at the URL that Meta has for it: whether it can be reached, whether it knows the verify
//! token, and whether a signature that holds is taken and another one refused.

use super::finding::Finding;
use crate::clients::front_door::{Answered, FrontDoor};
use crate::clients::whatsapp::WebhookUrls;
use crate::clients::{Http, HttpError, Secret};
use crate::pipeline::self_test;
use crate::settings::DoctorSettings;

/// Asks at the door.
pub async fn look(settings: &DoctorSettings, http: &Http, urls: &WebhookUrls) -> Vec<Finding> {
    let overriding = [&urls.phone_number, &urls.whatsapp_business_account];
    let overriding = overriding.into_iter().flatten().next();
    let Some(url) = overriding.or(urls.application.as_ref()) else {
        return vec![Finding::ill(
            "webhook",
            "Meta has no URL to send webhooks to",
            "enter it in the app's WhatsApp configuration (README, To real keys, 9)",
        )];
    };
    let mut findings = vec![override_of(overriding, urls)];
    let door = match FrontDoor::new(http.clone(), url) {
        Ok(door) => door,
        Err(error) => {
            let remedy = "correct it in the app's WhatsApp configuration";
            findings.push(Finding::ill("webhook", format!("{url}: {error}"), remedy));
            return findings;
        }
    };
    findings.push(match &settings.verify_token {
        Ok(token) => reached(&door, url, token).await,
        Err(error) => Finding::unset("webhook", error),
    });
    findings.push(match &settings.app_secrets {
        Ok(secrets) => signed(&door, secrets).await,
        Err(error) => Finding::unset("signature", error),
    });
    findings
}

fn override_of(overriding: Option<&String>, urls: &WebhookUrls) -> Finding {
    const ABOUT: &str = "override URLs";
    match (overriding, &urls.application) {
        (None, _) => Finding::well(ABOUT, "none: webhooks go to the app's URL"),
        (Some(url), Some(app)) if url == app => Finding::well(ABOUT, "the same as the app's URL"),
        (Some(url), app) => Finding::ill(
            ABOUT,
            format!(
                "webhooks go to {url}, not to the app's {}",
                app.as_deref().unwrap_or("(it has none)")
            ),
            "if that is not meant: POST /{waba-id}/subscribed_apps without an override, and \
             webhook_configuration of the number with an empty one",
        ),
    }
}

async fn reached(door: &FrontDoor, url: &str, token: &Secret) -> Finding {
    const ABOUT: &str = "webhook";
    match door.challenge(token).await {
        Ok(Answered::Well) => Finding::well(ABOUT, format!("{url} answers the challenge")),
        Ok(Answered::Otherwise(status)) => Finding::ill(
            ABOUT,
            format!("{url} answered the challenge with HTTP {status}"),
            match status {
                403 => "META_VERIFY_TOKEN here is not the ingress's",
                404 => "the path must be /webhook, and the proxy must pass it on",
                500.. => "is the ingress up, and does the proxy reach it? docs/runbook.md",
                _ => "something else answers there: look at the proxy",
            },
        ),
        Err(error) => Finding::ill(
            ABOUT,
            format!("{url}: {}", why(&error)),
            if door.is_https() {
                "does its name lead to this service, is port 443 open, and its certificate valid? \
                 Meta takes no self-signed one"
            } else {
                "does it run, and is its port open? Meta demands https"
            },
        ),
    }
}

/// One that holds under each secret is taken; one that does not is refused.
async fn signed(door: &FrontDoor, secrets: &Secret) -> Finding {
    const ABOUT: &str = "signature";
    let unreached = |error: &HttpError| {
        Finding::ill(ABOUT, why(error), "see webhook: it must be reached first")
    };
    match door.post(self_test::BODY, &self_test::wrong_signature()).await {
        Ok(403) => {}
        Ok(status) => {
            return Finding::ill(
                ABOUT,
                format!("a wrong signature was answered with HTTP {status}, not 403"),
                "this is no ingress of Paragon, or something before it answers in its place",
            );
        }
        Err(error) => return unreached(&error),
    }
    for signature in self_test::signatures(secrets.reveal()) {
        match door.post(self_test::BODY, &signature).await {
            Ok(200) => {}
            Ok(403) => {
                return Finding::ill(
                    ABOUT,
                    "a webhook signed with META_APP_SECRET was refused",
                    "either the ingress has another META_APP_SECRET, or a proxy writes bodies anew: it \
                     must pass on every byte",
                );
            }
            Ok(status) => {
                return Finding::ill(
                    ABOUT,
                    format!("a signed webhook was answered with HTTP {status}"),
                    "docs/runbook.md, \"Meta is answered with errors\"",
                );
            }
            Err(error) => return unreached(&error),
        }
    }
    Finding::well(ABOUT, "a signed webhook is taken, an unsigned one refused")
}

fn why(error: &HttpError) -> String {
    let cause = std::error::Error::source(error).map(|it| format!(" ({it})"));
    format!("{error}{}", cause.unwrap_or_default())
}
