//! The process that outlives us by a moment: it waits for the end of a pipe that only we hold,
//! then stops Postgres by its own pid and removes the folders. It runs as the unprivileged account
//! and touches nothing that it was not told of.

use crate::{Error, account::Account, folders::Folders, server::Stop};
use std::process::{Child, Command, Stdio};

/// `$1` the data folder, `$2` the pid file, `$3` the signal, the rest: what to remove.
///
/// A pid file is there only while its process runs, and its process writes it before it becomes
/// Postgres (see `server.rs`), so there is no moment in which Postgres runs and nobody knows.
const SCRIPT: &str = r#"
trap '' HUP INT TERM
data=$1 pidfile=$2 signal=$3
shift 3
cat >/dev/null
nap() { sleep 0.05 || sleep 1; }
runs() { kill -0 "$pid" && [ -e "$data/postmaster.pid" ]; }
if read -r pid <"$pidfile" && kill -s "$signal" "$pid"; then
    tries=0
    while runs && [ $tries -lt 400 ]; do nap; tries=$((tries + 1)); done
    runs && kill -s KILL "$pid"
fi
tries=0
until rm -rf -- "$@" || [ $tries -ge 100 ]; do nap; tries=$((tries + 1)); done
"#;

/// Dropping it ends it, after it has removed the folders.
pub(crate) struct Guard(Child);

impl Guard {
    /// Starts it; from here on nothing is left behind.
    pub(crate) fn start(account: &Account, folders: &Folders, stop: Stop) -> Result<Guard, Error> {
        let mut command: Command = account.command("/bin/sh");
        command.args(["-c", SCRIPT, "private-postgres-guard"]);
        command.arg(&folders.data).arg(folders.pid()).arg(stop.signal_name());
        command.arg(folders.private.path());
        command.args(folders.making.as_ref().map(tempfile::TempDir::path));
        command.stdin(Stdio::piped()).env("PATH", "/usr/bin:/bin");
        command.spawn().map(Guard).map_err(Error::system("cannot start the guard", "/bin/sh"))
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        // Nothing to say when it was killed: the folders' own `Drop` comes after ours.
        let _ = self.0.wait();
    }
}
