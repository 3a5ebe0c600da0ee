//! One file of records. Whoever holds its lock writes or reads it; a process that dies lets go.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufReader, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::record::{HEAD, MAGIC, Record};

/// How a segment's name ends.
pub const EXTENSION: &str = "spool";

/// The longest record that is believed: a webhook with its photos. Beyond it, a length is damage.
const LONGEST: u64 = 1 << 30;

/// A segment to be read, locked.
#[derive(Debug)]
pub struct Segment {
    path: PathBuf,
    length: u64,
    reader: BufReader<File>,
}

/// What stands where a record should.
#[derive(Debug, thiserror::Error)]
pub enum Damage {
    /// The file ends in the middle of a record: it was being written when its writer died, and
    /// nobody was told that it is ours.
    #[error("the last record was never finished")]
    Unfinished,
    /// The bytes are not what was written.
    #[error("a record is damaged")]
    Damaged,
    /// The disk does not give it back.
    #[error("the spool's disk: {0}")]
    Disk(#[from] io::Error),
}

/// A new name: sorted by time, never the same twice.
pub fn name() -> String {
    let unique = uuid::Uuid::now_v7().simple();
    format!("{unique}.{EXTENSION}")
}

/// A new file, for its owner only.
pub fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().create_new(true).append(true).mode(0o600).open(path)
}

impl Segment {
    /// Opens the segment for reading; `None` when somebody else holds it, or it is gone.
    pub fn lock(path: PathBuf) -> io::Result<Option<Self>> {
        let file = match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        // It may have been deleted by whoever held it before us.
        if !path.exists() {
            return Ok(None);
        }
        let length = file.metadata()?.len();
        Ok(Some(Self { path, length, reader: BufReader::new(file) }))
    }

    /// Bytes in it.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// The next record; `None` at the end.
    pub fn next_record(&mut self) -> Result<Option<Record>, Damage> {
        read_record(&mut self.reader)
    }

    pub(super) fn delete(self) -> io::Result<()> {
        fs::remove_file(&self.path)
    }

    pub(super) fn move_to(self, path: &Path) -> io::Result<()> {
        fs::rename(&self.path, path)
    }
}

/// The next record of `reader`; `None` at its end. Whatever stands there, no more memory is taken than
/// there are bytes.
pub fn read_record(reader: &mut impl Read) -> Result<Option<Record>, Damage> {
    let mut head = [0; HEAD];
    match fill(reader, &mut head)? {
        0 => return Ok(None),
        HEAD => {}
        _ => return Err(Damage::Unfinished),
    }
    let (magic, rest) = head.split_at(4);
    let number =
        |bytes: &[u8]| bytes.iter().rev().fold(0_u64, |sum, it| (sum << 8) | u64::from(*it));
    let (header, payload) = (number(&rest[..4]), number(&rest[4..12]));
    let length = header.saturating_add(payload);
    if magic != MAGIC || length > LONGEST {
        return Err(Damage::Damaged);
    }
    let mut bytes = Vec::new();
    reader.take(length).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).is_ok_and(|it| it < length) {
        return Err(Damage::Unfinished);
    }
    if u64::from(crc32fast::hash(&bytes)) != number(&rest[12..]) {
        return Err(Damage::Damaged);
    }
    let header = usize::try_from(header).map_err(|_| Damage::Damaged)?;
    let (header, payload) = bytes.split_at_checked(header).ok_or(Damage::Damaged)?;
    Record::decode(header, payload).map(Some).ok_or(Damage::Damaged)
}

/// Reads until `buffer` is full or the file ends, and says how much it was.
fn fill(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
