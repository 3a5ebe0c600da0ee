//! Asking one engine for one photo. Retries nothing and writes nothing.

use std::sync::Arc;

use tracing::{error, warn};

use super::{Engine, Local, Remote};
use crate::clients::anthropic::AnthropicError;
use crate::domain::retry::Verdict;
use crate::pipeline::worker::{Deps, StepError};
use crate::reading::engines::EngineError;
use crate::reading::picture::{Fit, NotAPicture, is_pdf};
use crate::reading::scan::Scan;
use crate::reading::{self, Hints};
use crate::store::readings::Read;

impl Engine {
    /// Asks it for what `bytes` show, whatever kind of engine it is.
    pub async fn read(&self, bytes: Vec<u8>, hints: &Hints) -> Result<Read, StepError> {
        match self {
            Self::Remote(remote) => Ok(read_remotely(remote, bytes, hints).await?),
            Self::Local(local) => Ok(read_here(local, bytes, hints).await?),
        }
    }
}

/// What engines are told of today, of home, and of categories.
pub fn hints(deps: &Deps) -> Hints {
    Hints {
        today: deps.clock.now().date_naive(),
        home: deps.engines.home,
        categories: Arc::clone(&deps.engines.categories),
    }
}

/// Asks an engine behind an API. What it cannot read and never will is a reading too.
pub async fn read_remotely(
    remote: &Remote,
    bytes: Vec<u8>,
    hints: &Hints,
) -> Result<Read, AnthropicError> {
    let not = |reason: String| Read::Not { engine: remote.name().to_owned(), reason };
    let bytes = match fitted(bytes).await {
        Ok(bytes) => bytes,
        Err(reason) => return Ok(not(reason.to_string())),
    };
    let read = match remote.client.read(&bytes, hints.today, hints.home).await {
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
pub async fn read_here(local: &Local, bytes: Vec<u8>, hints: &Hints) -> Result<Read, EngineError> {
    let reading = async {
        let scan = Scan::open(bytes).await?;
        reading::read(&local.engine, &scan, hints).await
    };
    match reading.await {
        Ok(reading) => Ok(Read::Seen(reading)),
        Err(EngineError::Unreadable(reason)) => {
            Ok(Read::Not { engine: local.name().to_owned(), reason: reason.to_string() })
        }
        Err(error) => Err(error),
    }
}

/// The bytes as Anthropic takes them: as they are where they fit, PDFs too.
async fn fitted(bytes: Vec<u8>) -> Result<Vec<u8>, EngineError> {
    if is_pdf(&bytes) {
        return Ok(bytes);
    }
    let Scan::Picture(picture) = Scan::open(bytes).await? else {
        return Err(NotAPicture::UnknownFormat.into());
    };
    let fit = move || Ok(picture.fit(Fit::ANTHROPIC)?.bytes.to_vec());
    Ok(off_the_async_threads(fit).await?)
}

/// Decoding takes tens of milliseconds of CPU: elsewhere than where sockets are served.
async fn off_the_async_threads<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, NotAPicture> + Send + 'static,
) -> Result<T, NotAPicture> {
    // A panic in a decoder is the picture's fault: it is broken, for us.
    tokio::task::spawn_blocking(work).await.unwrap_or(Err(NotAPicture::Broken))
}
