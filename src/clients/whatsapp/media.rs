//! Fetching what was sent to us, in Meta's two steps: the object by its id, then the bytes by the
//! object's URL (valid for 5 minutes). Keeps nothing, decodes nothing, and hands the token to
//! Meta's hosts only.

use std::time::Duration;

use reqwest::Url;
use reqwest::header::AUTHORIZATION;
use serde::Deserialize;
use tokio::time::Instant;

use super::WhatsApp;
use super::codes::{Class, class_of, says_gone};
use super::error::{GraphError, Refusal};
use crate::clients::format::Format;
use crate::clients::http::{Answer, Cause, HttpError};
use crate::domain::ids::{PhoneNumberId, Sha256};
use crate::domain::inbound::MediaRef;
use crate::domain::retry::Verdict;

/// Lookaside answers itself; a CDN in between costs one redirect.
const REDIRECTS: usize = 2;

/// A photo or document, proven to be the one that was sent.
#[derive(Clone)]
pub struct FetchedMedia {
    /// The bytes, as the sender's phone uploaded them.
    pub bytes: Vec<u8>,
    /// What their first bytes show, whatever Graph calls them: `image/jpeg`, `image/png`,
    /// `image/webp`, `image/heic` or `application/pdf`, and nothing else.
    pub mime: String,
    /// Their digest, computed from them.
    pub sha256: Sha256,
}

impl std::fmt::Debug for FetchedMedia {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FetchedMedia({} bytes, {})", self.bytes.len(), self.mime)
    }
}

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
            | Self::Unreadable(_) => Verdict::Retry,
        }
    }
}

/// Graph's media object. Its `file_size` is a number here and a string there, so the cap on the
/// bytes themselves decides.
#[derive(Deserialize)]
struct MediaObject {
    url: String,
    mime_type: Option<String>,
    sha256: Option<String>,
}

/// When to stop.
#[derive(Clone, Copy)]
struct Deadline(Instant);

impl Deadline {
    fn left(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }
}

impl WhatsApp {
    /// Fetches `media` in `within` altogether, at most `max_bytes` of it; `number` (where given)
    /// makes Graph check that the media belongs to it. A URL that is refused is asked for once
    /// more. The bytes are checked against Graph's digest and the webhook's. May be repeated.
    pub async fn fetch_media(
        &self,
        media: &MediaRef,
        number: Option<&PhoneNumberId>,
        max_bytes: usize,
        within: Duration,
    ) -> Result<FetchedMedia, MediaError> {
        let deadline = Deadline(Instant::now() + within);
        let mut last_try = false;
        loop {
            let object = self.media_object(media, number, deadline).await?;
            match self.media_bytes(&object.url, max_bytes, deadline).await {
                Err(MediaError::UrlExpired { .. }) if !last_try => last_try = true,
                outcome => return proven(outcome?, object, media),
            }
        }
    }

    async fn media_object(
        &self,
        media: &MediaRef,
        number: Option<&PhoneNumberId>,
        deadline: Deadline,
    ) -> Result<MediaObject, MediaError> {
        let mut url = self.base.join(&[media.id.as_str()]);
        if let Some(number) = number {
            url.query_pairs_mut().append_pair("phone_number_id", number.as_str());
        }
        let call = self
            .http
            .get(url, "/{media-id}", deadline.left())
            .header(AUTHORIZATION, self.bearer.header());
        let answer = call.send().await?;
        if !answer.is_success() {
            return Err(refused(&answer));
        }
        answer
            .json()
            .map_err(|_| MediaError::Unreadable(GraphError::read(&[]).refusal(answer.status)))
    }

    async fn media_bytes(
        &self,
        url: &str,
        max_bytes: usize,
        deadline: Deadline,
    ) -> Result<Vec<u8>, MediaError> {
        let mut url = Url::parse(url).map_err(|_| MediaError::HostNotAllowed)?;
        for _ in 0..=REDIRECTS {
            if !self.media_hosts.allow(&url) {
                return Err(MediaError::HostNotAllowed);
            }
            let call = self.http.get(url.clone(), "media bytes", deadline.left());
            let answer =
                call.header(AUTHORIZATION, self.bearer.header()).at_most(max_bytes).send().await?;
            match answer.status {
                200 => return Ok(answer.body),
                301 | 302 | 303 | 307 | 308 => url = target(&url, &answer)?,
                // 401 from a CDN is about the URL: Graph itself says when the token is dead.
                status @ (401 | 403 | 404 | 410) => return Err(MediaError::UrlExpired { status }),
                _ => return Err(refused(&answer)),
            }
        }
        Err(MediaError::Unreachable("too many redirects".into()))
    }
}

fn target(from: &Url, answer: &Answer) -> Result<Url, MediaError> {
    let location = answer.header("location").ok_or(MediaError::HostNotAllowed)?;
    from.join(location).map_err(|_| MediaError::HostNotAllowed)
}

/// Holds the bytes against every digest that was promised, and against the family that Graph's
/// mime names. Of Graph's words no more is passed on.
fn proven(
    bytes: Vec<u8>,
    object: MediaObject,
    media: &MediaRef,
) -> Result<FetchedMedia, MediaError> {
    let sha256 = Sha256::of(&bytes);
    let by_graph = object.sha256.as_deref().and_then(Sha256::parse);
    if [by_graph, media.sha256].into_iter().flatten().any(|it| it != sha256) {
        return Err(MediaError::WrongDigest);
    }
    let called = object.mime_type.unwrap_or_default();
    let format = Format::of(&bytes)
        .filter(|it| it.may_be_called(&called))
        .ok_or(MediaError::NotWhatItSays)?;
    Ok(FetchedMedia { bytes, mime: format.mime().to_owned(), sha256 })
}

fn refused(answer: &Answer) -> MediaError {
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
        429 | 500.. => MediaError::SlowDown { retry_after, refusal },
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::MediaId;

    #[test]
    fn what_graph_calls_a_photo_reaches_no_table_of_ours() {
        let photo = b"\xff\xd8\xff\xe0 a photo".to_vec();
        let media =
            MediaRef { id: MediaId::parse("9").unwrap(), mime: String::new(), sha256: None };
        // In a text column a NUL would fail the whole batch, for ever.
        for called in [r#""image/jpeg\u0000""#, r#""x\ny""#, r#""""#, "null"] {
            let object = format!(r#"{{"url":"https://example.com","mime_type":{called}}}"#);
            let object = serde_json::from_str(&object).unwrap();
            assert_eq!(proven(photo.clone(), object, &media).unwrap().mime, "image/jpeg");
        }
    }
}
