//! The files that were set aside for the operator: what nobody could store. They are read, and
//! rewritten without what must not be kept any longer; a damaged one is left as it is.

use std::fs::{self, File};
use std::io::{self, BufReader, Write};
use std::path::{Path, PathBuf};

use super::record::Record;
use super::segment::{self, Damage, read_record};
use super::{SET_ASIDE, segments};

/// A file that was set aside, read.
#[derive(Debug)]
pub struct Aside {
    path: PathBuf,
    /// What can be read in it.
    pub records: Vec<Record>,
    /// All bytes of a file that cannot be read to its end.
    pub damaged: Option<Vec<u8>>,
}

/// The files set aside in the spool's `folder`, one after the other. None when there is no such
/// folder.
pub fn set_aside_in(folder: &Path) -> io::Result<impl Iterator<Item = io::Result<Aside>>> {
    let paths = match segments(&folder.join(SET_ASIDE)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        paths => paths?,
    };
    Ok(paths.into_iter().map(Aside::read))
}

impl Aside {
    fn read(path: PathBuf) -> io::Result<Self> {
        let mut reader = BufReader::new(File::open(&path)?);
        let (mut records, mut damaged) = (Vec::new(), None);
        loop {
            match read_record(&mut reader) {
                Ok(Some(record)) => records.push(record),
                Ok(None) => break,
                Err(Damage::Disk(error)) => return Err(error),
                Err(Damage::Damaged | Damage::Unfinished) => {
                    damaged = Some(fs::read(&path)?);
                    break;
                }
            }
        }
        Ok(Self { path, records, damaged })
    }

    /// Its name, for the operator.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Puts `records` in its place; without any it is deleted. A crash leaves the old file or the
    /// new one.
    pub fn replace(self, records: &[Record]) -> io::Result<()> {
        if records.is_empty() {
            return fs::remove_file(&self.path);
        }
        let fresh = self.path.with_extension("new");
        // Left by a crash.
        fs::remove_file(&fresh).ok();
        let mut file = segment::create(&fresh)?;
        for record in records {
            file.write_all(&record.encode())?;
        }
        file.sync_all()?;
        fs::rename(&fresh, &self.path)
    }
}
