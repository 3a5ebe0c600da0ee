//! Everything that runs: Postgres, the other services' process, two ingresses, three workers. Things happen
//! to it as the plan has them, and what was taken away comes back.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use private_postgres::{Cluster, Frozen, Options, Stop};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::plan::Event;
use crate::process::{Program, command, paragon};
use crate::world::{self, Line};

/// Programs that can be killed.
pub const PROGRAMS: usize = INGRESSES + WORKERS;
const INGRESSES: usize = 2;
const WORKERS: usize = 3;

/// Small, so that spools fill up while Postgres is away.
const SPOOL_MAX_BYTES: &str = "3000000";

/// How long an answer of unknown outcome waits for its echo, at least and at most: a third of the run.
const ECHO_WAIT_S: (u64, u64) = (4, 20);

/// How long a program that has ended by itself is away.
const STARTED_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// What was done to it.
#[derive(Default)]
pub struct Blows {
    /// Ingresses and workers that were killed.
    pub kills: [usize; 2],
    /// How often Postgres was stopped, and for how long in all.
    pub stops: (usize, Duration),
    /// The same of being frozen.
    pub freezes: (usize, Duration),
    /// Programs that ended by themselves.
    pub ended: usize,
}

/// What comes back, and when.
enum Return {
    Program(usize),
    Postgres,
    Thaw,
}

/// Everything that runs; it ends when this is dropped.
pub struct Stage {
    programs: Vec<Program>,
    returns: Vec<(Instant, Return)>,
    frozen: Option<Frozen>,
    /// What was done to it.
    pub blows: Blows,
    world: Child,
    commands: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
    settings: Vec<(String, String)>,
    folder: PathBuf,
    cluster: Cluster,
}

impl Stage {
    /// Starts all of it; nothing fails yet.
    pub async fn start(wanted: world::Wanted, folder: &Path) -> anyhow::Result<Self> {
        let cluster = Cluster::start(Options {
            settings: vec![("synchronous_commit".to_owned(), "on".to_owned())],
            ..Options::default()
        });
        let cluster = cluster.await?;
        let url = cluster.create_database("paragon").await?;
        let settings = vec![("DATABASE_URL".to_owned(), url)];
        let (migrated, _) = paragon(&["migrate"], &settings, folder)?;
        ensure!(migrated, "paragon migrate");
        let ports = (0..INGRESSES).map(|_| free_port()).collect::<Result<Vec<_>, _>>()?;
        let webhook_urls = ports.iter().map(|it| format!("http://127.0.0.1:{it}/webhook"));
        let wanted = world::Wanted { webhook_urls: webhook_urls.collect(), ..wanted };
        let mut world = Command::from(command(&std::env::current_exe()?, folder))
            .args(["world", &serde_json::to_string(&wanted)?])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let commands = world.stdin.take().context("a pipe")?;
        let lines = BufReader::new(world.stdout.take().context("a pipe")?).lines();
        let (least, most) = ECHO_WAIT_S;
        let echo_wait_s = (wanted.over_ms / 3000).clamp(least, most);
        let mut stage = Self {
            programs: Vec::new(),
            returns: Vec::new(),
            frozen: None,
            blows: Blows::default(),
            world,
            commands,
            lines,
            settings,
            folder: folder.to_owned(),
            cluster,
        };
        stage.start_programs(&ports, echo_wait_s).await?;
        Ok(stage)
    }

    async fn start_programs(&mut self, ports: &[u16], echo_wait_s: u64) -> anyhow::Result<()> {
        let Line::Settings(others) = self.line().await? else { bail!("settings come first") };
        self.settings.extend(others);
        let more = [
            ("METRICS_ADDR", "127.0.0.1:0"),
            ("OCR_ENGINES", "anthropic,tesseract"),
            ("SPOOL_MAX_BYTES", SPOOL_MAX_BYTES),
            ("RUST_LOG", "warn"),
        ];
        self.settings.extend(more.map(|(name, value)| (name.to_owned(), value.to_owned())));
        self.settings.push(("ECHO_WAIT_S".to_owned(), echo_wait_s.to_string()));
        for (number, port) in ports.iter().enumerate() {
            let folder = self.folder.join(format!("ingress-{number}"));
            let mut settings = self.settings.clone();
            settings.push(("INGRESS_ADDR".to_owned(), format!("127.0.0.1:{port}")));
            settings.push(("SPOOL_DIR".to_owned(), spool_in(&folder).display().to_string()));
            self.programs.push(Program::new("ingress", settings, folder)?);
        }
        for number in 0..WORKERS {
            let folder = self.folder.join(format!("worker-{number}"));
            self.programs.push(Program::new("worker", self.settings.clone(), folder)?);
        }
        for program in &mut self.programs {
            program.start()?;
        }
        Ok(())
    }

    /// `DATABASE_URL` and the rest.
    pub fn settings(&self) -> &[(String, String)] {
        &self.settings
    }

    /// The database.
    pub fn url(&self) -> String {
        self.cluster.url("paragon")
    }

    /// The spools of the ingresses.
    pub fn spools(&self) -> Vec<PathBuf> {
        (0..INGRESSES).map(|it| spool_in(&self.folder.join(format!("ingress-{it}")))).collect()
    }

    /// Tells the other services' process something.
    pub async fn tell(&mut self, command: &str) -> anyhow::Result<()> {
        self.commands.write_all(format!("{command}\n").as_bytes()).await?;
        Ok(self.commands.flush().await?)
    }

    /// What it says next.
    pub async fn line(&mut self) -> anyhow::Result<Line> {
        let line = self.lines.next_line().await?.context("the other services are gone")?;
        Ok(serde_json::from_str(&line)?)
    }

    /// Something happens to it.
    pub async fn suffer(&mut self, event: Event) -> anyhow::Result<()> {
        match event {
            Event::Kill { program, back_after } => {
                if self.programs[program].kill() {
                    self.blows.kills[usize::from(program >= INGRESSES)] += 1;
                    self.come_back(back_after, Return::Program(program));
                }
            }
            Event::StopPostgres(away) if self.frozen.is_none() => {
                self.cluster.stop(Stop::Immediate).await?;
                self.blows.stops.0 += 1;
                self.blows.stops.1 += away;
                self.come_back(away, Return::Postgres);
            }
            Event::FreezePostgres(away)
                if self.frozen.is_none() && self.cluster.pid().is_some() =>
            {
                self.frozen = self.cluster.freeze()?;
                self.blows.freezes.0 += 1;
                self.blows.freezes.1 += away;
                self.come_back(away, Return::Thaw);
            }
            // One blow to Postgres at a time.
            Event::StopPostgres(_) | Event::FreezePostgres(_) => {}
        }
        Ok(())
    }

    fn come_back(&mut self, after: Duration, what: Return) {
        self.returns.push((Instant::now() + after, what));
    }

    /// What is due comes back. What has ended by itself is counted, and comes back too.
    pub async fn recover(&mut self) -> anyhow::Result<()> {
        for program in 0..self.programs.len() {
            if self.programs[program].has_ended() {
                self.blows.ended += 1;
                self.come_back(STARTED_AGAIN_AFTER, Return::Program(program));
            }
        }
        let now = Instant::now();
        let due = self.returns.extract_if(.., |(at, _)| *at <= now).collect::<Vec<_>>();
        for (_, what) in due {
            match what {
                Return::Program(program) => self.programs[program].start()?,
                Return::Postgres => self.cluster.start_again().await?,
                Return::Thaw => self.frozen = None,
            }
        }
        Ok(())
    }

    /// Whether all that was taken away is back.
    pub fn is_whole(&self) -> bool {
        self.returns.is_empty()
    }

    /// Whether the other services' process still runs.
    pub fn has_a_world(&mut self) -> bool {
        matches!(self.world.try_wait(), Ok(None))
    }
}

fn spool_in(folder: &Path) -> PathBuf {
    folder.join("spool")
}

/// A port that was free a moment ago.
fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
