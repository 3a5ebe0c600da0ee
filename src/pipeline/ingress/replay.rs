//! From the spool to where it belongs, once Postgres is back. A record may be replayed twice: what
//! is there already is not written again. One that cannot be stored is set aside for the operator,
//! never deleted and never in the way of the next.

use std::collections::HashMap;

use tracing::{error, info, instrument};

use super::accept::{Batch, NotAccepted, accept};
use super::parse::parse;
use super::verify::Verified;
use crate::clock::Clock;
use crate::domain::ids::Sha256;
use crate::queue::Bell;
use crate::spool::{Damage, Record, Segment, Spool, SpoolError};
use crate::store::Store;
use crate::store::media::Blob;

/// What replaying works with.
#[derive(Clone, Debug)]
pub struct Replay {
    /// Where it goes.
    pub store: Store,
    /// Whom it wakes.
    pub bell: Bell,
    /// What time it is.
    pub clock: Clock,
    /// Where it is.
    pub spool: Spool,
}

/// Replaying stopped; what is left stays in the spool.
#[derive(Debug, thiserror::Error)]
pub enum NotReplayed {
    /// Postgres does not take it now.
    #[error(transparent)]
    NotAccepted(#[from] NotAccepted),
    /// The disk.
    #[error(transparent)]
    Spool(#[from] SpoolError),
}

/// Replays everything that can be had, and returns when nothing is left.
#[instrument(name = "ingress.replay", skip_all)]
pub async fn replay(to: &Replay) -> Result<(), NotReplayed> {
    while let Some(mut segment) = to.spool.take().await? {
        let records = replay_segment(to, &mut segment).await?;
        match records {
            Ended::Whole(records) => {
                to.spool.done(segment).map_err(SpoolError::from)?;
                info!(records, "replayed {records} webhooks from the spool");
            }
            Ended::Damaged => {
                to.spool.set_segment_aside(segment).map_err(SpoolError::from)?;
                error!(
                    "a segment of the spool is damaged: what could be read is stored, the file is set aside"
                );
            }
        }
    }
    Ok(())
}

/// How reading a segment ended.
enum Ended {
    Whole(usize),
    Damaged,
}

async fn replay_segment(to: &Replay, segment: &mut Segment) -> Result<Ended, NotReplayed> {
    let mut records = 0;
    loop {
        match segment.next_record() {
            Ok(Some(record)) => {
                replay_record(to, record).await?;
                records += 1;
            }
            // An unfinished record was never answered 200: Meta delivers it again.
            Ok(None) | Err(Damage::Unfinished) => return Ok(Ended::Whole(records)),
            Err(Damage::Damaged) => return Ok(Ended::Damaged),
            Err(Damage::Disk(error)) => return Err(SpoolError::from(error).into()),
        }
    }
}

async fn replay_record(to: &Replay, record: Record) -> Result<(), NotReplayed> {
    let batch = batch_of(&record);
    match accept(&to.store, &to.bell, &to.clock, &batch).await {
        Ok(_) => Ok(()),
        Err(refused) if refused.is_final() => one_by_one(to, &record, batch).await,
        Err(refused) => Err(refused.into()),
    }
}

/// One item that Postgres will never take does not cost its neighbours.
async fn one_by_one(to: &Replay, record: &Record, batch: Batch) -> Result<(), NotReplayed> {
    let Batch { items, mut photos, received_at, trace_parent } = batch;
    let mut refused = 0_usize;
    for item in items {
        let photos = photos.extract_if(|wamid, _| item.wamid() == Some(wamid)).collect();
        let trace_parent = trace_parent.clone();
        let alone = Batch { items: vec![item], photos, received_at, trace_parent };
        match accept(&to.store, &to.bell, &to.clock, &alone).await {
            Ok(_) => {}
            Err(error) if error.is_final() => refused += 1,
            Err(error) => return Err(error.into()),
        }
    }
    if refused > 0 {
        to.spool.set_aside(record).map_err(SpoolError::from)?;
        error!(
            refused,
            "Postgres will never take {refused} items of a webhook: it is set aside in the spool's folder"
        );
    }
    Ok(())
}

fn batch_of(record: &Record) -> Batch {
    let webhook = Verified::from_spool(record.body.as_slice());
    let photos: HashMap<_, _> = record
        .photos
        .iter()
        .map(|it| {
            let (mime, bytes) = (it.mime.clone(), it.bytes.clone());
            (it.wamid.clone(), Blob { sha256: Sha256::of(&bytes), mime, bytes })
        })
        .collect();
    Batch {
        items: parse(&webhook, record.received_at),
        photos,
        received_at: record.received_at,
        trace_parent: record.trace_parent.clone(),
    }
}
