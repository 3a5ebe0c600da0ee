//! What is measured.

use std::time::Duration;

use serde_json::json;

use crate::graph::{Graph, Manners};
use crate::load::{Pace, run};
use crate::payloads::{photo, status, text};
use crate::pgbench::{self, Script};
use crate::report::{line, of, rounded, with};
use crate::stage::Stage;

/// Meta's top tier: 1,000 messages and 3,000 statuses a second.
const TOP_TIER: u32 = 4_000;

/// Photos under way at once.
const PHOTOS_AT_ONCE: usize = 192;

/// One of the loads.
#[derive(Clone, Copy, Debug)]
pub enum Scenario {
    /// Statuses and texts, 3 to 1, at Meta's top tier, whatever the answers do.
    Open,
    /// The same, as fast as they are answered.
    Closed,
    /// Texts over 8 and 32 connections, against pgbench with as many clients.
    Commit,
    /// 200 kB photos with Graph answering in 60 + 80 ms, against pgbench with the same bytes.
    Photos,
    /// Memory: idle, and with 200 photos in flight of 200 kB and of 5 MB.
    Memory,
}

impl Scenario {
    /// In the order in which they run.
    pub const ALL: [Self; 5] = [Self::Open, Self::Closed, Self::Commit, Self::Photos, Self::Memory];

    /// By its name on the command line.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "open" => Some(Self::Open),
            "closed" => Some(Self::Closed),
            "commit" => Some(Self::Commit),
            "photos" => Some(Self::Photos),
            "memory" => Some(Self::Memory),
            _ => None,
        }
    }

    /// Runs it and prints its figures.
    pub async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Open => mixed("open", Pace::Open(TOP_TIER), 256).await,
            Self::Closed => mixed("closed", Pace::Closed, 128).await,
            Self::Commit => commit().await,
            Self::Photos => photos().await,
            Self::Memory => memory().await,
        }
    }
}

fn seconds() -> u64 {
    std::env::var_os("BENCH_SECONDS")
        .and_then(|it| it.to_str()?.parse().ok())
        .filter(|it| *it > 0)
        .unwrap_or(15)
}

fn within() -> Duration {
    Duration::from_secs(seconds())
}

async fn mixed(name: &str, pace: Pace, connections: usize) -> anyhow::Result<()> {
    let stage = Stage::start(None).await?;
    stage.send_answers()?;
    let most = match pace {
        Pace::Open(rate) => u64::from(rate) * seconds(),
        Pace::Closed => 15_000 * seconds(),
    };
    let requests = (0..usize::try_from(most)?)
        .map(|it| if it % 4 == 3 { text(it) } else { status(it / 4 * 3 + it % 4) })
        .collect();
    let before = stage.ingress_cpu_s()?;
    let measured = run(stage.address, requests, pace, connections, within()).await?;
    let cpu_s = stage.ingress_cpu_s()? - before;
    let commits = stage.metric("paragon_ingress_commit_webhooks_count").await?;
    let answered = measured.rate() * measured.took.as_secs_f64();
    let more = json!({
        "connections": connections,
        "ingress_cpu_us_each": rounded(cpu_s * 1e6 / answered),
        "webhooks_a_commit": rounded(answered / commits),
        "ingress_rss_kb": stage.ingress_memory_kb()?.0,
    });
    line(name, "statuses and texts 3:1", &with(of(&measured), &more));
    Ok(())
}

async fn commit() -> anyhow::Result<()> {
    let stage = Stage::start(None).await?;
    let mut sent = 0;
    for round in 1..=3 {
        for clients in [8_u32, 32] {
            let tps = pgbench::run(&stage, Script::Text, clients, seconds()).await?;
            let most = usize::try_from(15_000 * seconds())?;
            let requests = (sent..sent + most).map(text).collect();
            sent += most;
            let before = stage.metric("paragon_ingress_commit_webhooks_count").await?;
            let connections = usize::try_from(clients)?;
            let measured =
                run(stage.address, requests, Pace::Closed, connections, within()).await?;
            let commits = stage.metric("paragon_ingress_commit_webhooks_count").await? - before;
            let more = json!({
                "round": round,
                "pgbench_per_s": rounded(tps),
                "against_pgbench": rounded(measured.rate() / tps),
                "commits_per_s": rounded(commits / measured.took.as_secs_f64()),
            });
            let case = format!("texts over {clients} connections");
            line("commit", &case, &with(of(&measured), &more));
        }
    }
    Ok(())
}

async fn photos() -> anyhow::Result<()> {
    let manners = Manners {
        photo_bytes: 200_000,
        object_after: Duration::from_millis(60),
        bytes_after: Duration::from_millis(80),
    };
    let graph = Graph::start(manners).await?;
    let stage = Stage::start(Some(graph.address())).await?;
    stage.sql(
        "create table bench_photo as
         select string_agg(sha256(part::text::bytea), ''::bytea) as bytes
         from generate_series(1, 6250) as part",
    )?;
    let mut sent = 0;
    for round in 1..=2 {
        let tps = pgbench::run(&stage, Script::Photo, 32, seconds()).await?;
        // Graph alone takes 140 ms, so fewer connections would bound the rate by themselves.
        for (case, pace) in [
            ("as fast as they are answered", Pace::Closed),
            ("at 0.7 times pgbench's rate", Pace::Open(seven_tenths(tps)?)),
        ] {
            let most = usize::try_from(1_000 * seconds())?;
            let requests = (sent..sent + most).map(photo).collect();
            sent += most;
            let inline = "paragon_ingress_media_total{outcome=\"by_id\"}";
            let before = stage.metric(inline).await?;
            let measured = run(stage.address, requests, pace, PHOTOS_AT_ONCE, within()).await?;
            let fetched = stage.metric(inline).await? - before;
            let answered = measured.rate() * measured.took.as_secs_f64();
            let more = json!({
                "round": round,
                "pgbench_32_per_s": rounded(tps),
                "against_pgbench": rounded(measured.rate() / tps),
                "fetched_inline_share": rounded(fetched / answered),
            });
            let case = format!("200 kB over {PHOTOS_AT_ONCE} connections, {case}");
            line("photos", &case, &with(of(&measured), &more));
        }
    }
    Ok(())
}

fn seven_tenths(per_s: f64) -> anyhow::Result<u32> {
    Ok(format!("{:.0}", per_s * 0.7).parse()?)
}

async fn memory() -> anyhow::Result<()> {
    for (case, photo_bytes) in [("200 kB", 200_000), ("5 MB", 5_000_000)] {
        let manners = Manners {
            photo_bytes,
            object_after: Duration::from_millis(60),
            bytes_after: Duration::from_millis(80),
        };
        let graph = Graph::start(manners).await?;
        let stage = Stage::start(Some(graph.address())).await?;
        let (idle_kb, _) = stage.ingress_memory_kb()?;
        let requests = (0..200).map(photo).collect();
        let measured = run(stage.address, requests, Pace::Closed, 200, within()).await?;
        let (after_kb, most_kb) = stage.ingress_memory_kb()?;
        let fetched = stage.metric("paragon_ingress_media_total{outcome=\"by_id\"}").await?;
        let more = json!({
            "idle_kb": idle_kb, "most_kb": most_kb, "after_kb": after_kb, "fetched": fetched,
        });
        line("memory", &format!("200 photos of {case} at once"), &with(of(&measured), &more));
    }
    Ok(())
}
