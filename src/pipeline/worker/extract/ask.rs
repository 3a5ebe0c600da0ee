//! Asking one engine for one photo. Retries nothing and writes nothing.

use tracing::{error, warn};

use super::{Local, Remote};
use crate::clients::anthropic::AnthropicError;
use crate::domain::retry::Verdict;
use crate::pipeline::worker::{Deps, StepError};
use crate::reading::engines::EngineError;
use crate::reading::picture::{Fit, NotAPicture, Picture};
use crate::reading::{self, Hints};
use crate::store::media::Blob;
use crate::store::readings::Read;

/// Asks an engine behind an API. What it cannot read and never will is a reading too.
pub async fn read_remotely(
    deps: &Deps,
    remote: &Remote,
    photo: Blob,
) -> Result<Read, AnthropicError> {
    let not = |reason: String| Read::Not { engine: remote.name().to_owned(), reason };
    let bytes = match fitted(photo).await {
        Ok(bytes) => bytes,
        Err(reason) => return Ok(not(reason.to_string())),
    };
    let today = deps.clock.now().date_naive();
    let read = match remote.client.read(&bytes, today, deps.engines.home).await {
        Ok(reading) => Read::Seen(reading),
        Err(error) if error.verdict() == Verdict::GiveUp => not(error.to_string()),
        Err(error) => return Err(error),
    };
    remote.worked();
    Ok(read)
}

/// Whether the next engine is to be asked instead of waiting for this one: it needs the operator,
/// or it has been failing for a minute.
pub fn is_out(deps: &Deps, remote: &Remote, error: &AnthropicError) -> bool {
    let engine = remote.name();
    if error.verdict() == Verdict::Halt {
        error!(engine, %error, "this engine needs the operator; the next one is asked");
        return true;
    }
    let failing = remote.failing_for_too_long(deps.clock.now());
    if failing {
        warn!(engine, %error, "this engine has been failing for a minute; the next one is asked");
    }
    failing
}

/// Asks the engine on this machine.
pub async fn read_here(deps: &Deps, local: &Local, photo: Blob) -> Result<Read, StepError> {
    let not = |reason: String| Read::Not { engine: local.name().to_owned(), reason };
    let picture = match off_the_async_threads(move || Picture::open(photo.bytes)).await {
        Ok(picture) => picture,
        Err(reason) => return Ok(not(reason.to_string())),
    };
    let hints = Hints { today: deps.clock.now().date_naive(), home: deps.engines.home };
    match reading::read(&local.engine, &picture, &hints).await {
        Ok(reading) => Ok(Read::Seen(reading)),
        Err(EngineError::Unreadable(reason)) => Ok(not(reason.to_string())),
        Err(error) => Err(error.into()),
    }
}

/// The bytes as Anthropic takes them: as they are where they fit, PDFs too.
async fn fitted(photo: Blob) -> Result<Vec<u8>, NotAPicture> {
    if photo.mime == "application/pdf" {
        return Ok(photo.bytes);
    }
    let fit = move || Ok(Picture::open(photo.bytes)?.fit(Fit::ANTHROPIC)?.bytes.to_vec());
    off_the_async_threads(fit).await
}

/// Decoding takes tens of milliseconds of CPU: elsewhere than where sockets are served.
async fn off_the_async_threads<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, NotAPicture> + Send + 'static,
) -> Result<T, NotAPicture> {
    // A panic in a decoder is the picture's fault: it is broken, for us.
    tokio::task::spawn_blocking(work).await.unwrap_or(Err(NotAPicture::Broken))
}
