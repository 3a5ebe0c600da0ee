//! How many bytes of media may be in memory at once, in all. Whoever gets no room waits, as long as
//! it likes; nothing is read meanwhile.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What room is counted in: a semaphore counts to 2^32.
const BLOCK: usize = 1024;

/// The room that there is. A clone is the same room.
#[derive(Clone, Debug)]
pub struct Room {
    free: Arc<Semaphore>,
    blocks: usize,
}

/// Room that is taken until this is dropped.
#[derive(Debug)]
pub struct Held(OwnedSemaphorePermit);

impl Room {
    /// Room for `bytes`, in steps of 1 KiB.
    pub fn new(bytes: usize) -> Self {
        let blocks = bytes.div_ceil(BLOCK).clamp(1, Semaphore::MAX_PERMITS);
        Self { free: Arc::new(Semaphore::new(blocks)), blocks }
    }

    /// Bytes that are taken.
    pub fn taken(&self) -> usize {
        self.blocks.saturating_sub(self.free.available_permits()) * BLOCK
    }

    /// Takes room for `bytes`, once there is; first come, first served. One that asks for more than
    /// there is in all gets all of it.
    pub(super) async fn take(&self, bytes: usize) -> Option<Held> {
        let blocks = u32::try_from(blocks(bytes).min(self.blocks)).unwrap_or(u32::MAX);
        Arc::clone(&self.free).acquire_many_owned(blocks).await.ok().map(Held)
    }
}

impl Held {
    /// Gives back what `bytes` do not need.
    pub(super) fn shrink_to(&mut self, bytes: usize) {
        let spare = self.0.num_permits().saturating_sub(blocks(bytes));
        drop(self.0.split(spare));
    }
}

fn blocks(bytes: usize) -> usize {
    bytes.div_ceil(BLOCK).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn room_is_taken_given_back_and_never_exceeded() {
        let room = Room::new(10 * 1024);
        let mut first = room.take(9 * 1024).await.unwrap();
        assert_eq!(room.taken(), 9 * 1024);
        first.shrink_to(1025);
        assert_eq!(room.taken(), 2 * 1024);
        let second = room.take(usize::MAX);
        tokio::pin!(second);
        assert!(futures::poll!(&mut second).is_pending(), "there is not so much room");
        drop(first);
        let second = second.await.unwrap();
        assert_eq!(room.taken(), 10 * 1024);
        drop(second);
        assert_eq!(room.taken(), 0);
    }
}
