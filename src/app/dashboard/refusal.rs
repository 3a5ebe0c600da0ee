//! Why a page or an act is not to be had, as a status code and words that say what to do. Nothing of
//! what was asked for is repeated: it may be somebody's number.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, ContentType, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use maud::{Markup, html};
use tracing::warn;

use super::shell;
use crate::store::StoreError;

/// Why not.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// There is no such row (any more).
    #[error("there is no such thing here, or not any more")]
    NotFound,
    /// What was typed cannot be taken; nothing was changed. In words for whoever typed it.
    #[error("{0}")]
    BadInput(String),
    /// Somebody else was faster; nothing was changed.
    #[error("it was changed meanwhile; look at it as it is now, then decide again")]
    Changed,
    /// The form is not one of this session's.
    #[error("the form is too old, or not from this dashboard; go back, reload the page, try again")]
    Form,
    /// Too many wrong passwords.
    #[error("too many wrong passwords; try again in {0} s")]
    Wait(i64),
    /// Postgres does not do it.
    #[error("Postgres does not answer as it should; nothing was changed")]
    Postgres(#[source] StoreError),
    /// A mistake of ours.
    #[error("something broke here; the log says what")]
    Broken,
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Missing { .. } => Self::NotFound,
            StoreError::Overtaken { .. } => Self::Changed,
            StoreError::Postgres(_) | StoreError::Unreadable { .. } => Self::Postgres(error),
        }
    }
}

impl ResponseError for Refusal {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::BadInput(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Changed => StatusCode::CONFLICT,
            Self::Form => StatusCode::FORBIDDEN,
            Self::Wait(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Postgres(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Broken => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn error_response(&self) -> HttpResponse {
        if let Self::Postgres(error) = self {
            warn!("a page of the dashboard was not to be had: {error}");
        }
        let page = page("That did not work", &self.to_string());
        let mut answer = shell::answer(self.status_code(), page);
        if let Self::Wait(seconds) = self {
            answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(*seconds));
        }
        answer
    }
}

/// The request names a host that is not this machine.
pub fn not_this_host() -> HttpResponse {
    HttpResponse::MisdirectedRequest().content_type(ContentType::plaintext()).body(
        "Without a password this dashboard answers to localhost only. Use http://localhost or an SSH \
         tunnel, or set DASHBOARD_PASSWORD_HASH.\n",
    )
}

/// Another site's page sent it, or nobody says whose did.
pub fn foreign_page() -> HttpResponse {
    HttpResponse::Forbidden()
        .content_type(ContentType::plaintext())
        .body("Refused: this was not sent by a page of this dashboard.\n")
}

/// The session is over.
pub fn signed_out() -> HttpResponse {
    let words = "the session is over; sign in again, nothing was changed";
    shell::answer(StatusCode::UNAUTHORIZED, page("Signed out", words))
}

fn page(title: &str, words: &str) -> Markup {
    let body = html! {
        h1 { (title) }
        p { (shell::sentence(words)) }
        p { a href="/" { "Overview" } }
    };
    shell::bare(title, &body)
}
