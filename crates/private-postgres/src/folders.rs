//! Where a cluster lives: a short-named folder for its socket, log and pid, which is always thrown
//! away, and the data folder inside it or, kept, elsewhere. It never removes a kept folder.

use crate::{Error, account::Account};
use std::{
    env, fs, io,
    path::{Path, PathBuf},
};
use tempfile::TempDir;

/// A socket's whole path may have 103 bytes on macOS, 107 on Linux; ours adds 27 to this.
const LONGEST_BASE: usize = 70;
const MEMORY: &str = "/dev/shm";
/// An empty cluster takes 40 MB, each database 8 MB more, and then come the photos.
const ROOM: u64 = 1 << 30;

/// The folders of one cluster.
pub(crate) struct Folders {
    /// Socket, log, pid, and the data unless it is kept. 0700, owned by the account.
    pub(crate) private: TempDir,
    /// Where a kept data folder is made before it gets its name, so that it is whole or absent.
    pub(crate) making: Option<TempDir>,
    /// The data folder.
    pub(crate) data: PathBuf,
}

impl Folders {
    /// Makes all but the data folder itself.
    pub(crate) fn make(
        account: &Account,
        keep: Option<&Path>,
        durable: bool,
    ) -> Result<Folders, Error> {
        let base = base_for(account, keep.is_none() && !durable);
        let private = temporary("pp-", &base, account)?;
        let Some(data) = keep else {
            let data = private.path().join("data");
            return Ok(Folders { private, making: None, data });
        };
        let data = std::path::absolute(data).map_err(Error::system("cannot name", data))?;
        let parent = data.parent().unwrap_or(Path::new("/"));
        fs::create_dir_all(parent).map_err(Error::system("cannot make the folder", parent))?;
        account.must_reach(parent)?;
        let making = match major_in(&data)? {
            Some(_) => None,
            None => Some(temporary(".private-postgres-", parent, account)?),
        };
        Ok(Folders { private, making, data })
    }

    /// Where `initdb` is to write: the data folder, or what becomes it with [`Folders::settle`].
    pub(crate) fn target(&self) -> PathBuf {
        self.making.as_ref().map_or_else(|| self.data.clone(), |it| it.path().join("data"))
    }

    /// Gives a finished kept folder its name. Nothing happens when there is none.
    pub(crate) fn settle(&mut self) -> Result<(), Error> {
        let Some(making) = self.making.take() else {
            return Ok(());
        };
        fs::rename(making.path().join("data"), &self.data)
            .map_err(Error::system("cannot put the new cluster at", &self.data))
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.private.path().join("log")
    }

    pub(crate) fn pid(&self) -> PathBuf {
        self.private.path().join("pid")
    }
}

/// The major version of the cluster in `data`; `None` where there is nothing yet.
pub(crate) fn major_in(data: &Path) -> Result<Option<u32>, Error> {
    match fs::read_to_string(data.join("PG_VERSION")) {
        Ok(text) => match text.trim().parse() {
            Ok(major) => Ok(Some(major)),
            Err(_) => Err(Error::NotACluster(data.to_owned())),
        },
        Err(missing) if missing.kind() == io::ErrorKind::NotFound && is_free(data) => Ok(None),
        Err(_) => Err(Error::NotACluster(data.to_owned())),
    }
}

/// Absent, or an empty folder.
fn is_free(data: &Path) -> bool {
    match fs::read_dir(data) {
        Ok(mut entries) => entries.next().is_none(),
        Err(missing) => missing.kind() == io::ErrorKind::NotFound,
    }
}

/// TMPDIR where it is set; else memory for a cluster that may forget, because a disk makes the some
/// three hundred files of each database slowly; else /tmp.
fn base_for(account: &Account, may_forget: bool) -> PathBuf {
    let named = env::var_os("TMPDIR").map(PathBuf::from);
    let memory = (may_forget && has_room(MEMORY)).then(|| PathBuf::from(MEMORY));
    let serves = |it: &PathBuf| fits_a_url(it) && account.reaches(it);
    named.or(memory).filter(serves).unwrap_or_else(|| PathBuf::from("/tmp"))
}

/// Short enough for a socket, and without letters that a URL would have to escape.
fn fits_a_url(base: &Path) -> bool {
    let text = base.as_os_str().as_encoded_bytes();
    let plain = |it: &u8| it.is_ascii_alphanumeric() || b"/._-".contains(it);
    base.is_absolute() && text.len() <= LONGEST_BASE && text.iter().all(plain)
}

/// Linux's folder in memory is there in every container, but often with 64 MB only.
fn has_room(folder: &str) -> bool {
    rustix::fs::statvfs(folder).is_ok_and(|it| it.f_bavail.saturating_mul(it.f_frsize) >= ROOM)
}

fn temporary(prefix: &str, base: &Path, account: &Account) -> Result<TempDir, Error> {
    let made = tempfile::Builder::new()
        .prefix(prefix)
        .tempdir_in(base)
        .map_err(Error::system("cannot make a folder in", base))?;
    account.own(made.path()).map_err(Error::system("cannot hand over", made.path()))?;
    Ok(made)
}
