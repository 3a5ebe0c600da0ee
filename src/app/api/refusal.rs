//! Why the API does not do what it is asked, as problem details (RFC 9457). Says nothing of what the
//! caller may not see.

use std::fmt;

use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::correction::Unbelievable;
use crate::domain::access::Scope;
use crate::store::StoreError;

/// Whoever meets a Postgres that is away may come back after so many seconds.
const AGAIN_S: u64 = 5;

/// Why it was not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No key, or none that is good.
    NoKey,
    /// The key may not do that.
    Scope(Scope),
    /// It is not there, or not for this key to see.
    NotFound,
    /// The path is there, for other methods.
    Method(&'static str),
    /// It cannot be read, and why.
    BadInput(String),
    /// It is longer than is taken.
    TooLarge,
    /// It cannot be done as things stand, and why.
    Conflict(&'static str),
    /// It can be read, and makes no sense: which member, and why.
    Invalid(String),
    /// The key asks too often; how many seconds to wait.
    SlowDown(u64),
    /// Postgres is away.
    Unavailable,
    /// Ours is the mistake.
    Broken,
}

/// Problem details (RFC 9457), as `application/problem+json`.
#[derive(Serialize, ToSchema)]
pub struct Problem {
    /// Always `about:blank`: the status says what kind of problem it is.
    #[serde(rename = "type")]
    #[schema(example = "about:blank")]
    kind: &'static str,
    /// The status in words.
    #[schema(example = "Not Found")]
    title: String,
    /// The HTTP status.
    #[schema(example = 404, minimum = 400, maximum = 599)]
    status: u16,
    /// What is wrong here, and what to do.
    #[schema(example = "there is nothing of that id for this key")]
    detail: String,
}

impl Refusal {
    fn detail(&self) -> String {
        match self {
            Self::NoKey => "send a key that is not revoked, as `Authorization: Bearer pgk_…`; \
                            `paragon keys create` makes one"
                .to_owned(),
            Self::Scope(scope) => format!("this key lacks the scope {}", scope.as_str()),
            Self::NotFound => "there is nothing of that id for this key".to_owned(),
            Self::Method(allowed) => format!("this path takes {allowed}"),
            Self::BadInput(problem) | Self::Invalid(problem) => problem.clone(),
            Self::TooLarge => "at most 64 KiB are taken".to_owned(),
            Self::Conflict(problem) => (*problem).to_owned(),
            Self::SlowDown(seconds) => format!("too many requests; come back in {seconds} s"),
            Self::Unavailable => "the database does not answer; come back in a moment".to_owned(),
            Self::Broken => "that is our mistake, and it is logged".to_owned(),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail())
    }
}

impl ResponseError for Refusal {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::NoKey => StatusCode::UNAUTHORIZED,
            Self::Scope(_) => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Method(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::BadInput(_) => StatusCode::BAD_REQUEST,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::SlowDown(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Broken => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn error_response(&self) -> HttpResponse<BoxBody> {
        let status = self.status_code();
        let problem = Problem {
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or_default().to_owned(),
            status: status.as_u16(),
            detail: self.detail(),
        };
        let mut response = HttpResponse::build(status);
        match self {
            Self::NoKey => {
                response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
            }
            Self::Method(allowed) => {
                response.insert_header((header::ALLOW, *allowed));
            }
            Self::SlowDown(seconds) => {
                response.insert_header((header::RETRY_AFTER, seconds.to_string()));
            }
            Self::Unavailable => {
                response.insert_header((header::RETRY_AFTER, AGAIN_S.to_string()));
            }
            Self::Scope(_)
            | Self::NotFound
            | Self::BadInput(_)
            | Self::TooLarge
            | Self::Conflict(_)
            | Self::Invalid(_)
            | Self::Broken => {}
        }
        response
            .content_type("application/problem+json")
            .body(serde_json::to_string(&problem).unwrap_or_default())
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        if error.is_about_the_data() {
            return Self::BadInput("a text holds what Postgres does not take".to_owned());
        }
        match error {
            StoreError::Missing { .. } => Self::NotFound,
            StoreError::Overtaken { .. } => {
                Self::Conflict("it has changed meanwhile, or was done already; look at it again")
            }
            StoreError::Postgres(_) => {
                tracing::warn!(%error, "a request to the API was not done");
                Self::Unavailable
            }
            StoreError::Unreadable { .. } => {
                tracing::error!(%error, "a request to the API was not done");
                Self::Broken
            }
        }
    }
}

impl From<Unbelievable> for Refusal {
    fn from(it: Unbelievable) -> Self {
        Self::Invalid(format!("{}: {}", it.what, it.problem))
    }
}

/// A body that is not the JSON that is wanted. What was sent is not repeated.
pub fn bad_json(error: actix_web::error::JsonPayloadError, _: &HttpRequest) -> actix_web::Error {
    use actix_web::error::JsonPayloadError as Json;
    match error {
        Json::Overflow { .. } | Json::OverflowKnownLength { .. } => Refusal::TooLarge,
        Json::ContentType => Refusal::BadInput("want Content-Type: application/json".to_owned()),
        Json::Deserialize(error) => Refusal::BadInput(format!("the body: {error}")),
        _ => Refusal::BadInput("the body cannot be read".to_owned()),
    }
    .into()
}

/// A query that is not what is wanted.
#[expect(clippy::needless_pass_by_value, reason = "as actix hands it over")]
pub fn bad_query(error: actix_web::error::QueryPayloadError, _: &HttpRequest) -> actix_web::Error {
    Refusal::BadInput(error.to_string()).into()
}

/// An id that is none is nothing's.
pub fn bad_path(_: actix_web::error::PathError, _: &HttpRequest) -> actix_web::Error {
    Refusal::NotFound.into()
}
