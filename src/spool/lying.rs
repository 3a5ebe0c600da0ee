//! What lies in a spool's folder, by the names and ages of its files: for somebody who only looks. Opens
//! no file, takes no lock, and makes no folder.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::{SET_ASIDE, segments};

/// The files that lie in a spool's folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lying {
    /// Segments that were last written before the time that was asked for.
    pub waiting: Vec<PathBuf>,
    /// What was set aside for the operator.
    pub set_aside: Vec<PathBuf>,
}

/// What lies in `folder`; of segments, those that were not written since `before`. `None` when there is
/// no such folder here.
pub fn lying_in(folder: &Path, before: SystemTime) -> io::Result<Option<Lying>> {
    if !folder.is_dir() {
        return Ok(None);
    }
    let mut waiting = Vec::new();
    for path in segments(folder)? {
        match fs::metadata(&path) {
            Ok(file) if file.len() > 0 && file.modified()? < before => waiting.push(path),
            Ok(_) => {}
            // Replayed meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    let set_aside = match segments(&folder.join(SET_ASIDE)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        files => files?,
    };
    Ok(Some(Lying { waiting, set_aside }))
}
