//! What every request passes before a page sees it: whom it was addressed to, whose page sent it,
//! which session it belongs to; and the headers that every answer carries. Whether a form is believed
//! is asked in `form.rs`, where it is read.

use std::net::{IpAddr, SocketAddr};

use actix_web::body::{BoxBody, MessageBody};
use actix_web::cookie::{Cookie, SameSite};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, Uri};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpMessage, HttpResponse};

use super::session::{Session, Standing};
use super::{Desk, refusal};

/// The cookie's name. Browsers keep cookies by host and not by port.
const COOKIE: &str = "paragon_dashboard";

/// Nothing is loaded but from here, nothing runs but the script that is a file of its own, and no
/// other page shows this one in a frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
                      connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Headers of every answer.
const ALWAYS: [(HeaderName, &str); 7] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    // Not `no-referrer`: a browser would then send no Origin with a form.
    (header::REFERRER_POLICY, "same-origin"),
    (header::CACHE_CONTROL, "no-store"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// Who asks, and with which session. What a handler takes to know it.
#[derive(Clone, Debug)]
pub struct Visit {
    /// Theirs.
    pub session: Session,
    /// The cookie that it is known by.
    pub cookie: String,
    /// Where they are.
    pub remote: IpAddr,
}

/// Lets a request through, or answers it.
pub async fn guard(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let desk = request.app_data::<Data<Desk>>().cloned().expect("the application holds its desk");
    let mut fresh = None;
    let refused = refusal_of(&desk, &request);
    let response = if let Some(refused) = refused {
        request.into_response(refused).map_into_boxed_body()
    } else {
        if !is_open_to_all(request.path()) {
            fresh = visit(&desk, &mut request);
        }
        match turned_away(&request) {
            Some(answer) => request.into_response(answer).map_into_boxed_body(),
            None => next.call(request).await?.map_into_boxed_body(),
        }
    };
    Ok(dressed(response, fresh))
}

/// Style, script and probe: nothing of anybody's is in them.
fn is_open_to_all(path: &str) -> bool {
    path.starts_with("/assets/") || path == "/healthz" || path == "/readyz"
}

/// Why the request is not listened to at all.
fn refusal_of(desk: &Desk, request: &ServiceRequest) -> Option<HttpResponse> {
    let headers = request.headers();
    let host = text(headers, &header::HOST).unwrap_or_default();
    // A name that somebody else made point here is how a web page gets round the browser's walls.
    if desk.password.is_none() && !is_loopback(host) {
        return Some(refusal::not_this_host());
    }
    if request.method() == Method::GET || request.method() == Method::HEAD {
        let site = headers.get("sec-fetch-site").and_then(|it| it.to_str().ok());
        let mode = headers.get("sec-fetch-mode").and_then(|it| it.to_str().ok());
        let own = matches!(site, None | Some("same-origin" | "none"));
        return (!own && mode != Some("navigate")).then(refusal::foreign_page);
    }
    let origin = text(headers, &header::ORIGIN).and_then(|it| it.parse::<Uri>().ok());
    let same = origin.is_some_and(|it| it.authority().is_some_and(|it| it.as_str() == host));
    (!same).then(refusal::foreign_page)
}

/// Finds the session, or opens one where nobody is asked who they are. A fresh one's cookie is
/// returned, to be set.
fn visit(desk: &Desk, request: &mut ServiceRequest) -> Option<Cookie<'static>> {
    let now = desk.clock.now();
    let remote = request.peer_addr().map_or(IpAddr::from([0, 0, 0, 0]), |it: SocketAddr| it.ip());
    let known = request.cookie(COOKIE).map(|it| it.value().to_owned());
    let known = known.and_then(|it| Some((desk.sessions.find(&it, now)?, it)));
    let (session, cookie, fresh) = if let Some((session, cookie)) = known {
        (session, cookie, None)
    } else {
        let inside = desk.password.is_none();
        let standing = if inside { Standing::Inside } else { Standing::Outside };
        let (cookie, session) = desk.sessions.open(standing, now);
        let fresh = session_cookie(&cookie, request.headers());
        (session, cookie, Some(fresh))
    };
    request.extensions_mut().insert(Visit { session, cookie, remote });
    fresh
}

/// Where somebody who has not signed in goes instead.
fn turned_away(request: &ServiceRequest) -> Option<HttpResponse> {
    let outside = match request.extensions().get::<Visit>() {
        Some(visit) => visit.session.standing == Standing::Outside,
        None => false,
    };
    if !outside || request.path() == "/login" {
        return None;
    }
    // The script that keeps a page alive must not take the form to sign in for the page.
    let live = request.headers().contains_key("x-live");
    let pressed = request.method() != Method::GET;
    Some(if live || pressed { refusal::signed_out() } else { to("/login") })
}

/// Go there.
pub fn to(place: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((header::LOCATION, place)).finish()
}

/// The cookie of a session: out of reach for scripts and for other sites.
pub fn session_cookie(value: &str, headers: &HeaderMap) -> Cookie<'static> {
    let secure = headers.get("x-forwarded-proto").is_some_and(|it| it == "https");
    Cookie::build(COOKIE, value.to_owned())
        .path("/")
        .http_only(true)
        .same_site(SameSite::Strict)
        .secure(secure)
        .finish()
}

/// The cookie that ends one.
pub fn ended_cookie() -> Cookie<'static> {
    let mut cookie = Cookie::build(COOKIE, "").path("/").http_only(true).finish();
    cookie.make_removal();
    cookie
}

fn dressed(
    mut response: ServiceResponse<BoxBody>,
    fresh: Option<Cookie<'static>>,
) -> ServiceResponse<BoxBody> {
    let sets_one = response.headers().contains_key(header::SET_COOKIE);
    if let Some(cookie) = fresh.filter(|_| !sets_one) {
        response.response_mut().add_cookie(&cookie).ok();
    }
    let headers = response.headers_mut();
    for (name, value) in ALWAYS {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    response
}

/// Whether a `Host` names this machine from within: `localhost`, `127.0.0.1:8090`, `[::1]:8090`. The
/// port does not matter: a tunnel has one of its own.
fn is_loopback(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|it| it.is_ascii_digit()) => name,
        Some(_) | None => host,
    };
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost")
        || bare.parse::<IpAddr>().is_ok_and(|it| it.is_loopback())
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|it| it.to_str().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_loopback() {
        for host in ["localhost", "LOCALHOST:8090", "127.0.0.1:8090", "127.8.8.8", "[::1]:8090"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["", "evil.example", "localhost.evil.example", "127.0.0.1.evil.example:80"] {
            assert!(!is_loopback(host), "{host}");
        }
        assert!(!is_loopback("192.0.2.1:8090") && !is_loopback("0.0.0.0:8090"));
    }
}
