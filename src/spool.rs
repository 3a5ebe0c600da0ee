//! Custody while Postgres is away: verified webhooks and the photos already fetched for them,
//! appended to a segment on this machine's disk, under one fsync shared by all that arrive
//! together. What is here is as much ours as what Postgres has. It interprets nothing, and it
//! deletes a segment only when told that everything in it has found its place.
//!
//! Personal data lies in here: files are readable by their owner only.

mod aside;
mod lying;
mod record;
mod segment;
mod writer;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use uuid::Uuid;

pub use self::aside::{Aside, set_aside_in};
pub use self::lying::{Lying, lying_in};
pub use self::record::{Photo, Record};
pub use self::segment::{Damage, Segment, read_record};
use self::writer::Writer;

/// Where records that cannot be stored are kept for the operator.
const SET_ASIDE: &str = "set-aside";

/// Where the spool's id is kept.
const ID: &str = "id";

/// A folder of segments. Several processes may share one: each writes a segment of its own, and a
/// segment is read by whoever holds its lock.
#[derive(Clone, Debug)]
pub struct Spool {
    folder: Arc<Path>,
    id: Uuid,
    size: Arc<AtomicU64>,
    max_bytes: u64,
    writer: Writer,
}

/// A record that was not taken. Nothing of it is kept.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// `SPOOL_MAX_BYTES` would be exceeded.
    #[error("the spool is full")]
    Full,
    /// The disk did not take it.
    #[error("the spool's disk: {0}")]
    Disk(#[from] io::Error),
    /// The writer has ended.
    #[error("the spool is closed")]
    Closed,
}

impl Spool {
    /// Opens the folder, made if absent, and counts what is left in it from before.
    pub fn open(folder: &Path, max_bytes: u64) -> io::Result<Self> {
        fs::create_dir_all(folder.join(SET_ASIDE))?;
        let mut size = 0;
        for path in segments(folder)? {
            size += fs::metadata(path)?.len();
        }
        let (id, size) = (kept_id(folder)?, Arc::new(AtomicU64::new(size)));
        let folder: Arc<Path> = folder.into();
        let writer = Writer::start(Arc::clone(&folder))?;
        Ok(Self { folder, id, size, max_bytes, writer })
    }

    /// Which spool this is: drawn once and kept in the folder, so that whoever goes on with what a
    /// process left behind goes by the same name.
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// Appends `record`. When this returns `Ok`, it is on the disk.
    pub async fn append(&self, record: &Record) -> Result<(), SpoolError> {
        let bytes = record.encode();
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let before = self.size.fetch_add(length, Ordering::Relaxed);
        if before.saturating_add(length) > self.max_bytes {
            self.size.fetch_sub(length, Ordering::Relaxed);
            return Err(SpoolError::Full);
        }
        let written = self.writer.write(bytes).await;
        if written.is_err() {
            self.size.fetch_sub(length, Ordering::Relaxed);
        }
        written
    }

    /// Bytes that wait to be replayed, those of other processes that share the folder included as
    /// of when it was opened.
    pub fn size(&self) -> u64 {
        self.size.load(Ordering::Relaxed)
    }

    /// The oldest segment that nobody writes or reads, locked for the caller; `None` when there is
    /// none. Ends the segment that this process is writing, so that it can be had too.
    pub async fn take(&self) -> Result<Option<Segment>, SpoolError> {
        self.writer.end_segment().await?;
        for path in segments(&self.folder)? {
            if let Some(segment) = Segment::lock(path)? {
                return Ok(Some(segment));
            }
        }
        Ok(None)
    }

    /// Everything in `segment` has found its place: it is deleted.
    pub fn done(&self, segment: Segment) -> io::Result<()> {
        let length = segment.length();
        segment.delete()?;
        self.subtract(length);
        Ok(())
    }

    /// Keeps `record` for the operator, out of the way of the next.
    pub fn set_aside(&self, record: &Record) -> io::Result<PathBuf> {
        let path = self.folder.join(SET_ASIDE).join(segment::name());
        segment::create(&path).and_then(|mut file| {
            io::Write::write_all(&mut file, &record.encode())?;
            file.sync_all()
        })?;
        Ok(path)
    }

    /// Keeps a segment that cannot be read to its end for the operator.
    pub fn set_segment_aside(&self, segment: Segment) -> io::Result<PathBuf> {
        let path = self.folder.join(SET_ASIDE).join(segment::name());
        self.subtract(segment.length());
        segment.move_to(&path)?;
        Ok(path)
    }

    /// Whether a segment is left, one that somebody holds included.
    pub fn holds_segments(&self) -> io::Result<bool> {
        Ok(!segments(&self.folder)?.is_empty())
    }

    fn subtract(&self, length: u64) {
        let less = |size: u64| Some(size.saturating_sub(length));
        self.size.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).ok();
    }
}

/// Two processes that begin on a new folder at the same moment may draw two: then there are two names
/// for it until one of them is started again, which does no harm.
fn kept_id(folder: &Path) -> io::Result<Uuid> {
    let path = folder.join(ID);
    let kept = match fs::read_to_string(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        kept => kept?,
    };
    if let Ok(id) = kept.trim().parse() {
        return Ok(id);
    }
    let id = Uuid::new_v4();
    let fresh = folder.join(format!("{ID}.{id}"));
    fs::write(&fresh, id.to_string())?;
    fs::rename(fresh, path)?;
    Ok(id)
}

/// All segments of the folder, oldest first: their names begin with their time.
fn segments(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|it| it == segment::EXTENSION) {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
mod tests;
