//! One program of Paragon's as a process: started, killed by its own id, started again.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, ensure};

/// A program that is started again and again.
pub struct Program {
    path: PathBuf,
    environment: Vec<(String, String)>,
    folder: PathBuf,
    child: Option<Child>,
}

impl Program {
    /// A program that does not run yet; what it says goes to `folder`.
    pub fn new(
        name: &str,
        environment: Vec<(String, String)>,
        folder: PathBuf,
    ) -> anyhow::Result<Self> {
        std::fs::create_dir_all(&folder)?;
        Ok(Self { path: built(name)?, environment, folder, child: None })
    }

    /// Starts it, where it does not run.
    pub fn start(&mut self) -> anyhow::Result<()> {
        if self.child.is_some() {
            return Ok(());
        }
        let log = File::options().create(true).append(true).open(self.folder.join("log"))?;
        let mut command = command(&self.path, &self.folder);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        self.child = Some(command.stdout(Stdio::null()).stderr(log).spawn()?);
        Ok(())
    }

    /// SIGKILL, where it runs: no chance to tidy up. Whether it ran.
    pub fn kill(&mut self) -> bool {
        let Some(mut child) = self.child.take() else { return false };
        child.kill().ok();
        child.wait().ok();
        true
    }

    /// Whether it has ended by itself, which it should not.
    pub fn has_ended(&mut self) -> bool {
        let ended = self.child.as_mut().is_some_and(|it| !matches!(it.try_wait(), Ok(None)));
        if ended {
            self.child = None;
        }
        ended
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A program of ours, built beside this one.
pub fn built(name: &str) -> anyhow::Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name(name);
    let hint = "cargo build --workspace --all-features --bins";
    ensure!(path.exists(), "{} is not built: {hint}", path.display());
    Ok(path)
}

/// A program with nothing of our environment but what it needs to find others, in a folder without `.env`.
pub fn command(path: &Path, folder: &Path) -> Command {
    let mut command = Command::new(path);
    command.env_clear().current_dir(folder).stdin(Stdio::null());
    for name in ["PATH", "HOME", "TMPDIR"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command
}

/// What `paragon` answers: whether it ended well, and its standard output.
pub fn paragon(
    arguments: &[&str],
    environment: &[(String, String)],
    folder: &Path,
) -> anyhow::Result<(bool, String)> {
    let mut command = command(&built("paragon")?, folder);
    command.args(arguments).envs(environment.iter().map(|(name, value)| (name, value)));
    let ended = command.output().context("paragon cannot be started")?;
    let said = String::from_utf8_lossy(&ended.stdout).into_owned();
    if said.is_empty() {
        eprint!("{}", String::from_utf8_lossy(&ended.stderr));
    }
    Ok((ended.status.success(), said))
}
