//! What does the photo say? The engines are asked in the operator's order, the next one when one
//! cannot read it, is unsure of the total, or has been failing for a minute. Each engine's reading
//! is written down before the next is asked, so that none is ever paid for twice. Local reading is
//! slow: it happens on a queue of its own, and the message goes on when it is done.

mod engines;
mod photo;
mod ask;
mod local;

pub use self::engines::{Engine, Engines, Local, Remote};
pub use self::local::read_locally;

use self::ask::{hints, is_out, read_remotely};
use self::local::order_local_reading;
use self::photo::{Photo, photo};
use super::{Deps, StepError, Try};
use crate::domain::ids::MessageId;
use crate::domain::reading::{Reading, Verdict};
use crate::store::messages::Message;
use crate::store::readings::{Read, keep_reading};
use crate::store::{StoreError, media};

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
    let mut readings = deps.store.readings(message.id).await?;
    if readings.iter().any(is_sure) {
        return Ok(Extraction::Done(best(&readings)));
    }
    if deps.store.media_state(message.id).await? == media::State::Lost {
        return Ok(Extraction::Done(Extracted::Unreadable));
    }
    let engines = deps.engines.in_order();
    for (place, engine) in engines.iter().enumerate() {
        if readings.iter().any(|it| it.engine() == engine.name()) {
            continue;
        }
        let Engine::Remote(remote) = engine else {
            order_local_reading(deps, message).await?;
            return Ok(Extraction::Elsewhere);
        };
        let Photo::Here(photo) = photo(deps, message, which).await? else {
            return Ok(Extraction::Done(Extracted::Unreadable));
        };
        let is_last = place + 1 == engines.len();
        match read_remotely(remote, photo.bytes, &hints(deps)).await {
            Ok(read) => {
                let read = keep(deps, message.id, read).await?;
                count(deps, remote.name(), &read);
                readings.push(read);
            }
            Err(error) if !is_last && is_out(deps, remote, &error) => continue,
            Err(error) => return Err(error.into()),
        }
        if readings.iter().any(is_sure) {
            break;
        }
    }
    Ok(Extraction::Done(best(&readings)))
}

async fn keep(deps: &Deps, id: MessageId, read: Read) -> Result<Read, StepError> {
    let mut tx = deps.store.begin().await?;
    keep_reading(&mut tx, id, &read, deps.clock.now()).await?;
    tx.commit().await.map_err(StoreError::from)?;
    Ok(read)
}

/// Counts what an engine made of a photo.
fn count(deps: &Deps, engine: &'static str, read: &Read) {
    let verdict = match read {
        Read::Seen(Reading { verdict: Verdict::Receipt(_), .. }) => "receipt",
        Read::Seen(Reading { verdict: Verdict::NotAReceipt, .. }) => "not_a_receipt",
        Read::Not { .. } => "unreadable",
    };
    deps.metrics.readings.one(engine, verdict);
}

/// Whether no further engine needs to be asked.
fn is_sure(read: &Read) -> bool {
    matches!(read, Read::Seen(reading) if !reading.is_unsure())
}

/// The reading that counts: the first sure one, else the first that saw a receipt, else any.
pub fn best(readings: &[Read]) -> Extracted {
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
