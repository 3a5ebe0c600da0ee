//! From the spool to where it belongs, once Postgres is back: many records in one commit. A record may
//! be replayed twice: what is there already is not written again. One that cannot be stored is set
//! aside for the operator, never deleted and never in the way of the next. Of people who have been
//! erased since nothing is written.

use std::sync::Arc;

use tracing::{error, info, instrument};

use super::accept::{Batch, NotAccepted};
use super::keep_photos::keep_photos;
use super::parse::parse;
use super::share::Ledger;
use super::verify::Verified;
use crate::domain::ids::{Sha256, Wamid};
use crate::domain::inbound::Item;
use crate::spool::{Damage, Record, Segment, Spool, SpoolError};
use crate::store::StoreError;
use crate::store::erasures::Erasures;
use crate::store::media::Blob;

/// Records in one commit at most, and bytes of them: they are in memory meanwhile.
const TOGETHER: usize = 128;
const TOGETHER_BYTES: usize = 8 * 1024 * 1024;

/// What replaying works with.
#[derive(Clone, Debug)]
pub struct Replay {
    /// Where it goes.
    pub ledger: Ledger,
    /// Where it is.
    pub spool: Spool,
}

/// Replaying stopped; what is left stays in the spool.
#[derive(Debug, thiserror::Error)]
pub enum NotReplayed {
    /// Postgres does not take it now.
    #[error(transparent)]
    NotAccepted(#[from] NotAccepted),
    /// Postgres does not take a photo now.
    #[error(transparent)]
    Store(#[from] StoreError),
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
        let (group, end) = next_records(segment);
        records += group.len();
        replay_records(to, &group).await?;
        match end {
            None => {}
            // An unfinished record was never answered 200: Meta delivers it again.
            Some(Ok(()) | Err(Damage::Unfinished)) => return Ok(Ended::Whole(records)),
            Some(Err(Damage::Damaged)) => return Ok(Ended::Damaged),
            Some(Err(Damage::Disk(error))) => return Err(SpoolError::from(error).into()),
        }
    }
}

/// As many records as go into one commit, and how the segment ended where it did.
fn next_records(segment: &mut Segment) -> (Vec<Record>, Option<Result<(), Damage>>) {
    let mut records = Vec::new();
    let mut bytes = 0;
    while records.len() < TOGETHER && bytes < TOGETHER_BYTES {
        match segment.next_record() {
            Ok(Some(record)) => {
                bytes += record.body.len();
                bytes += record.photos.iter().map(|it| it.bytes.len()).sum::<usize>();
                records.push(record);
            }
            Ok(None) => return (records, Some(Ok(()))),
            Err(damage) => return (records, Some(Err(damage))),
        }
    }
    (records, None)
}

async fn replay_records(to: &Replay, records: &[Record]) -> Result<(), NotReplayed> {
    // Asked for each commit: who is erased between this and the commit is erased once more.
    let erasures = to.ledger.store.erasures().await?;
    let mut batches = Vec::with_capacity(records.len());
    for record in records {
        batches.push(Arc::new(batch_of(to, &erasures, record).await?));
    }
    match to.ledger.accept(&batches).await {
        Ok(_) => Ok(()),
        Err(refused) if refused.is_final() => {
            for (record, batch) in records.iter().zip(batches) {
                one_by_one(to, record, batch).await?;
            }
            Ok(())
        }
        Err(refused) => Err(refused.into()),
    }
}

/// One item that Postgres will never take does not cost its neighbours.
async fn one_by_one(to: &Replay, record: &Record, batch: Arc<Batch>) -> Result<(), NotReplayed> {
    let mut refused = 0_usize;
    for item in &batch.items {
        let alone = Batch {
            items: vec![item.clone()],
            stored: batch.stored.clone(),
            received_at: batch.received_at,
            trace_parent: batch.trace_parent.clone(),
        };
        match to.ledger.accept(&[Arc::new(alone)]).await {
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

/// The record as a webhook whose photos are kept. A photo that Postgres will never take is left
/// pending: the worker fetches it by its id.
async fn batch_of(to: &Replay, erasures: &Erasures, record: &Record) -> Result<Batch, NotReplayed> {
    let webhook = Verified::from_spool(record.body.as_slice());
    let items = parse(&webhook, record.received_at);
    let (erased, items): (Vec<Item>, Vec<Item>) =
        items.into_iter().partition(|it| erasures.cover(it, record.received_at));
    let erased: Vec<&Wamid> = erased.iter().filter_map(Item::wamid).collect();
    if !erased.is_empty() {
        to.ledger.store.never_accept(&erased, record.received_at).await?;
    }
    let photos: Vec<(Wamid, Blob)> = record
        .photos
        .iter()
        .filter(|it| !erased.contains(&&it.wamid))
        .map(|it| {
            let (mime, bytes) = (it.mime.clone(), it.bytes.clone());
            (it.wamid.clone(), Blob { sha256: Sha256::of(&bytes), mime, bytes })
        })
        .collect();
    let kept = keep_photos(&to.ledger.store, &to.ledger.clock, &photos).await;
    if let Some(error) = kept.failed {
        return Err(error.into());
    }
    Ok(Batch {
        items,
        stored: kept.stored,
        received_at: record.received_at,
        trace_parent: record.trace_parent.clone(),
    })
}
