//! Ingress and worker as processes of their own, as in production: the demo can kill one, and start
//! another in its place. They are this very program, told by `--part` what to be, and get their
//! settings over standard input. They end when that closes, so none outlives the demo, however it
//! ends.

use std::collections::HashMap;
use std::io::BufRead;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::app::ingress::Ingress;
use crate::app::worker::Worker;
use crate::app::{Failure, runtime};
use crate::clock::Clock;
use crate::settings::{self, IngressSettings, Source, WorkerSettings};
use crate::telemetry::Telemetry;

/// A busy machine loads the models slowly.
const READY_WITHIN: Duration = Duration::from_mins(1);

/// Longer than ingress and worker take to finish what runs.
const END_WITHIN: Duration = Duration::from_secs(30);

/// Which of our two programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Role {
    /// Takes webhooks.
    Ingress,
    /// Works on what they brought.
    Worker,
}

impl Role {
    fn name(self) -> &'static str {
        match self {
            Self::Ingress => "ingress",
            Self::Worker => "worker",
        }
    }
}

/// Is `role` until standard input ends. Its first line holds the settings, as a JSON object; what
/// is said first on standard output, once it serves: the ingress where, the worker who reads
/// photos.
pub fn be(role: Role) -> Result<(), Failure> {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).map_err(anyhow::Error::from)?;
    let given: HashMap<String, String> = serde_json::from_str(&line)
        .context("--part is for the demo itself")
        .map_err(Failure::from)?;
    let source = Source::given(given);
    let _telemetry = Telemetry::start(role.name(), &settings::telemetry(&source))?;
    runtime()?.block_on(async {
        let stop = until_stdin_ends();
        match role {
            Role::Ingress => {
                let ingress = Ingress::bind(IngressSettings::from(&source)?, Clock::system())?;
                println!("{}", ingress.address());
                ingress.run(stop).await
            }
            Role::Worker => {
                let settings = WorkerSettings::from(&source)?;
                let worker = Worker::prepare(settings, Clock::system()).await?;
                println!("{}", worker.engines());
                Box::pin(worker.run(stop)).await
            }
        }
    })
}

/// Watched on a thread that nobody waits for: a read cannot be interrupted.
fn until_stdin_ends() -> CancellationToken {
    let stop = CancellationToken::new();
    let told = stop.clone();
    std::thread::spawn(move || {
        for _ in std::io::stdin().lines().map_while(Result::ok) {}
        told.cancel();
    });
    stop
}

/// One of them, running or not.
pub struct Part {
    role: Role,
    settings: HashMap<String, String>,
    running: Option<Running>,
}

struct Running {
    child: Child,
    hold: ChildStdin,
    /// Kept open: who prints to a closed pipe ends.
    _told: BufReader<ChildStdout>,
}

impl Part {
    /// Starts it, and returns what it says of itself once it serves.
    pub async fn start(
        role: Role,
        settings: HashMap<String, String>,
    ) -> anyhow::Result<(Self, String)> {
        let mut part = Self { role, settings, running: None };
        let told = part.launch().await?;
        if role == Role::Ingress {
            // Another life of it is found where this one was.
            part.settings.insert("INGRESS_ADDR".to_owned(), told.clone());
        }
        Ok((part, told))
    }

    /// Starts it again after [`Part::kill`]. Nothing happens while it runs.
    pub async fn start_again(&mut self) -> anyhow::Result<()> {
        if self.pid().is_none() {
            self.launch().await?;
        }
        Ok(())
    }

    /// SIGKILL: whatever it is doing, it does not tidy up.
    pub async fn kill(&mut self) -> anyhow::Result<()> {
        if let Some(mut running) = self.running.take() {
            running.child.kill().await.with_context(|| format!("{} lives", self.role.name()))?;
        }
        Ok(())
    }

    /// Asks it to end as SIGTERM would, and waits until it has.
    pub async fn end(&mut self) -> anyhow::Result<()> {
        let Some(Running { mut child, hold, .. }) = self.running.take() else { return Ok(()) };
        let name = self.role.name();
        drop(hold);
        let ended = timeout(END_WITHIN, child.wait()).await;
        let ended = ended.with_context(|| format!("the {name} does not end"))??;
        if !ended.success() {
            bail!("the {name} ended badly: {ended}");
        }
        Ok(())
    }

    /// Its process, while it runs.
    pub fn pid(&mut self) -> Option<u32> {
        if let Some(running) = &mut self.running
            && !matches!(running.child.try_wait(), Ok(None))
        {
            self.running = None;
        }
        self.running.as_ref().and_then(|it| it.child.id())
    }

    async fn launch(&mut self) -> anyhow::Result<String> {
        let name = self.role.name();
        let itself = std::env::current_exe().context("this program cannot find itself")?;
        let mut child = Command::new(itself)
            .args(["demo", "--part", name])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Ctrl-C in the terminal is for us: we end the parts in their order.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("the {name} cannot be started"))?;
        let (Some(mut hold), Some(told)) = (child.stdin.take(), child.stdout.take()) else {
            bail!("the {name} has no standard input or output");
        };
        let settings = serde_json::to_string(&self.settings)?;
        hold.write_all(format!("{settings}\n").as_bytes()).await?;
        let (mut told, mut line) = (BufReader::new(told), String::new());
        let ready = timeout(READY_WITHIN, told.read_line(&mut line)).await;
        ready.with_context(|| format!("the {name} is not ready"))??;
        if line.is_empty() {
            bail!("the {name} did not start");
        }
        self.running = Some(Running { child, hold, _told: told });
        Ok(line.trim().to_owned())
    }
}
