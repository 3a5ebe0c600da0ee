//! Meta's question when a webhook is registered: does whoever answers know the token?

use actix_web::HttpResponse;
use actix_web::web::{Data, Query};
use serde::Deserialize;
use subtle::ConstantTimeEq;
use tracing::warn;

use super::State;

/// Meta's question when a webhook is registered. It carries no signature.
#[derive(Deserialize)]
pub struct Question {
    #[serde(rename = "hub.mode")]
    mode: Option<String>,
    #[serde(rename = "hub.verify_token")]
    token: Option<String>,
    #[serde(rename = "hub.challenge")]
    challenge: Option<String>,
}

/// Answers whoever knows the token, in constant time; everybody else is refused.
pub async fn challenge(state: Data<State>, asked: Query<Question>) -> HttpResponse {
    let Question { mode, token, challenge } = asked.into_inner();
    let token = token.unwrap_or_default();
    let known: bool = token.as_bytes().ct_eq(state.verify_token.reveal().as_bytes()).into();
    match challenge {
        Some(challenge) if known && mode.as_deref() == Some("subscribe") => {
            HttpResponse::Ok().content_type("text/plain").body(challenge)
        }
        _ => {
            warn!("a webhook challenge was refused: is META_VERIFY_TOKEN the one in Meta's app?");
            HttpResponse::Forbidden().finish()
        }
    }
}
