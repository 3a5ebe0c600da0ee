//! What is measured.

use std::time::Duration;

use serde_json::json;

use crate::load::{Pace, run};
use crate::others::{Manners, Others};
use crate::payloads::{photo, status, text};
use crate::pgbench::{self, Script};
use crate::photo::noise;
use crate::report::{Report, of, rounded, with};
use crate::stage::Stage;
use crate::whole_path;

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
    /// From photo to answer, the other services as slow as they are.
    Path,
    /// The same, the other services answering at once, against pgbench with photos of 200 kB.
    Through,
}

impl Scenario {
    /// In the order in which they run.
    pub const ALL: [Self; 7] = [
        Self::Open,
        Self::Closed,
        Self::Commit,
        Self::Photos,
        Self::Memory,
        Self::Path,
        Self::Through,
    ];

    /// By its name on the command line.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "open" => Some(Self::Open),
            "closed" => Some(Self::Closed),
            "commit" => Some(Self::Commit),
            "photos" => Some(Self::Photos),
            "memory" => Some(Self::Memory),
            "path" => Some(Self::Path),
            "through" => Some(Self::Through),
            _ => None,
        }
    }

    /// Runs it once and prints its figures.
    pub async fn run(self, report: &mut Report) -> anyhow::Result<()> {
        match self {
            Self::Open => mixed(report, "open", Pace::Open(TOP_TIER), 256).await,
            Self::Closed => mixed(report, "closed", Pace::Closed, 128).await,
            Self::Commit => commit(report).await,
            Self::Photos => photos(report).await,
            Self::Memory => memory(report).await,
            Self::Path => whole_path::path(report, seconds()).await,
            Self::Through => whole_path::through(report, seconds()).await,
        }
    }
}

/// How often each is run.
pub fn rounds() -> u64 {
    setting("BENCH_ROUNDS", 3)
}

fn seconds() -> u64 {
    setting("BENCH_SECONDS", 15)
}

fn setting(name: &str, default: u64) -> u64 {
    let set = std::env::var_os(name).and_then(|it| it.to_str()?.parse().ok());
    set.filter(|it| *it > 0).unwrap_or(default)
}

fn within() -> Duration {
    Duration::from_secs(seconds())
}

async fn mixed(
    report: &mut Report,
    name: &str,
    pace: Pace,
    connections: usize,
) -> anyhow::Result<()> {
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
    report.line(name, "statuses and texts 3:1", &with(of(&measured), &more));
    Ok(())
}

async fn commit(report: &mut Report) -> anyhow::Result<()> {
    let stage = Stage::start(None).await?;
    let mut sent = 0;
    for clients in [8_u32, 32] {
        let tps = pgbench::run(&stage, Script::Text, clients, seconds()).await?;
        let most = usize::try_from(15_000 * seconds())?;
        let requests = (sent..sent + most).map(text).collect();
        sent += most;
        let before = stage.metric("paragon_ingress_commit_webhooks_count").await?;
        let connections = usize::try_from(clients)?;
        let measured = run(stage.address, requests, Pace::Closed, connections, within()).await?;
        let commits = stage.metric("paragon_ingress_commit_webhooks_count").await? - before;
        let more = json!({
            "pgbench_per_s": rounded(tps),
            "against_pgbench": rounded(measured.rate() / tps),
            "commits_per_s": rounded(commits / measured.took.as_secs_f64()),
        });
        let case = format!("texts over {clients} connections");
        report.line("commit", &case, &with(of(&measured), &more));
    }
    Ok(())
}

async fn photos(report: &mut Report) -> anyhow::Result<()> {
    let graph = Others::start(Manners::REAL, noise(200_000)).await?;
    let stage = Stage::start(Some(graph.address)).await?;
    stage.photo_for_pgbench()?;
    let tps = pgbench::run(&stage, Script::Photo, 32, seconds()).await?;
    let mut sent = 0;
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
            "pgbench_32_per_s": rounded(tps),
            "against_pgbench": rounded(measured.rate() / tps),
            "fetched_inline_share": rounded(fetched / answered),
        });
        let case = format!("200 kB over {PHOTOS_AT_ONCE} connections, {case}");
        report.line("photos", &case, &with(of(&measured), &more));
    }
    Ok(())
}

fn seven_tenths(per_s: f64) -> anyhow::Result<u32> {
    Ok(format!("{:.0}", per_s * 0.7).parse()?)
}

async fn memory(report: &mut Report) -> anyhow::Result<()> {
    for (case, photo_bytes) in [("200 kB", 200_000), ("5 MB", 5_000_000)] {
        let graph = Others::start(Manners::REAL, noise(photo_bytes)).await?;
        let stage = Stage::start(Some(graph.address)).await?;
        let (idle_kb, _) = stage.ingress_memory_kb()?;
        let requests = (0..200).map(photo).collect();
        let measured = run(stage.address, requests, Pace::Closed, 200, within()).await?;
        let (after_kb, most_kb) = stage.ingress_memory_kb()?;
        let fetched = stage.metric("paragon_ingress_media_total{outcome=\"by_id\"}").await?;
        let more = json!({
            "idle_kb": idle_kb, "most_kb": most_kb, "after_kb": after_kb, "fetched": fetched,
        });
        report.line(
            "memory",
            &format!("200 photos of {case} at once"),
            &with(of(&measured), &more),
        );
    }
    Ok(())
}
