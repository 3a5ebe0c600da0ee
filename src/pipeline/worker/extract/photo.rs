//! The photo of a message: stored with it, or fetched now by its id. Decides when waiting for it
//! has no point any more; never reads it.

use std::time::Duration;

use chrono::TimeDelta;
use tracing::info;

use crate::clients::whatsapp::MediaError;
use crate::domain::inbound::MediaRef;
use crate::pipeline::blob;
use crate::pipeline::worker::{Deps, StepError, Try};
use crate::store::media::{Blob, Media};
use crate::store::messages::Message;

/// How long a photo is fetched when nobody waits for a webhook's answer.
const FETCH_WITHIN: Duration = Duration::from_mins(1);

/// How long a media id that came by webhook is valid. Source: Meta's "Media" page.
const MEDIA_ID_LIVES: TimeDelta = TimeDelta::days(7);

/// A photo that comes whole but wrong so often will not come right.
const WRONG_AT_MOST: u32 = 5;

/// Where the photo of a message is.
pub enum Photo {
    /// With us.
    Here(Blob),
    /// Not to be had any more.
    Lost,
}

/// The photo, fetched now if it was not before. What is lost is written down as lost.
pub async fn photo(deps: &Deps, message: &Message, which: Try) -> Result<Photo, StepError> {
    match deps.store.media(message.id).await? {
        Media::Stored(photo) => Ok(Photo::Here(photo)),
        Media::Lost => Ok(Photo::Lost),
        Media::Pending(media) => fetch(deps, message, &media, which).await,
    }
}

async fn fetch(
    deps: &Deps,
    message: &Message,
    media: &MediaRef,
    which: Try,
) -> Result<Photo, StepError> {
    let number = Some(&message.phone_number_id);
    let limit = deps.wishes.media_max_bytes;
    match deps.whatsapp.fetch_media(media, number, limit, FETCH_WITHIN).await {
        Ok(fetched) => {
            let photo = blob(fetched);
            deps.store.media_arrived(message.id, &photo, deps.clock.now()).await?;
            Ok(Photo::Here(photo))
        }
        Err(error) if is_lost(deps, message, &error, which) => {
            info!(message.id = %message.id, %error, "the photo is lost");
            deps.store.media_lost(message.id, &error.to_string()).await?;
            Ok(Photo::Lost)
        }
        Err(error) => Err(error.into()),
    }
}

/// Whether waiting for this photo has no point any more: then the sender is asked for another.
fn is_lost(deps: &Deps, message: &Message, error: &MediaError, which: Try) -> bool {
    let too_old = deps.clock.now() - message.sent_at > MEDIA_ID_LIVES;
    let gives_up = which.gives_up(error.verdict());
    match error {
        // The operator's to mend, however long it takes.
        MediaError::TokenDead(_) | MediaError::Blocked(_) => false,
        MediaError::WrongDigest | MediaError::HostNotAllowed | MediaError::UrlExpired { .. } => {
            gives_up || too_old || which.number >= WRONG_AT_MOST
        }
        MediaError::Gone(_)
        | MediaError::TooLarge { .. }
        | MediaError::NotWhatItSays
        | MediaError::SlowDown { .. }
        | MediaError::Unreachable(_)
        | MediaError::NoRoom
        | MediaError::Unreadable(_) => gives_up || too_old,
    }
}
