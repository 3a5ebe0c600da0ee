//! The photos' bytes into Postgres, each in a commit of its own, before the messages that they belong
//! to: a commit of small items never waits behind them. What no message is tied to in the end is
//! swept by the chores. Nothing is promised by this.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use futures::stream::{self, StreamExt};
use tracing::warn;

use crate::clock::Clock;
use crate::domain::ids::{Sha256, Wamid};
use crate::store::media::Blob;
use crate::store::{Store, StoreError};

/// Photos of one webhook that are written at once: others want to as well.
const SIDE_BY_SIDE: usize = 4;

/// Which photos are there.
#[derive(Debug, Default)]
pub struct KeptPhotos {
    /// Those whose bytes are committed. One that Postgres will never take is not among them: its
    /// message is committed as pending.
    pub stored: HashMap<Wamid, Sha256>,
    /// Postgres did not take one of the others now.
    pub failed: Option<StoreError>,
}

/// Commits `photos`, by their digest: the same photo is kept once. May be repeated.
pub async fn keep_photos(store: &Store, clock: &Clock, photos: &[(Wamid, Blob)]) -> KeptPhotos {
    let mut kept = KeptPhotos::default();
    let now = clock.now();
    let writes: Vec<_> = photos.iter().map(|it| keep_one(store, it, now)).collect();
    let mut written = stream::iter(writes).buffer_unordered(SIDE_BY_SIDE);
    while let Some((wamid, sha256, written)) = written.next().await {
        match written {
            Ok(()) => {
                kept.stored.insert(wamid.clone(), sha256);
            }
            Err(error) if error.is_about_the_data() => {
                warn!(%error, "Postgres refuses a photo: it is left to the worker");
            }
            Err(error) => kept.failed = Some(error),
        }
    }
    kept
}

async fn keep_one<'a>(
    store: &Store,
    (wamid, blob): &'a (Wamid, Blob),
    now: DateTime<Utc>,
) -> (&'a Wamid, Sha256, Result<(), StoreError>) {
    (wamid, blob.sha256, store.keep_blob(blob, now).await)
}
