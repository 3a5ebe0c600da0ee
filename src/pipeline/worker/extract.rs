//! What does the photo say? The engines are asked in the operator's order, the next one when one
//! cannot read it, is unsure of the total, or has been failing for a minute. Each engine's reading
//! is written down before the next is asked, so that none is ever paid for twice. Local reading is
//! slow: it happens on a queue of its own, and the message goes on when it is done.

mod engines;

use chrono::NaiveDate;
use tracing::{error, info, warn};

pub use self::engines::{Engine, Engines, Local, Remote};
use super::{Deps, StepError, Try};
use crate::clients::anthropic::AnthropicError;
use crate::clients::whatsapp::MediaError;
use crate::domain::ids::MessageId;
use crate::domain::inbound::MediaRef;
use crate::domain::reading::{Reading, Verdict};
use crate::domain::retry;
use crate::pipeline::blob;
use crate::queue::{self, Order, Queue};
use crate::reading::engines::EngineError;
use crate::reading::picture::{Fit, NotAPicture, Picture};
use crate::reading::{self, Hints};
use crate::store::media::{Blob, Media};
use crate::store::messages::Message;
use crate::store::readings::{Read, keep_reading};

/// How long a photo is fetched when nobody waits for a webhook's answer.
const FETCH_WITHIN: std::time::Duration = std::time::Duration::from_mins(1);

/// Where the step stands.
#[derive(Debug)]
pub enum Extraction {
    /// Read, as far as it can be.
    Done(Extracted),
    /// A job of the queue `local_reading` goes on from here, and comes back.
    Elsewhere,
}

/// The result of the step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Extracted {
    /// An engine looked at it.
    Read(Verdict),
    /// No engine can read it, or the photo is not to be had.
    Unreadable,
}

/// Reads the photo of `message`, or finds it read. Called twice it asks no engine twice.
pub async fn extract(deps: &Deps, message: &Message, which: Try) -> Result<Extraction, StepError> {
    let Some(photo) = photo(deps, message, which).await? else {
        return Ok(Extraction::Done(Extracted::Unreadable));
    };
    let mut readings = deps.store.readings(message.id).await?;
    let engines = deps.engines.in_order();
    for (place, engine) in engines.iter().enumerate() {
        let known = readings.iter().find(|it| it.engine() == engine.name());
        let read = match (known, engine) {
            (Some(read), _) => read.clone(),
            (None, Engine::Local(_)) => {
                order_local_reading(deps, message.id).await?;
                return Ok(Extraction::Elsewhere);
            }
            (None, Engine::Remote(remote)) => {
                let is_last = place + 1 == engines.len();
                match read_remotely(deps, remote, &photo).await {
                    Ok(read) => keep(deps, message.id, read).await?,
                    Err(error) if !is_last && is_out(deps, remote, &error) => continue,
                    Err(error) => return Err(error.into()),
                }
            }
        };
        let sure = matches!(&read, Read::Seen(reading) if !reading.is_unsure());
        readings.push(read);
        if sure {
            break;
        }
    }
    Ok(Extraction::Done(best(&readings)))
}

/// Reads the photo of message `id` on this machine, and lets the message go on. The job of the
/// queue `local_reading`; called twice it reads once. What fails to the last is unreadable: the
/// message goes on all the same, and its sender is asked for another photo.
pub async fn read_locally(deps: &Deps, id: MessageId, which: Try) -> Result<(), StepError> {
    let message = deps.store.message(id).await?;
    let Some(local) = deps.engines.local() else {
        return Err(EngineError::NotInstalled("OCR_ENGINES names no local engine any more").into());
    };
    let readings = deps.store.readings(id).await?;
    let done = readings.iter().any(|it| it.engine() == local.name());
    let read = match photo(deps, &message, which).await? {
        Some(photo) if !done => match read_here(deps, local, photo).await {
            Err(error) if which.is_last => {
                Some(Read::Not { engine: local.name().to_owned(), reason: error.to_string() })
            }
            read => Some(read?),
        },
        Some(_) | None => None,
    };
    let mut tx = deps.store.begin().await?;
    if let Some(read) = &read {
        keep_reading(&mut tx, id, read, deps.clock.now()).await?;
    }
    let order = Order {
        message: id,
        urgent: false,
        trace_parent: crate::telemetry::current_trace_parent(),
    };
    queue::enqueue(&mut tx, Queue::Messages, &[order]).await?;
    tx.commit().await.map_err(crate::store::StoreError::from)?;
    deps.bell.ring(Queue::Messages);
    Ok(())
}

async fn order_local_reading(deps: &Deps, id: MessageId) -> Result<(), StepError> {
    let mut tx = deps.store.begin().await?;
    let order = Order {
        message: id,
        urgent: false,
        trace_parent: crate::telemetry::current_trace_parent(),
    };
    queue::enqueue(&mut tx, Queue::LocalReading, &[order]).await?;
    tx.commit().await.map_err(crate::store::StoreError::from)?;
    deps.bell.ring(Queue::LocalReading);
    Ok(())
}

async fn keep(deps: &Deps, id: MessageId, read: Read) -> Result<Read, StepError> {
    let mut tx = deps.store.begin().await?;
    keep_reading(&mut tx, id, &read, deps.clock.now()).await?;
    tx.commit().await.map_err(crate::store::StoreError::from)?;
    Ok(read)
}

/// The photo, fetched now if it was not before; `None` when it is not to be had any more.
async fn photo(deps: &Deps, message: &Message, which: Try) -> Result<Option<Blob>, StepError> {
    match deps.store.media(message.id).await? {
        Media::Stored(photo) => Ok(Some(photo)),
        Media::Lost { .. } => Ok(None),
        Media::Pending(media) => fetch(deps, message, &media, which).await,
    }
}

async fn fetch(
    deps: &Deps,
    message: &Message,
    media: &MediaRef,
    which: Try,
) -> Result<Option<Blob>, StepError> {
    let number = Some(&message.phone_number_id);
    let limit = deps.wishes.media_max_bytes;
    match deps.whatsapp.fetch_media(media, number, limit, FETCH_WITHIN).await {
        Ok(fetched) => {
            let photo = blob(fetched);
            deps.store.media_arrived(message.id, &photo, deps.clock.now()).await?;
            Ok(Some(photo))
        }
        Err(error) if is_lost(deps, message, &error, which) => {
            info!(message.id = %message.id, %error, "the photo is lost");
            deps.store.media_lost(message.id, &error.to_string()).await?;
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// How long a media id that came by webhook is valid. Source: Meta's "Media" page.
const MEDIA_ID_LIVES: chrono::TimeDelta = chrono::TimeDelta::days(7);

/// A photo that comes whole but wrong so often will not come right.
const WRONG_AT_MOST: u32 = 5;

/// Whether waiting for this photo has no point any more: then the sender is asked for another.
fn is_lost(deps: &Deps, message: &Message, error: &MediaError, which: Try) -> bool {
    let too_old = deps.clock.now() - message.sent_at > MEDIA_ID_LIVES;
    match error {
        MediaError::TokenDead(_) | MediaError::Blocked(_) => false,
        MediaError::Gone(_) | MediaError::TooLarge { .. } | MediaError::NotWhatItSays => true,
        MediaError::WrongDigest | MediaError::HostNotAllowed | MediaError::UrlExpired { .. } => {
            which.is_last || which.number >= WRONG_AT_MOST || too_old
        }
        MediaError::SlowDown { .. } | MediaError::Unreachable(_) | MediaError::Unreadable(_) => {
            which.is_last || too_old
        }
    }
}

/// Asks an engine behind an API. What it cannot read and never will is a reading too.
async fn read_remotely(deps: &Deps, remote: &Remote, photo: &Blob) -> Result<Read, AnthropicError> {
    let not = |reason: String| Read::Not { engine: remote.name().to_owned(), reason };
    let bytes = match fitted(photo).await {
        Ok(bytes) => bytes,
        Err(reason) => return Ok(not(reason.to_string())),
    };
    let today = deps.clock.now().date_naive();
    let read = match remote.client.read(&bytes, today, deps.engines.home).await {
        Ok(reading) => Read::Seen(reading),
        Err(error) if error.verdict() == retry::Verdict::GiveUp => not(error.to_string()),
        Err(error) => return Err(error),
    };
    remote.worked();
    Ok(read)
}

/// Whether the next engine is to be asked instead of waiting for this one: it needs the operator,
/// or it has been failing for a minute.
fn is_out(deps: &Deps, remote: &Remote, error: &AnthropicError) -> bool {
    let engine = remote.name();
    if error.verdict() == retry::Verdict::Halt {
        error!(engine, %error, "this engine needs the operator; the next one is asked");
        return true;
    }
    let failing = remote.failing_for_too_long(deps.clock.now());
    if failing {
        warn!(engine, %error, "this engine has been failing for a minute; the next one is asked");
    }
    failing
}

/// The bytes as Anthropic takes them: as they are where they fit, PDFs too.
async fn fitted(photo: &Blob) -> Result<Vec<u8>, NotAPicture> {
    if photo.bytes.starts_with(b"%PDF-") {
        return Ok(photo.bytes.clone());
    }
    let bytes = photo.bytes.clone();
    off_the_async_threads(move || Ok(Picture::open(bytes)?.fit(Fit::ANTHROPIC)?.bytes.to_vec()))
        .await
}

async fn read_here(deps: &Deps, local: &Local, photo: Blob) -> Result<Read, StepError> {
    let not = |reason: String| Read::Not { engine: local.name().to_owned(), reason };
    let picture = match off_the_async_threads(move || Picture::open(photo.bytes)).await {
        Ok(picture) => picture,
        Err(reason) => return Ok(not(reason.to_string())),
    };
    let today: NaiveDate = deps.clock.now().date_naive();
    let hints = Hints { today, home: deps.engines.home };
    match reading::read(&local.engine, &picture, &hints).await {
        Ok(reading) => Ok(Read::Seen(reading)),
        Err(EngineError::Unreadable(reason)) => Ok(not(reason.to_string())),
        Err(error) => Err(error.into()),
    }
}

/// Decoding takes tens of milliseconds of CPU: elsewhere than where sockets are served.
async fn off_the_async_threads<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, NotAPicture> + Send + 'static,
) -> Result<T, NotAPicture> {
    // A panic in a decoder is the picture's fault: it is broken, for us.
    tokio::task::spawn_blocking(work).await.unwrap_or(Err(NotAPicture::Broken))
}

/// The reading that counts: the first sure one, else the first that saw a receipt, else any.
fn best(readings: &[Read]) -> Extracted {
    let seen = || {
        readings.iter().filter_map(|it| match it {
            Read::Seen(reading) => Some(reading),
            Read::Not { .. } => None,
        })
    };
    let is_receipt = |it: &&Reading| matches!(it.verdict, Verdict::Receipt(_));
    let sure_receipt = |it: &&Reading| is_receipt(it) && !it.is_unsure();
    seen()
        .find(sure_receipt)
        .or_else(|| seen().find(is_receipt))
        .or_else(|| seen().next())
        .map_or(Extracted::Unreadable, |it| Extracted::Read(it.verdict.clone()))
}
