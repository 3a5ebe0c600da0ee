//! Fetching what was sent to us: by the URL that the webhook itself named, or in Meta's two steps, the
//! object by its id, then the bytes by the object's URL (valid for 5 minutes). Keeps nothing, decodes
//! nothing, and hands the token to Meta's hosts only.

use std::time::Duration;

use reqwest::Url;
use reqwest::header::AUTHORIZATION;
use serde::Deserialize;
use tokio::time::{Instant, timeout};

use super::WhatsApp;
use super::error::GraphError;
use super::media_error::{MediaError, refused};
use super::room::{Held, Room};
use crate::clients::format::Format;
use crate::clients::http::Answer;
use crate::domain::ids::{MediaId, PhoneNumberId, Sha256};
use crate::domain::inbound::MediaRef;

/// Lookaside answers itself; a CDN in between costs one redirect.
const REDIRECTS: usize = 2;

const DELETE_WITHIN: Duration = Duration::from_secs(10);

/// A photo or document, proven to be the one that was sent.
pub struct FetchedMedia {
    /// The bytes, as the sender's phone uploaded them.
    pub bytes: Vec<u8>,
    /// What their first bytes show, whatever Graph calls them: `image/jpeg`, `image/png`,
    /// `image/webp`, `image/heic` or `application/pdf`, and nothing else.
    pub mime: String,
    /// Their digest, computed from them.
    pub sha256: Sha256,
    /// How they were had.
    pub way: Way,
    /// The room that they take, where it is counted.
    pub held: Option<Held>,
}

/// How media was had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// In one step, by the URL in the webhook.
    Inline,
    /// In two steps, by its id.
    ById,
}

impl std::fmt::Debug for FetchedMedia {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FetchedMedia({} bytes, {})", self.bytes.len(), self.mime)
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

/// How much may be fetched.
#[derive(Clone, Copy, Debug)]
pub struct Allowance<'a> {
    /// Bytes of one medium.
    pub max_bytes: usize,
    /// Time for all steps of it.
    pub within: Duration,
    /// Where its bytes are counted, with those of others.
    pub room: Option<&'a Room>,
}

/// An allowance that has begun to be used.
#[derive(Clone, Copy)]
struct Limits<'a> {
    max_bytes: usize,
    deadline: Deadline,
    room: Option<&'a Room>,
}

/// Bytes, and the room that they take.
struct Bytes {
    bytes: Vec<u8>,
    held: Option<Held>,
}

impl WhatsApp {
    /// Fetches `media` in `within` altogether, at most `max_bytes` of it. See
    /// [`WhatsApp::fetch_media_in`].
    pub async fn fetch_media(
        &self,
        media: &MediaRef,
        number: Option<&PhoneNumberId>,
        max_bytes: usize,
        within: Duration,
    ) -> Result<FetchedMedia, MediaError> {
        self.fetch_media_in(media, number, Allowance { max_bytes, within, room: None }).await
    }

    /// Fetches `media`: by the URL that the webhook named, where that is on one of Meta's hosts and
    /// the webhook promised a digest to hold the bytes against; else, or when that fails, by its id.
    /// `number` (where given) makes Graph check that the media belongs to it. A URL that is refused
    /// is asked for once more. The bytes are checked against Graph's digest and the webhook's. May
    /// be repeated.
    pub async fn fetch_media_in(
        &self,
        media: &MediaRef,
        number: Option<&PhoneNumberId>,
        allowance: Allowance<'_>,
    ) -> Result<FetchedMedia, MediaError> {
        let Allowance { max_bytes, within, room } = allowance;
        let limits = Limits { max_bytes, deadline: Deadline(Instant::now() + within), room };
        if let Some(fetched) = self.inline(media, limits).await {
            return Ok(fetched);
        }
        let mut last_try = false;
        loop {
            let object = self.media_object(media, number, limits.deadline).await?;
            match self.media_bytes(&object.url, limits).await {
                Err(MediaError::UrlExpired { .. }) if !last_try => last_try = true,
                outcome => return proven(outcome?, object, media),
            }
        }
    }

    /// In one step. `None` when it cannot be had so, for whatever reason: there is another way.
    async fn inline(&self, media: &MediaRef, limits: Limits<'_>) -> Option<FetchedMedia> {
        let (url, _promised) = (media.url.as_ref()?, media.sha256?);
        let bytes = self.media_bytes(url.as_str(), limits).await.ok()?;
        let mime_type = Some(media.mime.clone());
        let object = MediaObject { url: String::new(), mime_type, sha256: None };
        proven(bytes, object, media).ok().map(|it| FetchedMedia { way: Way::Inline, ..it })
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

    /// Deletes `media` at Meta. `false` when Meta has no such media (any more), so that it may be
    /// called again.
    pub async fn delete_media(&self, media: &MediaId) -> Result<bool, MediaError> {
        let url = self.base.join(&[media.as_str()]);
        let call = self.http.delete(url, "/{media-id}", DELETE_WITHIN);
        let answer = call.header(AUTHORIZATION, self.bearer.header()).send().await?;
        if answer.is_success() {
            return Ok(true);
        }
        match refused(&answer) {
            MediaError::Gone(_) => Ok(false),
            error => Err(error),
        }
    }

    async fn media_bytes(&self, url: &str, limits: Limits<'_>) -> Result<Bytes, MediaError> {
        let mut url = Url::parse(url).map_err(|_| MediaError::HostNotAllowed)?;
        for _ in 0..=REDIRECTS {
            if !self.media_hosts.allow(&url) {
                return Err(MediaError::HostNotAllowed);
            }
            let call = self
                .http
                .get(url.clone(), "media bytes", limits.deadline.left())
                .header(AUTHORIZATION, self.bearer.header())
                .at_most(limits.max_bytes);
            let begun = call.begin().await?;
            let mut held = room_for(begun.most_bytes(), limits).await?;
            let answer = begun.finish().await?;
            match answer.status {
                200 => {
                    if let Some(held) = &mut held {
                        held.shrink_to(answer.body.len());
                    }
                    return Ok(Bytes { bytes: answer.body, held });
                }
                301 | 302 | 303 | 307 | 308 => url = target(&url, &answer)?,
                // 401 from a CDN is about the URL: Graph itself says when the token is dead.
                status @ (401 | 403 | 404 | 410) => return Err(MediaError::UrlExpired { status }),
                _ => return Err(refused(&answer)),
            }
        }
        Err(MediaError::Unreachable("too many redirects".into()))
    }
}

/// Room for `bytes`, once there is.
async fn room_for(bytes: usize, limits: Limits<'_>) -> Result<Option<Held>, MediaError> {
    let Some(room) = limits.room else { return Ok(None) };
    match timeout(limits.deadline.left(), room.take(bytes)).await {
        Ok(Some(held)) => Ok(Some(held)),
        Ok(None) | Err(_) => Err(MediaError::NoRoom),
    }
}

fn target(from: &Url, answer: &Answer) -> Result<Url, MediaError> {
    let location = answer.header("location").ok_or(MediaError::HostNotAllowed)?;
    from.join(location).map_err(|_| MediaError::HostNotAllowed)
}

/// Holds the bytes against every digest that was promised, and against the family that Graph's
/// mime names. Of Graph's words no more is passed on.
fn proven(
    Bytes { bytes, held }: Bytes,
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
    Ok(FetchedMedia { bytes, mime: format.mime().to_owned(), sha256, way: Way::ById, held })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_graph_calls_a_photo_reaches_no_table_of_ours() {
        let photo = b"\xff\xd8\xff\xe0 a photo".to_vec();
        let id = MediaId::parse("9").unwrap();
        let media = MediaRef { id, mime: String::new(), sha256: None, url: None };
        // In a text column a NUL would fail the whole batch, for ever.
        for called in [r#""image/jpeg\u0000""#, r#""x\ny""#, r#""""#, "null"] {
            let object = format!(r#"{{"url":"https://example.com","mime_type":{called}}}"#);
            let object = serde_json::from_str(&object).unwrap();
            let bytes = Bytes { bytes: photo.clone(), held: None };
            assert_eq!(proven(bytes, object, &media).unwrap().mime, "image/jpeg");
        }
    }
}
