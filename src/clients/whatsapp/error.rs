//! Why a message could not be sent, by what the caller will do about it. Holds codes and ids for
//! Meta's support only: neither a recipient nor a text nor Meta's words, which may quote both.

use std::fmt;
use std::time::Duration;

use serde_json::Value;

use super::codes::{Class, class_of};
use crate::clients::http::{Answer, Cause, HttpError, support_id};
use crate::domain::retry::{LONGEST_WAIT, Verdict};

/// How long a number rests that Meta has slowed down for what it sends.
const HELD_FOR: Duration = Duration::from_hours(1);

/// For whom nothing more may be sent, and how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// The number that sends.
    Number(Duration),
    /// The number and this one person.
    Pair(Duration),
}

impl Rest {
    /// How long.
    pub fn length(self) -> Duration {
        match self {
            Self::Number(rest) | Self::Pair(rest) => rest,
        }
    }
}

/// A message that was not sent, or of which nobody knows.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// Over 24 hours since the person wrote (131047): send the template instead.
    #[error("the 24-hour window is closed: {0}")]
    WindowClosed(Refusal),
    /// Not now: over a rate, or Meta is down. Nothing was sent.
    #[error("not now: {refusal}")]
    SlowDown {
        /// Meta's wish, where it had one.
        retry_after: Option<Duration>,
        /// What it said.
        refusal: Refusal,
    },
    /// Too much to this one person (131056): see [`SendError::rest`]. Nothing was sent.
    #[error("too many messages to one person: {0}")]
    PairLimit(Refusal),
    /// Slowed down for what is being sent (spam, messaging limit): rest long, tell the operator.
    #[error("held back: {0}")]
    Held(Refusal),
    /// It may have been sent. Settle it by the status webhook that echoes the attempt before
    /// anything is sent again.
    #[error("nobody knows whether it was sent")]
    OutcomeUnknown(#[source] Cause),
    /// No connection was made: surely nothing was sent.
    #[error("not sent")]
    NotSent(#[source] HttpError),
    /// The token is dead (0, 190): the number waits for a new one.
    #[error("the access token is dead: {0}")]
    TokenDead(Refusal),
    /// A permission, a registration, a payment or a policy: the operator must act.
    #[error("sending is blocked: {0}")]
    Blocked(Refusal),
    /// This person cannot be reached by this message. Others can.
    #[error("this recipient cannot receive it: {0}")]
    RecipientCannot(Refusal),
    /// This person has refused marketing: send them no more of it.
    #[error("this recipient has opted out: {0}")]
    OptedOut(Refusal),
    /// The template is not there, not approved, paused or disabled: the operator must act.
    #[error("the template cannot be used: {0}")]
    TemplateUnusable(Refusal),
    /// The template and its parameters do not fit: our bug, or a template of another shape.
    #[error("the template's parameters do not fit: {0}")]
    TemplateMisfit(Refusal),
    /// Refused as it stands: our bug, or a code that we do not know.
    #[error("refused: {0}")]
    Malformed(Refusal),
}

/// What Graph said, without its words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Graph's error code, where there was one.
    pub code: Option<i32>,
    /// The HTTP status; `None` when a status webhook told it.
    pub status: Option<u16>,
    /// What Meta's support asks for (`fbtrace_id`).
    pub trace: Option<String>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            Some(code) => write!(f, "code {code}")?,
            None => f.write_str("no code")?,
        }
        if let Some(status) = self.status {
            write!(f, ", HTTP {status}")?;
        }
        if let Some(trace) = &self.trace {
            write!(f, ", fbtrace_id {trace}")?;
        }
        Ok(())
    }
}

impl SendError {
    /// What becomes of the job that sends, where the caller has no better idea.
    pub fn verdict(&self) -> Verdict {
        match self {
            Self::SlowDown { retry_after, .. } => Verdict::slow_down(*retry_after),
            // The next run finds the window closed, or the attempt that must be settled first.
            Self::WindowClosed(_)
            | Self::OutcomeUnknown(_)
            | Self::PairLimit(_)
            | Self::NotSent(_) => Verdict::Retry,
            Self::Held(_) => Verdict::NotBefore(HELD_FOR),
            Self::TokenDead(_) => Verdict::PauseNumber,
            Self::Blocked(_) | Self::TemplateUnusable(_) => Verdict::Halt,
            Self::RecipientCannot(_)
            | Self::OptedOut(_)
            | Self::TemplateMisfit(_)
            | Self::Malformed(_) => Verdict::GiveUp,
        }
    }

    /// The rest that Meta wants after the `refusals`-th refusal in a row (from 1); `None` where
    /// resting is not what it asks. For one person 4^refusals seconds, at most some 17 minutes; for
    /// a number its `Retry-After`, else 2^refusals seconds, at most some four minutes; an hour where
    /// what is sent is the trouble. Source: Meta, "Error codes".
    pub fn rest(&self, refusals: u32) -> Option<Rest> {
        match self {
            Self::PairLimit(_) => {
                Some(Rest::Pair(Duration::from_secs(4u64.pow(refusals.clamp(1, 5)))))
            }
            Self::SlowDown { retry_after, .. } => {
                let doubled = Duration::from_secs(2u64.pow(refusals.clamp(1, 8)));
                Some(Rest::Number(retry_after.unwrap_or(doubled).min(LONGEST_WAIT)))
            }
            Self::Held(_) => Some(Rest::Number(HELD_FOR)),
            Self::WindowClosed(_)
            | Self::OutcomeUnknown(_)
            | Self::NotSent(_)
            | Self::TokenDead(_)
            | Self::Blocked(_)
            | Self::RecipientCannot(_)
            | Self::OptedOut(_)
            | Self::TemplateUnusable(_)
            | Self::TemplateMisfit(_)
            | Self::Malformed(_) => None,
        }
    }

    /// The same classes for a code that a `failed` status webhook told.
    pub fn of_failed_status(code: i32) -> Self {
        let refusal = Refusal { code: Some(code), status: None, trace: None };
        match class_of(code, None) {
            Some(class) => Self::of_class(class, refusal, None),
            None => Self::Malformed(refusal),
        }
    }

    pub(super) fn refused(answer: &Answer) -> Self {
        let told = GraphError::read(&answer.body);
        let refusal = told.refusal(answer.status);
        let retry_after = answer.retry_after();
        match told.code.and_then(|code| class_of(code, told.subcode)) {
            Some(class) => Self::of_class(class, refusal, retry_after),
            None if told.transient && answer.status < 500 => {
                Self::SlowDown { retry_after, refusal }
            }
            None => Self::by_status(answer.status, refusal, retry_after),
        }
    }

    fn of_class(class: Class, refusal: Refusal, retry_after: Option<Duration>) -> Self {
        match class {
            Class::Later => Self::SlowDown { retry_after, refusal },
            Class::Unsure => Self::OutcomeUnknown(refusal.to_string().into()),
            Class::Pair => Self::PairLimit(refusal),
            Class::Hold => Self::Held(refusal),
            Class::WindowClosed => Self::WindowClosed(refusal),
            Class::Token => Self::TokenDead(refusal),
            Class::Blocked => Self::Blocked(refusal),
            Class::Recipient => Self::RecipientCannot(refusal),
            Class::OptedOut => Self::OptedOut(refusal),
            Class::Template => Self::TemplateUnusable(refusal),
            Class::TemplateContent => Self::TemplateMisfit(refusal),
            Class::Request => Self::Malformed(refusal),
        }
    }

    /// Without a code that we know, the status is all that there is.
    fn by_status(status: u16, refusal: Refusal, retry_after: Option<Duration>) -> Self {
        match status {
            401 => Self::TokenDead(refusal),
            403 => Self::Blocked(refusal),
            429 => Self::SlowDown { retry_after, refusal },
            408 | 500.. => Self::OutcomeUnknown(refusal.to_string().into()),
            _ => Self::Malformed(refusal),
        }
    }
}

impl From<HttpError> for SendError {
    fn from(error: HttpError) -> Self {
        match error {
            HttpError::NotSent(_) => Self::NotSent(error),
            HttpError::OutcomeUnknown(_) | HttpError::TooLarge { .. } => {
                Self::OutcomeUnknown(error.into())
            }
        }
    }
}

/// Graph's error object, as much of it as is there and makes sense.
pub(super) struct GraphError {
    pub code: Option<i32>,
    pub subcode: Option<i32>,
    pub transient: bool,
    trace: Option<String>,
}

impl GraphError {
    /// Never fails: a page of a proxy is an error without a code.
    pub fn read(body: &[u8]) -> Self {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let error = &body["error"];
        Self {
            code: number(&error["code"]),
            subcode: number(&error["error_subcode"]),
            transient: error["is_transient"] == Value::Bool(true),
            trace: error["fbtrace_id"].as_str().and_then(support_id),
        }
    }

    pub fn refusal(&self, status: u16) -> Refusal {
        Refusal { code: self.code, status: Some(status), trace: self.trace.clone() }
    }
}

fn number(value: &Value) -> Option<i32> {
    match value {
        Value::String(text) => text.parse().ok(),
        other => other.as_i64().and_then(|it| i32::try_from(it).ok()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(status: u16, body: &str, expected: &str) {
        let refused = SendError::refused(&Answer::for_test(status, body));
        let shown = format!("{refused:?}");
        assert!(shown.starts_with(expected), "HTTP {status} {body}: {shown}, want {expected}");
    }

    #[test]
    fn the_code_decides_whatever_the_status() {
        for status in [400, 403, 429, 500] {
            check(status, r#"{"error":{"code":130429}}"#, "SlowDown");
            check(status, r#"{"error":{"code":131047}}"#, "WindowClosed");
            check(status, r#"{"error":{"code":"190"}}"#, "TokenDead");
            check(status, r#"{"error":{"code":131026}}"#, "RecipientCannot");
            check(status, r#"{"error":{"code":131056}}"#, "PairLimit");
            check(status, r#"{"error":{"code":132001}}"#, "TemplateUnusable");
            check(status, r#"{"error":{"code":132000}}"#, "TemplateMisfit");
            check(status, r#"{"error":{"code":2,"is_transient":true}}"#, "OutcomeUnknown");
        }
    }

    #[test]
    fn without_a_code_the_status_decides() {
        check(500, r#"{"error":{"message":"Internal Server Error"}}"#, "OutcomeUnknown");
        check(502, "<html>", "OutcomeUnknown");
        check(429, "", "SlowDown");
        check(408, "", "OutcomeUnknown");
        check(401, "", "TokenDead");
        check(403, "", "Blocked");
        check(400, "", "Malformed");
        check(400, r#"{"error":{"code":999999,"is_transient":true}}"#, "SlowDown");
        check(400, r#"{"error":{"code":999999}}"#, "Malformed");
    }

    #[test]
    fn what_meta_says_of_a_person_is_not_repeated() {
        let body = r#"{"error":{"message":"(#131030) 420777123456 not in list","code":131030,
            "error_data":{"details":"420777123456"},"fbtrace_id":"AI5Ob2z72R0JAUB5zOF-nao"}}"#;
        let refused = SendError::refused(&Answer::for_test(400, body));
        assert_eq!(
            refused.to_string(),
            "this recipient cannot receive it: code 131030, HTTP 400, \
             fbtrace_id AI5Ob2z72R0JAUB5zOF-nao"
        );
        assert!(!format!("{refused:?}").contains("420777123456"));
    }

    #[test]
    fn a_dead_token_burns_nothing_and_a_dead_recipient_no_retries() {
        assert_eq!(SendError::of_failed_status(190).verdict(), Verdict::PauseNumber);
        assert_eq!(SendError::of_failed_status(131_026).verdict(), Verdict::GiveUp);
        assert_eq!(SendError::of_failed_status(131_048).verdict(), Verdict::NotBefore(HELD_FOR));
        assert_eq!(SendError::of_failed_status(131_016).verdict(), Verdict::Retry);
    }

    #[test]
    fn a_rest_grows_and_ends() {
        let rests = |code| {
            let refused = SendError::of_failed_status(code);
            [1, 2, 3, 50].map(|it| refused.rest(it))
        };
        let pair = |s| Some(Rest::Pair(Duration::from_secs(s)));
        let number = |s| Some(Rest::Number(Duration::from_secs(s)));
        assert_eq!(rests(131_056), [4, 16, 64, 1024].map(pair));
        assert_eq!(rests(130_429), [2, 4, 8, 256].map(number));
        assert_eq!(rests(131_048), [3600; 4].map(number));
        assert_eq!(rests(131_047), [None; 4]);
    }
}
