//! One running `postgres`: started, watched, stopped by its own pid. It knows no SQL.

use crate::{Error, account::Account, find::Installation, folders::Folders};
use rustix::process::{Pid, Signal, kill_process};
use std::{
    ffi::OsString,
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command},
    thread,
    time::{Duration, Instant},
};

/// How long Postgres may take to end before it is killed.
const PATIENCE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(5);

/// How Postgres is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Connections are cut, everything is written: the next start finds a clean cluster.
    Fast,
    /// As when the power fails: nothing is written, the next start recovers from the log.
    Immediate,
}

impl Stop {
    pub(crate) fn signal_name(self) -> &'static str {
        match self {
            Stop::Fast => "INT",
            Stop::Immediate => "QUIT",
        }
    }

    fn signal(self) -> Signal {
        match self {
            Stop::Fast => Signal::INT,
            Stop::Immediate => Signal::QUIT,
        }
    }
}

/// A running postmaster. Dropping it stops it and waits.
pub(crate) struct Server {
    child: Child,
    pid_file: PathBuf,
    at_drop: Stop,
}

impl Server {
    /// Starts Postgres; it may take a moment more to answer, or end at once.
    pub(crate) fn spawn(
        account: &Account,
        installation: &Installation,
        folders: &Folders,
        settings: &[(String, String)],
        at_drop: Stop,
    ) -> Result<Server, Error> {
        let program = installation.bin.join("postgres");
        let mut arguments = vec![OsString::from("-D"), folders.data.clone().into()];
        for (name, value) in settings {
            arguments.extend(["-c".into(), format!("{name}={value}").into()]);
        }
        let log = folders.log();
        let out = File::options().create(true).append(true).open(&log);
        let out = out.map_err(Error::system("cannot write", &log))?;
        let err = out.try_clone().map_err(Error::system("cannot write", &log))?;
        let pid_file = folders.pid();
        let mut command = with_pid_file(account, &pid_file, &program);
        command.args(arguments).stdout(out).stderr(err);
        let child = command.spawn().map_err(Error::system("cannot start", program))?;
        Ok(Server { child, pid_file, at_drop })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Asks it to stop and waits until it has; after 30 seconds it is killed.
    pub(crate) async fn stop(mut self, how: Stop) -> Result<(), Error> {
        self.ask(how);
        let deadline = Instant::now() + PATIENCE;
        while !self.has_ended() {
            if Instant::now() > deadline {
                return Err(Error::DidNotStop);
            }
            tokio::time::sleep(POLL).await;
        }
        Ok(())
    }

    /// The child is not reaped yet, so its pid cannot be another's. It may have ended: fine too.
    fn ask(&self, how: Stop) {
        let _ = kill_process(Pid::from_child(&self.child), how.signal());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if !self.has_ended() {
            self.ask(self.at_drop);
        }
        let deadline = Instant::now() + PATIENCE;
        while !self.has_ended() {
            if Instant::now() > deadline {
                let _ = self.child.kill();
            }
            thread::sleep(POLL);
        }
        let _ = fs::remove_file(&self.pid_file);
    }
}

/// `program`, with its pid written for the guard by the process itself before it becomes `program`:
/// when the folder is gone already, because we died in between, it does not start at all.
pub(crate) fn with_pid_file(account: &Account, pid_file: &Path, program: &Path) -> Command {
    let mut command = account.command("/bin/sh");
    command.args(["-c", r#"echo $$ >"$0" && exec "$@""#]).arg(pid_file).arg(program);
    command
}
