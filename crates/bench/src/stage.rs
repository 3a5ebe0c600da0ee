//! Postgres, the ingress and a worker, as processes, and what can be seen of them from outside.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use private_postgres::{Cluster, Options};

use crate::http::Connection;
use crate::payloads::{PHONE, SECRET};

/// Sends of ours that statuses may speak of.
const SENDS: usize = 200_000;

/// A durable Postgres and an ingress before it, and a worker where there is one; they end when this is
/// dropped.
pub struct Stage {
    ingress: Child,
    worker: Option<Child>,
    /// Where webhooks go.
    pub address: SocketAddr,
    metrics: SocketAddr,
    folder: tempfile::TempDir,
    url: String,
    cluster: Cluster,
}

impl Stage {
    /// Starts both; media is asked for at `graph`, where there is one.
    pub async fn start(graph: Option<SocketAddr>) -> anyhow::Result<Self> {
        let settings = vec![("max_wal_size".to_owned(), "4GB".to_owned())];
        let cluster = Cluster::start(Options { durable: true, settings, ..Options::default() });
        let cluster = cluster.await?;
        let url = cluster.create_database("bench").await?;
        let migrate = Command::new(program("paragon")?)
            .arg("migrate")
            .env("DATABASE_URL", &url)
            .stdout(Stdio::null())
            .status()?;
        ensure!(migrate.success(), "paragon migrate: {migrate}");
        let folder = tempfile::tempdir()?;
        let (address, metrics) = (free_address()?, free_address()?);
        let graph = graph.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 9)));
        let ingress = Command::new(program("ingress")?)
            .current_dir(folder.path())
            .env("DATABASE_URL", &url)
            .env("INGRESS_ADDR", address.to_string())
            .env("METRICS_ADDR", metrics.to_string())
            .env("META_APP_SECRET", SECRET)
            .env("META_VERIFY_TOKEN", "bench")
            .env("WA_TOKEN", "bench")
            .env("GRAPH_API_URL", format!("http://{graph}/v26.0"))
            .env("MEDIA_HOSTS", graph.to_string())
            .env("SPOOL_DIR", folder.path().join("spool"))
            .stderr(std::fs::File::create(folder.path().join("log"))?)
            .stdout(Stdio::null())
            .spawn()?;
        let stage = Self { ingress, worker: None, address, metrics, folder, url, cluster };
        stage.ready().await?;
        Ok(stage)
    }

    /// Starts a worker that asks the others there, and as often as it likes.
    pub async fn start_worker(&mut self, others: SocketAddr) -> anyhow::Result<()> {
        let worker = Command::new(program("worker")?)
            .current_dir(self.folder.path())
            .env("DATABASE_URL", &self.url)
            .env("METRICS_ADDR", "127.0.0.1:0")
            .env("WA_TOKEN", "bench")
            .env("GRAPH_API_URL", format!("http://{others}/v26.0"))
            .env("MEDIA_HOSTS", others.to_string())
            .env("STRIPE_SECRET_KEY", "sk_test_bench")
            .env("STRIPE_API_URL", format!("http://{others}"))
            .env("ANTHROPIC_API_KEY", "sk-ant-bench")
            .env("ANTHROPIC_API_URL", format!("http://{others}"))
            .env("OCR_ENGINES", "anthropic")
            // Meta's upper throughput; the bench has one number.
            .env("WA_SENDS_PER_SECOND", "1000")
            .env("STRIPE_SEARCHES_PER_SECOND", "1000")
            .stderr(std::fs::File::create(self.folder.path().join("worker.log"))?)
            .stdout(Stdio::null())
            .spawn()?;
        self.worker = Some(worker);
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(30) {
            if self.query("select count(*) from apalis_lease.workers")?.trim() != "0" {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        bail!("the worker has not started: see {}", self.folder.path().join("worker.log").display())
    }

    async fn ready(&self) -> anyhow::Result<()> {
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(30) {
            if self.get("/readyz").await.is_ok_and(|(status, _)| status == 200) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        bail!("the ingress is not ready: see {}", self.folder.path().join("log").display())
    }

    async fn get(&self, path: &str) -> std::io::Result<(u16, Vec<u8>)> {
        let mut connection = Connection::open(self.metrics).await?;
        connection.ask(format!("GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n").as_bytes()).await
    }

    /// A number that the ingress shows.
    pub async fn metric(&self, name: &str) -> anyhow::Result<f64> {
        let (_, page) = self.get("/metrics").await?;
        let page = String::from_utf8(page)?;
        let line = page.lines().find_map(|it| it.strip_prefix(name)?.strip_prefix(' '));
        Ok(line.with_context(|| format!("no metric {name}"))?.parse()?)
    }

    /// Writes down sends of ours, each awaiting its statuses.
    pub fn send_answers(&self) -> anyhow::Result<()> {
        self.sql(&format!(
            "insert into senders (phone) values ('420777123456');
             insert into messages (wamid, phone_number_id, phone, kind, sent_at, received_at,
                                   accepted_at, raw)
             select 'wamid.in' || send, '106540352242922', '420777123456', 'text', now(), now(), now(), ''
             from generate_series(1, {SENDS}) as send;
             insert into replies (message_id, sender_id, part, outcome, language, body, parameters,
                                  state, created_at)
             select id, (select max(id) from senders), 'answer', 'help', 'en', 'x', '{{}}', 'owed', now()
             from messages;
             insert into send_attempts (id, reply_id, number, form, intended_at)
             select lpad(to_hex(row_number() over (order by id)), 32, '0')::uuid, id, 1, 'text', now()
             from replies;"
        ))?;
        self.sql("vacuum analyze")?;
        self.sql("checkpoint")
    }

    /// The first so many senders are customers, of whom Stripe need not be asked.
    pub fn know(&self, senders: usize) -> anyhow::Result<()> {
        self.sql(&format!(
            "insert into senders (phone, customer_id, customer_checked_at)
             select '{PHONE}' || lpad(n::text, 5, '0'), 'cus_known' || n, now()
             from generate_series(0, {senders} - 1) as n"
        ))?;
        self.sql("vacuum analyze senders")
    }

    /// Runs SQL by psql.
    pub fn sql(&self, sql: &str) -> anyhow::Result<()> {
        let psql = Command::new(self.tool("psql"))
            .args([self.url.as_str(), "-Xq", "-v", "ON_ERROR_STOP=1", "-c", sql])
            .stdout(Stdio::null())
            .status()?;
        ensure!(psql.success(), "psql: {psql}");
        Ok(())
    }

    /// What SQL by psql answers: a line for each row, columns between bars.
    pub fn query(&self, sql: &str) -> anyhow::Result<String> {
        let psql = Command::new(self.tool("psql"))
            .args([self.url.as_str(), "-XqAt", "-v", "ON_ERROR_STOP=1", "-c", sql])
            .output()?;
        ensure!(psql.status.success(), "psql: {}", String::from_utf8_lossy(&psql.stderr));
        Ok(String::from_utf8(psql.stdout)?)
    }

    /// The photo that pgbench commits.
    pub fn photo_for_pgbench(&self) -> anyhow::Result<()> {
        self.sql(
            "create table bench_photo as
             select string_agg(sha256(part::text::bytea), ''::bytea) as bytes
             from generate_series(1, 6250) as part",
        )
    }

    /// The database, for pgbench.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A program of Postgres's.
    pub fn tool(&self, name: &str) -> PathBuf {
        self.cluster.bin_dir().join(name)
    }

    /// A folder that lasts as long as this.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Processor time that the ingress has used, in seconds.
    pub fn ingress_cpu_s(&self) -> anyhow::Result<f64> {
        cpu_s(self.ingress.id())
    }

    /// The same of the worker.
    pub fn worker_cpu_s(&self) -> anyhow::Result<f64> {
        cpu_s(self.worker.as_ref().context("no worker was started")?.id())
    }

    /// Memory of the ingress in kB: now, and the most since it started.
    pub fn ingress_memory_kb(&self) -> anyhow::Result<(u64, u64)> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.ingress.id()))?;
        let of = |name: &str| -> anyhow::Result<u64> {
            let line =
                status.lines().find_map(|it| it.strip_prefix(name)).context("no such line")?;
            Ok(line.trim().trim_end_matches(" kB").trim().parse()?)
        };
        Ok((of("VmRSS:")?, of("VmHWM:")?))
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        for program in self.worker.iter_mut().chain([&mut self.ingress]) {
            program.kill().ok();
            program.wait().ok();
        }
    }
}

fn cpu_s(pid: u32) -> anyhow::Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // After the name, which is in parentheses: the 12th and 13th are ticks of a hundredth.
    let rest = stat.rsplit(')').next().unwrap_or_default();
    let ticks = rest.split_whitespace().skip(11).take(2).map(str::parse::<u32>);
    Ok(f64::from(ticks.sum::<Result<u32, _>>()?) / 100.0)
}

/// A program of ours, built beside this one.
fn program(name: &str) -> anyhow::Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name(name);
    ensure!(path.exists(), "{} is not built: run `make bench`", path.display());
    Ok(path)
}

/// An address that was free a moment ago.
fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}
