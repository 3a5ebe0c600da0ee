//! What can go wrong, each case saying what the reader can do about it. It never carries a
//! statement or a row: Postgres's own log is quoted for a failed start only.

use std::{io, path::PathBuf};

/// Why a cluster could not be made, started, stopped or given a database.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No usable installation: install Postgres's server, this crate downloads nothing.
    #[error(
        "no PostgreSQL server {wanted} found on PATH, in /usr/lib/postgresql or in brew's folders \
         ({seen}); install it with `apt-get install postgresql` or `brew install postgresql@17`"
    )]
    NotInstalled {
        /// The version asked for, as words: `14 or newer`, or the one a kept folder needs.
        wanted: String,
        /// The versions that are there but do not serve, as words.
        seen: String,
    },
    /// `Options::keep` names a folder that holds something else than a cluster.
    #[error("{} is neither empty nor a Postgres data folder: it is left as it is", .0.display())]
    NotACluster(PathBuf),
    /// We are root, Postgres runs as `account`, and `account` may not enter `folder`.
    #[error(
        "Postgres runs as the user {account} here, who cannot reach {}: choose a folder below one \
         that everyone may enter, such as /var/tmp", folder.display()
    )]
    Unreachable {
        /// The folder that was to hold the cluster.
        folder: PathBuf,
        /// The unprivileged user.
        account: String,
    },
    /// A folder or a process could not be made. The first field says which.
    #[error("{what} {}", path.display())]
    System {
        /// What was tried, as words.
        what: &'static str,
        /// The file, folder or program that it was tried on.
        path: PathBuf,
        /// The system's answer.
        #[source]
        source: io::Error,
    },
    /// `initdb` refused; its own words follow.
    #[error("initdb could not make a cluster:\n{0}")]
    Initdb(String),
    /// Postgres ended at once or did not answer in time; the end of its log follows.
    #[error("Postgres did not start ({why}); the end of its log:\n{log}")]
    DidNotStart {
        /// It ended, or it did not answer.
        why: &'static str,
        /// The last lines of its log.
        log: String,
    },
    /// Postgres did not end in time when asked to, and was killed.
    #[error("Postgres did not stop when asked to, and was killed")]
    DidNotStop,
    /// A database's name must be 1 to 63 of `a-z`, `0-9` and `_`, and not begin with a digit.
    #[error("not a name for a database: {0:?}")]
    NotADatabaseName(String),
    /// Postgres refused a connection or a `create database`.
    #[error("the private Postgres refused")]
    Database(#[from] sqlx::Error),
}

impl Error {
    /// Wraps the system's answer to `what` tried on `path`.
    pub(crate) fn system(
        what: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Error {
        let path = path.into();
        move |source| Error::System { what, path, source }
    }
}
