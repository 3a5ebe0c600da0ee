//! Why Stripe did not do it, by what the caller will do about it. Holds kinds, codes and request
//! ids only: Stripe's words may quote what was sent.

use std::fmt;
use std::time::Duration;

use serde_json::Value;
use stripe_client_core::StripeClientErr;

use crate::clients::http::{Answer, Cause, HttpError, support_id};
use crate::domain::retry::Verdict;

/// A call to Stripe that brought nothing.
#[derive(Debug, thiserror::Error)]
pub enum StripeError {
    /// Over a rate (429). Nothing was done.
    #[error("not now: {refusal}")]
    SlowDown {
        /// Stripe's wish, where it had one.
        retry_after: Option<Duration>,
        /// What it said.
        refusal: Refusal,
    },
    /// The key is wrong, or may not do this (401, 403): the operator must act.
    #[error("the API key is not accepted: {0}")]
    Unauthorized(Refusal),
    /// A read that brought no answer, or a write that surely was not sent.
    #[error("Stripe could not be reached")]
    Unreachable(#[source] Cause),
    /// A write without an answer: it may have been done. The same key again tells.
    #[error("nobody knows whether it was done")]
    OutcomeUnknown(#[source] Cause),
    /// Stripe failed inside (5xx). Of a write: the key now repeats this failure for a day, and
    /// the customer may be there all the same; look for it, then take a new key.
    #[error("Stripe failed: {0}")]
    ServerFailed(Refusal),
    /// A request with this key is still running (409): wait.
    #[error("another request with the same idempotency key is running: {0}")]
    KeyInUse(Refusal),
    /// The key was used with other parameters: look for what they created, then take a new key.
    #[error("the idempotency key was used with other parameters: {0}")]
    KeyReused(Refusal),
    /// Search is not to be had (merchants in India): list instead.
    #[error("search is refused: {0}")]
    SearchUnavailable(Refusal),
    /// A list that was not seen to its end: who was looked for may be on the rest of it.
    #[error("more customers than are looked through one by one")]
    TooMany,
    /// Refused as it stands.
    #[error("refused: {0}")]
    Refused(Refusal),
    /// An answer that async-stripe cannot read.
    #[error("an answer that cannot be read")]
    Unreadable,
    /// Our bug: it was not even sent.
    #[error("not a request: {0}")]
    Malformed(&'static str),
}

/// What Stripe said, without its words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// Stripe's `type`, for example `invalid_request_error`.
    pub kind: Option<String>,
    /// Stripe's `code`, for example `resource_missing`.
    pub code: Option<String>,
    /// What Stripe's support asks for.
    pub request_id: Option<String>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HTTP {}", self.status)?;
        for word in [&self.kind, &self.code, &self.request_id].into_iter().flatten() {
            write!(f, ", {word}")?;
        }
        Ok(())
    }
}

impl StripeError {
    /// What becomes of the job that asked.
    pub fn verdict(&self) -> Verdict {
        match self {
            Self::SlowDown { retry_after, .. } => Verdict::slow_down(*retry_after),
            Self::Unauthorized(_) | Self::SearchUnavailable(_) | Self::TooMany => Verdict::Halt,
            Self::Unreachable(_)
            | Self::OutcomeUnknown(_)
            | Self::ServerFailed(_)
            | Self::KeyInUse(_)
            | Self::KeyReused(_) => Verdict::Retry,
            Self::Refused(_) | Self::Unreadable | Self::Malformed(_) => Verdict::GiveUp,
        }
    }

    /// Whether Stripe has nothing of that id (any more, or in this account).
    pub(super) fn is_missing(&self) -> bool {
        let code = match self {
            Self::Refused(refusal) => refusal.code.as_deref(),
            _ => None,
        };
        code == Some("resource_missing")
    }

    /// Whether the idempotency key will never bring a customer any more: count the try up.
    pub fn spends_the_key(&self) -> bool {
        matches!(self, Self::ServerFailed(_) | Self::KeyReused(_))
    }

    /// The same of a search: its query is always well formed, so that it is not the query that
    /// was refused.
    pub(super) fn of_search(self) -> Self {
        match self {
            Self::Refused(refusal) => Self::SearchUnavailable(refusal),
            other => other,
        }
    }

    pub(super) fn no_answer(error: HttpError, writes: bool) -> Self {
        match error {
            HttpError::OutcomeUnknown(_) | HttpError::TooLarge { .. } if writes => {
                Self::OutcomeUnknown(error.into())
            }
            HttpError::NotSent(_) | HttpError::OutcomeUnknown(_) | HttpError::TooLarge { .. } => {
                Self::Unreachable(error.into())
            }
        }
    }

    pub(super) fn refused(answer: &Answer) -> Self {
        let refusal = Refusal::read(answer);
        let code = refusal.code.as_deref();
        match answer.status {
            429 => Self::SlowDown { retry_after: answer.retry_after(), refusal },
            401 | 403 => Self::Unauthorized(refusal),
            // 408: the request came too slowly; whether it was done is not said.
            408 | 500.. => Self::ServerFailed(refusal),
            _ if code == Some("idempotency_key_in_use") => Self::KeyInUse(refusal),
            _ if refusal.kind.as_deref() == Some("idempotency_error") => Self::KeyReused(refusal),
            409 | 424 => Self::KeyInUse(refusal),
            _ => Self::Refused(refusal),
        }
    }
}

impl Refusal {
    /// Never fails: a page of a proxy is a refusal without a kind.
    fn read(answer: &Answer) -> Self {
        let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let word = |name: &str| body["error"][name].as_str().and_then(support_id);
        Self {
            status: answer.status,
            kind: word("type"),
            code: word("code"),
            request_id: answer.request_id("request-id"),
        }
    }
}

impl StripeClientErr for StripeError {
    /// The message is dropped: it may quote the answer.
    fn deserialize_err(_: impl fmt::Display) -> Self {
        Self::Unreadable
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(status: u16, body: &str, expected: &str, verdict: Verdict) {
        let refused = StripeError::refused(&Answer::for_test(status, body));
        let shown = format!("{refused:?}");
        assert!(shown.starts_with(expected), "HTTP {status} {body}: {shown}, want {expected}");
        assert_eq!(refused.verdict(), verdict, "{shown}");
    }

    #[test]
    fn the_cause_chooses_the_fate() {
        check(
            429,
            r#"{"error":{"type":"invalid_request_error","code":"lock_timeout"}}"#,
            "SlowDown",
            Verdict::Retry,
        );
        check(401, r#"{"error":{"type":"invalid_request_error"}}"#, "Unauthorized", Verdict::Halt);
        check(500, r#"{"error":{"type":"api_error"}}"#, "ServerFailed", Verdict::Retry);
        check(502, "<html>", "ServerFailed", Verdict::Retry);
        check(400, r#"{"error":{"type":"idempotency_error"}}"#, "KeyReused", Verdict::Retry);
        check(
            409,
            r#"{"error":{"type":"idempotency_error","code":"idempotency_key_in_use"}}"#,
            "KeyInUse",
            Verdict::Retry,
        );
        check(
            400,
            r#"{"error":{"type":"invalid_request_error","code":"parameter_unknown"}}"#,
            "Refused",
            Verdict::GiveUp,
        );
    }

    #[test]
    fn a_write_without_an_answer_is_not_a_failure_and_a_read_is() {
        let cut = || HttpError::OutcomeUnknown("cut".into());
        assert!(matches!(StripeError::no_answer(cut(), true), StripeError::OutcomeUnknown(_)));
        assert!(matches!(StripeError::no_answer(cut(), false), StripeError::Unreachable(_)));
        let unsent = HttpError::NotSent("refused".into());
        assert!(matches!(StripeError::no_answer(unsent, true), StripeError::Unreachable(_)));
    }

    #[test]
    fn what_stripe_says_of_a_person_is_not_repeated() {
        let body =
            r#"{"error":{"type":"invalid_request_error","code":"x","message":"+420777123456"}}"#;
        let refused = StripeError::refused(&Answer::for_test(400, body));
        assert_eq!(refused.to_string(), "refused: HTTP 400, invalid_request_error, x");
        assert!(!format!("{refused:?}").contains("420777123456"));
    }
}
