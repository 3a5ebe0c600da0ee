//! Why media could not be fetched, by what the caller will do. Repeats nothing that Graph says of a
//! person.

use std::time::Duration;

use super::codes::{Class, class_of, says_gone};
use super::error::{GraphError, Refusal};
use crate::clients::http::{Answer, Cause, HttpError};
use crate::domain::retry::Verdict;

/// Media that could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum MediaError {
    /// Graph knows no such media (any more): the sender must send it again.
    #[error("the media is gone: {0}")]
    Gone(Refusal),
    /// The URL was refused, a fresh one too.
    #[error("the media's URL was refused twice (HTTP {status})")]
    UrlExpired {
        /// The status of the second refusal.
        status: u16,
    },
    /// The bytes are not those that were promised.
    #[error("the media's digest is not the promised one")]
    WrongDigest,
    /// Longer than we take.
    #[error("the media is over {limit} bytes")]
    TooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
    /// Neither a photo nor a PDF, or not of the family that its mime names.
    #[error("the media is not what its mime says")]
    NotWhatItSays,
    /// The URL or a redirect leads to a host that is not in `MEDIA_HOSTS`; it was not contacted.
    #[error("the media is on a host that is not in MEDIA_HOSTS")]
    HostNotAllowed,
    /// The token is dead (0, 190).
    #[error("the access token is dead: {0}")]
    TokenDead(Refusal),
    /// A permission or a policy: the operator must act.
    #[error("fetching is blocked: {0}")]
    Blocked(Refusal),
    /// Not now.
    #[error("not now: {refusal}")]
    SlowDown {
        /// Meta's wish, where it had one.
        retry_after: Option<Duration>,
        /// What it said.
        refusal: Refusal,
    },
    /// No whole answer came in time.
    #[error("the media could not be reached")]
    Unreachable(#[source] Cause),
    /// Other media took all the memory that there is for media, for as long as we had.
    #[error("no room in memory for the media in time")]
    NoRoom,
    /// An answer that makes no sense, or a code that we do not know.
    #[error("an answer that makes no sense: {0}")]
    Unreadable(Refusal),
}

impl MediaError {
    /// What becomes of the job that fetches. Reading is harmless, so all but the clear and final
    /// refusals are tried again, by id and thus with a fresh URL.
    pub fn verdict(&self) -> Verdict {
        match self {
            Self::SlowDown { retry_after, .. } => Verdict::slow_down(*retry_after),
            Self::TokenDead(_) => Verdict::PauseNumber,
            Self::Blocked(_) => Verdict::Halt,
            Self::Gone(_) | Self::TooLarge { .. } | Self::NotWhatItSays => Verdict::GiveUp,
            Self::UrlExpired { .. }
            | Self::WrongDigest
            | Self::HostNotAllowed
            | Self::Unreachable(_)
            | Self::NoRoom
            | Self::Unreadable(_) => Verdict::Retry,
        }
    }
}

/// What a refusal means for the media that was asked for.
pub(super) fn refused(answer: &Answer) -> MediaError {
    let told = GraphError::read(&answer.body);
    let refusal = told.refusal(answer.status);
    let retry_after = answer.retry_after();
    if told.code.is_some_and(|code| says_gone(code, told.subcode)) {
        return MediaError::Gone(refusal);
    }
    match told.code.and_then(|code| class_of(code, told.subcode)) {
        Some(Class::Token) => MediaError::TokenDead(refusal),
        Some(Class::Blocked) => MediaError::Blocked(refusal),
        Some(Class::Later | Class::Unsure | Class::Pair | Class::Hold) => {
            MediaError::SlowDown { retry_after, refusal }
        }
        Some(
            Class::WindowClosed
            | Class::Recipient
            | Class::OptedOut
            | Class::Template
            | Class::TemplateContent
            | Class::Request,
        ) => MediaError::Unreadable(refusal),
        None => by_status(answer.status, refusal, retry_after),
    }
}

fn by_status(status: u16, refusal: Refusal, retry_after: Option<Duration>) -> MediaError {
    match status {
        401 => MediaError::TokenDead(refusal),
        404 | 410 => MediaError::Gone(refusal),
        408 | 429 | 500.. => MediaError::SlowDown { retry_after, refusal },
        _ => MediaError::Unreadable(refusal),
    }
}

impl From<HttpError> for MediaError {
    fn from(error: HttpError) -> Self {
        match error {
            HttpError::TooLarge { limit } => Self::TooLarge { limit },
            HttpError::NotSent(_) | HttpError::OutcomeUnknown(_) => Self::Unreachable(error.into()),
        }
    }
}
