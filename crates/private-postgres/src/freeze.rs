//! Postgres as it is when its machine hangs: every process of a cluster is stopped by SIGSTOP, and goes on
//! when that is over. It loses nothing and answers nothing meanwhile.

use std::process::Command;

use rustix::process::{Pid, Signal, kill_process};

use crate::Error;

/// A cluster's processes, stopped until this is dropped.
#[derive(Debug)]
pub struct Frozen(Vec<Pid>);

impl Frozen {
    /// Stops the postmaster first, so that none of its children is newer than the list of them.
    pub(crate) fn freeze(postmaster: u32) -> Result<Self, Error> {
        let ps = Error::system("cannot run", "ps");
        let mut frozen = Self(Vec::new());
        frozen.stop(postmaster);
        let listed = Command::new("ps").args(["-A", "-o", "pid=,ppid="]).output().map_err(ps)?;
        for line in String::from_utf8_lossy(&listed.stdout).lines() {
            let mut numbers = line.split_whitespace().filter_map(|it| it.parse::<u32>().ok());
            if let (Some(pid), Some(parent)) = (numbers.next(), numbers.next())
                && parent == postmaster
            {
                frozen.stop(pid);
            }
        }
        Ok(frozen)
    }

    fn stop(&mut self, pid: u32) {
        let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
        // One that has just ended needs no stopping.
        self.0.extend(pid.filter(|it| kill_process(*it, Signal::STOP).is_ok()));
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        for pid in &self.0 {
            let _ = kill_process(*pid, Signal::CONT);
        }
    }
}
