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
    pub(crate) fn make(account: &Account, keep: Option<&Path>) -> Result<Folders, Error> {
        let base = base_for(account);
        let private = temporary("pp-", &base, account)?;
        let Some(data) = keep else {
            let data = private.path().join("data");
            return Ok(Folders {
                private,
                making: None,
                data,
            });
        };
        let data = std::path::absolute(data).map_err(Error::system("cannot name", data))?;
        let parent = data.parent().unwrap_or(Path::new("/"));
        fs::create_dir_all(parent).map_err(Error::system("cannot make the folder", parent))?;
        account.must_reach(parent)?;
        let making = match major_in(&data)? {
            Some(_) => None,
            None => Some(temporary(".private-postgres-", parent, account)?),
        };
        Ok(Folders {
            private,
            making,
            data,
        })
    }

    /// Where `initdb` is to write: the data folder, or what becomes it with [`Folders::settle`].
    pub(crate) fn target(&self) -> PathBuf {
        self.making
            .as_ref()
            .map_or_else(|| self.data.clone(), |it| it.path().join("data"))
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

/// The system's folder for temporary things, or /tmp where that one is too long for a socket, has
/// letters that a URL would have to escape, or is closed to the account.
fn base_for(account: &Account) -> PathBuf {
    let base = env::temp_dir();
    let plain = |it: u8| it.is_ascii_alphanumeric() || b"/._-".contains(&it);
    let text = base.as_os_str().as_encoded_bytes();
    let serves =
        text.len() <= LONGEST_BASE && base.is_absolute() && text.iter().all(|it| plain(*it));
    if serves && account.reaches(&base) {
        base
    } else {
        PathBuf::from("/tmp")
    }
}

fn temporary(prefix: &str, base: &Path, account: &Account) -> Result<TempDir, Error> {
    let made = tempfile::Builder::new()
        .prefix(prefix)
        .tempdir_in(base)
        .map_err(Error::system("cannot make a folder in", base))?;
    account
        .own(made.path())
        .map_err(Error::system("cannot hand over", made.path()))?;
    Ok(made)
}
