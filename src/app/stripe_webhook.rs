//! Stripe's webhooks over HTTP, where the operator wants them. Turns outcomes into status codes, and
//! nothing else: 200 only after the commit, 400 for a signature that does not hold, 503 when Postgres
//! does not take it, so that Stripe delivers again.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::{HeaderMap, HeaderValue};
use actix_web::web::{self, Bytes, Data, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use tokio::time::timeout;
use tracing::{Instrument, error, info, info_span, warn};

use super::door::Body;
use super::home::Home;
use crate::clients::Secret;
use crate::clock::Clock;
use crate::pipeline::ingress::hear_stripe::{NotHeard, hear_stripe};
use crate::pipeline::ingress::verify::SigningSecrets;
use crate::pipeline::ingress::verify_stripe::verify_stripe;
use crate::settings::SettingError;
use crate::store::Store;

/// Stripe waits longer, but whoever waits for Postgres this long waits in vain.
const ANSWER_WITHIN: Duration = Duration::from_secs(9);

/// What a webhook of Stripe's is handled with.
#[derive(Clone, Debug)]
pub struct StripeDoor {
    secrets: Arc<SigningSecrets>,
    store: Store,
    clock: Clock,
}

impl StripeDoor {
    /// A door that opens to signatures made with one of `secrets`.
    pub fn new(secrets: &Secret, store: &Store, clock: &Clock) -> Result<Self, SettingError> {
        let secrets = SigningSecrets::parse(secrets.reveal()).ok_or_else(|| {
            SettingError::unreadable("STRIPE_WEBHOOK_SECRET", "holds only commas")
        })?;
        Ok(Self { secrets: Arc::new(secrets), store: store.clone(), clock: clock.clone() })
    }
}

/// Adds `POST /stripe/webhook` to an application that holds its [`Home`] and its door; without a door there is no
/// such path.
pub fn stripe_webhook(door: Option<StripeDoor>) -> impl FnOnce(&mut ServiceConfig) {
    move |config| {
        if let Some(door) = door {
            config.app_data(Data::new(door)).route("/stripe/webhook", web::post().to(receive));
        }
    }
}

async fn receive(
    door: Data<StripeDoor>,
    home: Data<Home>,
    request: HttpRequest,
    body: Body,
) -> HttpResponse {
    let span = info_span!(
        "ingress.stripe_webhook",
        webhook.size_bytes = body.bytes.len(),
        http.status = tracing::field::Empty
    );
    let answer = answer(StripeDoor::clone(&door), &home, request.headers(), body.bytes);
    let answer = answer.instrument(span.clone()).await;
    span.record("http.status", answer.status().as_u16());
    answer
}

async fn answer(door: StripeDoor, home: &Home, headers: &HeaderMap, body: Bytes) -> HttpResponse {
    let now = door.clock.now();
    let signature = headers.get("Stripe-Signature").map(HeaderValue::as_bytes);
    let verified = match verify_stripe(&door.secrets, signature, body, now) {
        Ok(verified) => verified,
        Err(refused) => {
            warn!(
                "refused a webhook of Stripe's: {refused}; if it was Stripe's, compare STRIPE_WEBHOOK_SECRET"
            );
            return HttpResponse::BadRequest().finish();
        }
    };
    let hearing =
        async move { timeout(ANSWER_WITHIN, hear_stripe(&door.store, &verified, now)).await };
    match home.run(hearing.in_current_span()).await {
        Some(Ok(Ok(heard))) => {
            info!(?heard, "heard a webhook of Stripe's");
            HttpResponse::Ok().finish()
        }
        Some(Ok(Err(NotHeard::Unreadable(error)))) => {
            warn!("refused a webhook of Stripe's: {error}");
            HttpResponse::BadRequest().finish()
        }
        Some(Ok(Err(NotHeard::Store(error)))) => {
            let error: &dyn std::error::Error = &error;
            error!(error, "a webhook of Stripe's is not remembered");
            HttpResponse::ServiceUnavailable().finish()
        }
        Some(Err(_)) | None => {
            error!("a webhook of Stripe's is not remembered: it took too long, or panicked");
            HttpResponse::ServiceUnavailable().finish()
        }
    }
}
