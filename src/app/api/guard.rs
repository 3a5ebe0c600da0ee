//! Whom a request comes from: its key, what that may do and see, and how often. Nothing below the
//! guard is reached without a key, but for links to photos, which are signed.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, FromRequest, HttpMessage, HttpRequest, ResponseError};
use std::future::{Ready, ready};

use super::Desk;
use super::limits::Left;
use super::refusal::Refusal;
use crate::domain::access::Scope;
use crate::domain::ids::Sha256;
use crate::store::api_keys::Key;
use crate::store::audit_log::Actor;

/// Headers of every answer.
const ALWAYS: [(HeaderName, &str); 3] = [
    (header::CACHE_CONTROL, "no-store"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
];

/// Who asks.
#[derive(Clone, Debug)]
pub struct Caller {
    /// With which key.
    pub key: Key,
    remote: String,
}

impl Caller {
    /// Whether they may.
    pub fn may(&self, scope: Scope) -> Result<(), Refusal> {
        if self.key.scopes.contains(&scope) { Ok(()) } else { Err(Refusal::Scope(scope)) }
    }

    /// Who is written down for what they do.
    pub fn actor(&self) -> Actor {
        let name = format!("API key {} ({})", self.key.id.0, self.key.label);
        Actor { name, remote: self.remote.clone() }
    }
}

impl FromRequest for Caller {
    type Error = Refusal;
    type Future = Ready<Result<Self, Refusal>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(request.extensions().get::<Self>().cloned().ok_or(Refusal::NoKey))
    }
}

/// Lets a request through with its [`Caller`], or answers it.
pub async fn guard(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let desk = request.app_data::<Data<Desk>>().cloned().expect("the application holds its desk");
    if is_open_to_all(&request) {
        return Ok(dressed(&desk, next.call(request).await?.map_into_boxed_body(), None));
    }
    match caller(&desk, &request).await {
        Err((refusal, left)) => {
            let answer = request.into_response(refusal.error_response());
            Ok(dressed(&desk, answer.map_into_boxed_body(), left))
        }
        Ok((caller, left)) => {
            request.extensions_mut().insert(caller);
            Ok(dressed(&desk, next.call(request).await?.map_into_boxed_body(), Some(left)))
        }
    }
}

/// The description of the API, the page to try it, probes; and links that are signed.
fn is_open_to_all(request: &ServiceRequest) -> bool {
    let path = request.path();
    let is_link = path.starts_with("/v1/photos/") && request.query_string().contains("signature=");
    is_link || !path.starts_with("/v1/") || path == "/v1/openapi.json"
}

async fn caller(
    desk: &Desk,
    request: &ServiceRequest,
) -> Result<(Caller, Left), (Refusal, Option<Left>)> {
    let bare = |refusal| (refusal, None);
    let token = request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|it| it.to_str().ok())
        .and_then(|it| it.strip_prefix("Bearer "))
        .ok_or(bare(Refusal::NoKey))?;
    // The digest is looked for: what is compared is nothing that could be guessed byte by byte.
    let (digest, now) = (Sha256::of(token.trim().as_bytes()), desk.clock.now());
    let key = desk.ask(move |store| async move { store.use_key(digest, now).await });
    let key = key.await.map_err(bare)?.ok_or(bare(Refusal::NoKey))?;
    let left = desk.limits.take(key.id, now);
    let left = left.map_err(|left| (Refusal::SlowDown(left.seconds), Some(left)))?;
    let remote = request.peer_addr().map(|it| it.ip().to_string()).unwrap_or_default();
    Ok((Caller { key, remote }, left))
}

fn dressed(
    desk: &Desk,
    mut response: ServiceResponse<BoxBody>,
    left: Option<Left>,
) -> ServiceResponse<BoxBody> {
    let headers = response.headers_mut();
    for (name, value) in ALWAYS {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    if let Some(Left { requests, seconds }) = left {
        number(headers, "ratelimit-limit", desk.limits.a_minute.into());
        number(headers, "ratelimit-remaining", requests.into());
        number(headers, "ratelimit-reset", seconds);
    }
    response
}

fn number(headers: &mut HeaderMap, name: &'static str, value: u64) {
    headers.insert(HeaderName::from_static(name), HeaderValue::from(value));
}
