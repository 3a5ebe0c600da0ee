//! Our programs as processes.

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use crate::rig::{PATIENCE, until};

pub const INGRESS: &str = env!("CARGO_BIN_EXE_ingress");
pub const WORKER: &str = env!("CARGO_BIN_EXE_worker");
pub const PARAGON: &str = env!("CARGO_BIN_EXE_paragon");

/// A program with these settings and nothing of ours, in a folder without a `.env`.
pub fn program(path: &str, folder: &Path, settings: &[(String, String)]) -> Command {
    let mut command = Command::new(path);
    command.env_clear().current_dir(folder).stdin(Stdio::null());
    for name in ["PATH", "HOME", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command.envs(settings.iter().map(|(name, value)| (name, value)));
    command
}

pub fn output(path: &str, arguments: &[&str], settings: &[(String, String)]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    program(path, folder.path(), settings).args(arguments).output().unwrap()
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A process that is killed, by its own id, when the test ends.
pub struct Running {
    child: Child,
    _folder: tempfile::TempDir,
}

impl Running {
    pub fn start(path: &str, settings: &[(String, String)]) -> Self {
        Self::start_logging(path, settings, Stdio::null())
    }

    pub fn start_logging(path: &str, settings: &[(String, String)], log: Stdio) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let child = program(path, folder.path(), settings)
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        Self { child, _folder: folder }
    }

    /// SIGKILL: no chance to tidy up.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub fn terminate(&self) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    }

    pub async fn ended(&mut self) -> std::process::ExitStatus {
        until("the process has ended", || self.child.try_wait().unwrap().is_some()).await;
        self.child.wait().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

pub async fn get(url: &str) -> Option<u16> {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    Some(client.get(url).send().await.ok()?.status().as_u16())
}

/// A port that was free a moment ago: a process cannot hand us the one that it was given.
pub fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Waits until the ingress on `port` says that it is ready.
pub async fn ready(port: u16) {
    let readyz = format!("http://127.0.0.1:{port}/readyz");
    let asked = async {
        while get(&readyz).await != Some(200) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, asked).await.is_ok(), "the ingress is not ready");
}
