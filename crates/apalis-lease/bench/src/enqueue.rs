//! Writing jobs: one transaction each by so many clients, and in bulk; beside each, pgbench with
//! the same statement.

use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use apalis_lease::{NewJob, enqueue, enqueue_all};
use serde_json::json;
use sqlx::{Connection, PgConnection};
use tokio::process::Command;
use tokio::task::JoinSet;

use crate::stage::{Line, Stage, round};

/// As `apalis_lease::enqueue` sends it: what is filled in there is a parameter here as well, but for
/// nulls, which pgbench cannot bind.
const STATEMENT: &str = "insert into apalis_lease.jobs \
    (queue, key, priority, run_at, max_attempts, payload, trace_parent, group_key) \
    values (:queue, null, :priority, coalesce(null, now()), :max_attempts, \
            (:payload)::text::jsonb, null, null) \
    on conflict (queue, key) where key is not null do nothing returning id;";
/// The parameters of `STATEMENT`.
const PARAMETERS: [&str; 4] =
    ["queue=letters", "priority=1", "max_attempts=10", r#"payload={"letter": 17}"#];
const BULK: usize = 50;
/// Of each client program, ours and pgbench.
const THREADS: usize = 2;

pub async fn measure(stage: &Stage, time: Duration) -> Result<()> {
    for clients in [1_usize, 8, 32] {
        stage.sweep().await?;
        ours(stage, clients, 1, time).await?.print();
        stage.sweep().await?;
        pgbench(stage, clients, 1, time).await?.print();
    }
    for clients in [1_usize, 8] {
        stage.sweep().await?;
        ours(stage, clients, BULK, time).await?.print();
        stage.sweep().await?;
        pgbench(stage, clients, BULK, time).await?.print();
    }
    Ok(())
}

/// Two threads, each with half of the clients, as pgbench has them.
async fn ours(stage: &Stage, clients: usize, bulk: usize, time: Duration) -> Result<Line> {
    let threads = clients.min(THREADS);
    // Connections are made before the clock starts.
    let start = Arc::new(Barrier::new(threads + 1));
    let writers: Vec<_> = (0..threads)
        .map(|_| {
            let (url, start) = (stage.url.clone(), Arc::clone(&start));
            std::thread::spawn(move || write(&url, clients / threads, bulk, time, &start))
        })
        .collect();
    tokio::task::spawn_blocking(move || start.wait()).await?;
    let watch = stage.watch();
    let written = tokio::task::spawn_blocking(move || {
        let written =
            writers.into_iter().map(|it| it.join().ok().context("a writer panicked").flatten());
        written.sum::<Result<u32>>()
    });
    let written = written.await??;
    Ok(watch.line(format!("{} apalis-lease", name(clients, bulk)), f64::from(written), None))
}

/// What so many clients on this one thread write.
fn write(url: &str, clients: usize, bulk: usize, time: Duration, start: &Barrier) -> Result<u32> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let connections =
            futures::future::try_join_all((0..clients).map(|_| PgConnection::connect(url)));
        let connections = connections.await;
        start.wait();
        let until = Instant::now() + time;
        let mut all = JoinSet::new();
        for mut connection in connections? {
            all.spawn(async move {
                let jobs: Vec<_> =
                    (0..bulk).map(|_| NewJob::new("letters", json!({ "letter": 17 }))).collect();
                let mut written = 0_u32;
                while Instant::now() < until {
                    if bulk == 1 {
                        enqueue(&mut connection, &jobs[0]).await?;
                    } else {
                        enqueue_all(&mut connection, &jobs).await?;
                    }
                    written += u32::try_from(jobs.len())?;
                }
                anyhow::Ok(written)
            });
        }
        let mut written = 0_u32;
        while let Some(done) = all.join_next().await {
            written += done??;
        }
        Ok(written)
    })
}

fn name(clients: usize, bulk: usize) -> String {
    if bulk == 1 {
        format!("enqueue, {clients} clients,")
    } else {
        format!("enqueue {bulk} at once, {clients} clients,")
    }
}

async fn pgbench(stage: &Stage, clients: usize, bulk: usize, time: Duration) -> Result<Line> {
    let script =
        std::env::temp_dir().join(format!("apalis-lease-bench-{}.sql", std::process::id()));
    let sql = if bulk == 1 { STATEMENT.to_owned() } else { unnest(bulk) };
    std::fs::write(&script, sql)?;
    let watch = stage.watch();
    let output = Command::new(stage.program("pgbench"))
        .args(["--no-vacuum", "--protocol=prepared"])
        .arg(format!("--jobs={}", clients.min(THREADS)))
        .arg(format!("--client={clients}"))
        .arg(format!("--time={}", time.as_secs()))
        .arg(format!("--file={}", script.display()))
        .args(PARAMETERS.map(|it| format!("--define={it}")))
        .arg(&stage.url)
        .output()
        .await
        .context("pgbench")?;
    std::fs::remove_file(&script)?;
    // Until Postgres has counted the time of the processes that served it.
    tokio::time::sleep(Duration::from_millis(200)).await;
    let text = String::from_utf8(output.stdout)?;
    let tps =
        text.lines().find_map(|it| it.strip_prefix("tps = ")?.split(' ').next()?.parse().ok());
    let tps: f64 = tps.with_context(|| String::from_utf8_lossy(&output.stderr).into_owned())?;
    let rows = tps * f64::from(u32::try_from(bulk)?);
    let mut line = watch.line(
        format!("{} pgbench", name(clients, bulk)),
        rows * time.as_secs_f64(),
        Some(time),
    );
    // The client is another process.
    (line.per_s, line.client_us) = (Some(round(rows)), None);
    Ok(line)
}

/// The plainest way to write so many rows: no key, nothing to answer.
fn unnest(rows: usize) -> String {
    let payloads = vec![r#"{"letter": 17}"#.replace('"', "\\\""); rows];
    let payloads = payloads.iter().map(|it| format!("\"{it}\"")).collect::<Vec<_>>().join(",");
    format!(
        "insert into apalis_lease.jobs (queue, max_attempts, payload) \
         select 'letters', 10, p::jsonb from unnest('{{{payloads}}}'::text[]) as p;"
    )
}
