//! Who may talk to the phone: pages of this very server. A page of somebody else, opened in the
//! same browser, can neither read here nor send anything.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{HOST, HeaderName, HeaderValue, ORIGIN};
use actix_web::middleware::Next;
use actix_web::{Error, HttpResponse};
use serde_json::json;

const HEADERS: [(&str, &str); 6] = [
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; \
         connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cache-control", "no-store"),
];

/// Refuses (403) a `Host` that is not this server by a loopback name, which is what a rebound name
/// of somebody's would have, and what changes something without an `Origin` of ours. Adds the
/// headers that keep the page to itself. For [`actix_web::middleware::from_fn`], around the whole
/// application.
pub async fn guard(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let mut answer = match refused(&request) {
        Some(why) => {
            let refusal = HttpResponse::Forbidden().json(json!({ "error": why }));
            request.into_response(refusal)
        }
        None => next.call(request).await?.map_into_boxed_body(),
    };
    for (name, value) in HEADERS {
        let name = HeaderName::from_static(name);
        answer.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    Ok(answer)
}

fn refused(request: &ServiceRequest) -> Option<String> {
    let here = request.app_config().local_addr();
    let names = [here.to_string(), format!("localhost:{}", here.port())];
    let header = |name| request.headers().get(name).and_then(|it| it.to_str().ok());
    let Some(host) = header(HOST).filter(|it| names.iter().any(|name| name == it)) else {
        return Some(format!("wrong Host: open http://{here}"));
    };
    let own = format!("http://{host}");
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD);
    match header(ORIGIN) {
        Some(origin) if origin != own => Some("another page may not use this phone".to_owned()),
        None if changes => Some(format!("a request that changes something needs Origin: {own}")),
        Some(_) | None => None,
    }
}
