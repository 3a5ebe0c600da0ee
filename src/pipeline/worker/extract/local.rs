//! Reading on this machine: a queue of its own, so that texts never wait behind it. The message's
//! job hands over to it and ends; it hands back by a new job when the reading is written down.

use super::ask::{hints, read_here};
use super::photo::{Photo, photo};
use super::{Local, count};
use crate::domain::ids::MessageId;
use crate::pipeline::worker::{Deps, StepError, Try, guarded};
use crate::queue::{self, Order, Queue};
use crate::reading::engines::EngineError;
use crate::store::StoreError;
use crate::store::messages::Message;
use crate::store::readings::{Read, keep_reading};
use crate::telemetry;

/// Orders the photo of message `id` to be read on this machine. Ordered twice it is read once.
pub async fn order_local_reading(deps: &Deps, message: &Message) -> Result<(), StepError> {
    let mut tx = deps.store.begin().await?;
    queue::enqueue(&mut tx, Queue::LocalReading, &[order(message)]).await?;
    tx.commit().await.map_err(StoreError::from)?;
    deps.bell.ring(Queue::LocalReading);
    Ok(())
}

/// Reads the photo of message `id` on this machine, and lets the message go on. The job of the
/// queue `local_reading`; called twice it reads once. What fails to the last is unreadable: the
/// message goes on all the same, and its sender is asked for another photo.
pub async fn read_locally(deps: &Deps, id: MessageId, which: Try) -> Result<(), StepError> {
    let message = deps.store.message(id).await?;
    let read = match guarded(reading(deps, &message, which)).await {
        Err(error) if which.gives_up(error.verdict()) => {
            let readings = deps.store.readings(message.id).await?;
            let engine = next(deps, &readings).map_or("local", |it| it.name()).to_owned();
            Some(Read::Not { engine, reason: error.to_string() })
        }
        read => read?,
    };
    let mut tx = deps.store.begin().await?;
    if let Some(read) = &read {
        keep_reading(&mut tx, id, read, deps.clock.now()).await?;
    }
    queue::enqueue(&mut tx, Queue::Messages, &[order(&message)]).await?;
    tx.commit().await.map_err(StoreError::from)?;
    deps.bell.ring(Queue::Messages);
    Ok(())
}

/// The reading; `None` when there is one already, or no photo.
async fn reading(deps: &Deps, message: &Message, which: Try) -> Result<Option<Read>, StepError> {
    if deps.engines.locals().next().is_none() {
        return Err(EngineError::NotInstalled(
            "this worker has no local engine: does OCR_ENGINES still name one?",
        )
        .into());
    }
    let readings = deps.store.readings(message.id).await?;
    let Some(local) = next(deps, &readings) else { return Ok(None) };
    match photo(deps, message, which).await? {
        Photo::Here(photo) => {
            let read = read_here(local, photo.bytes, &hints(deps)).await?;
            count(deps, local.name(), &read);
            Ok(Some(read))
        }
        Photo::Lost => Ok(None),
    }
}

/// The first local engine that has not read it.
fn next<'a>(deps: &'a Deps, readings: &[Read]) -> Option<&'a Local> {
    deps.engines.locals().find(|it| readings.iter().all(|read| read.engine() != it.name()))
}

fn order(message: &Message) -> Order {
    Order {
        message: message.id,
        number: message.phone_number_id.clone(),
        urgent: false,
        trace_parent: telemetry::current_trace_parent(),
    }
}
