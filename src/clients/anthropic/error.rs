//! Why a page was not read, by what the caller will do about it. Holds kinds and request ids
//! only: neither the page nor the model's words.

use std::fmt;
use std::time::Duration;

use serde_json::Value;

use crate::clients::http::{Answer, Cause, HttpError, support_id};
use crate::domain::retry::Verdict;

/// A page that was not read. Reading changes nothing, so that asking again is only a matter of
/// price; with several engines the next one is asked instead.
#[derive(Debug, thiserror::Error)]
pub enum AnthropicError {
    /// Over a rate (429), or overloaded (529).
    #[error("not now: {refusal}")]
    SlowDown {
        /// Anthropic's wish, where it had one.
        retry_after: Option<Duration>,
        /// What it said.
        refusal: Refusal,
    },
    /// The key, the account's credit or the model's name is wrong: the operator must act.
    #[error("the account cannot be used: {0}")]
    Unauthorized(Refusal),
    /// The page is larger than the API takes.
    #[error("the page is too large")]
    TooLarge,
    /// In no format that the API takes (HEIC), or in none at all.
    #[error("not a JPEG, PNG, WebP or PDF")]
    NotReadable,
    /// The model declined to read this page.
    #[error("the model declined")]
    Refused,
    /// The answer did not fit into its limit of tokens.
    #[error("the answer was cut short")]
    CutShort,
    /// An answer that is not of the form that was asked for.
    #[error("an answer that cannot be read")]
    Unreadable,
    /// Refused as it stands: a broken picture, or our bug.
    #[error("refused: {0}")]
    Rejected(Refusal),
    /// Anthropic failed inside (5xx).
    #[error("Anthropic failed: {0}")]
    ServerFailed(Refusal),
    /// No whole answer came in time.
    #[error("Anthropic could not be reached")]
    Unreachable(#[source] Cause),
}

/// What Anthropic said, without its words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// Anthropic's `type`, for example `rate_limit_error`.
    pub kind: Option<String>,
    /// What Anthropic's support asks for.
    pub request_id: Option<String>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HTTP {}", self.status)?;
        for word in [&self.kind, &self.request_id].into_iter().flatten() {
            write!(f, ", {word}")?;
        }
        Ok(())
    }
}

impl AnthropicError {
    /// What becomes of the job, where no other engine can be asked.
    pub fn verdict(&self) -> Verdict {
        match self {
            Self::SlowDown { retry_after, .. } => Verdict::slow_down(*retry_after),
            Self::Unauthorized(_) => Verdict::Halt,
            Self::CutShort | Self::Unreadable | Self::ServerFailed(_) | Self::Unreachable(_) => {
                Verdict::Retry
            }
            Self::TooLarge | Self::NotReadable | Self::Refused | Self::Rejected(_) => {
                Verdict::GiveUp
            }
        }
    }

    pub(super) fn refused(answer: &Answer) -> Self {
        let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let refusal = Refusal {
            status: answer.status,
            kind: body["error"]["type"].as_str().and_then(support_id),
            request_id: answer.request_id("request-id"),
        };
        match answer.status {
            429 | 529 => Self::SlowDown { retry_after: answer.retry_after(), refusal },
            401..=404 => Self::Unauthorized(refusal),
            413 => Self::TooLarge,
            400 if is_out_of_credit(&body) => Self::Unauthorized(refusal),
            // 408: our request came too slowly. It is as good as it was.
            408 | 500.. => Self::ServerFailed(refusal),
            _ => Self::Rejected(refusal),
        }
    }
}

/// An empty account answers 400 like a bad request; only its words tell the difference.
fn is_out_of_credit(body: &Value) -> bool {
    let words = body["error"]["message"].as_str().unwrap_or_default();
    words.to_ascii_lowercase().contains("credit balance")
}

impl From<HttpError> for AnthropicError {
    fn from(error: HttpError) -> Self {
        Self::Unreachable(error.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(status: u16, kind: &str, message: &str, expected: &str, verdict: Verdict) {
        let body = format!(r#"{{"error":{{"type":"{kind}","message":"{message}"}}}}"#);
        let refused = AnthropicError::refused(&Answer::for_test(status, &body));
        let shown = format!("{refused:?}");
        assert!(shown.starts_with(expected), "HTTP {status} {kind}: {shown}, want {expected}");
        assert_eq!(refused.verdict(), verdict, "{shown}");
    }

    #[test]
    fn the_cause_chooses_the_fate() {
        check(429, "rate_limit_error", "", "SlowDown", Verdict::Retry);
        check(408, "", "", "ServerFailed", Verdict::Retry);
        check(529, "overloaded_error", "", "SlowDown", Verdict::Retry);
        check(401, "authentication_error", "", "Unauthorized", Verdict::Halt);
        check(403, "permission_error", "", "Unauthorized", Verdict::Halt);
        check(404, "not_found_error", "model: x", "Unauthorized", Verdict::Halt);
        check(413, "request_too_large", "", "TooLarge", Verdict::GiveUp);
        check(400, "invalid_request_error", "image", "Rejected", Verdict::GiveUp);
        check(500, "api_error", "", "ServerFailed", Verdict::Retry);
    }

    #[test]
    fn an_empty_account_is_not_a_bad_picture() {
        let words = "Your credit balance is too low to access the API";
        check(400, "invalid_request_error", words, "Unauthorized", Verdict::Halt);
    }
}
