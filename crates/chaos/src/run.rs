//! One run: everything starts, everything fails for a while, everything comes back, and when all is quiet
//! it is judged.

use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use sqlx::PgPool;

use crate::judge::judge;
use crate::others::ENDPOINTS;
use crate::plan::Plan;
use crate::process::paragon;
use crate::report::Report;
use crate::stage::{PROGRAMS, Stage};
use crate::world::{self, Line};
use crate::{outside, report};

/// How often it is looked at what is due.
const TICK: Duration = Duration::from_millis(50);

/// How long the last work may take once nothing fails any more: an answer of unknown outcome waits for its
/// echo, a job that was tried a few times for its next try.
const QUIET_WITHIN: Duration = Duration::from_mins(15);

/// When jobs whose next try is far away need not wait for it any more: by then every other is done. One
/// that met ten faults in a row waits for a quarter of an hour.
const HURRY_AFTER: Duration = Duration::from_mins(3);

/// How long workers may take to start.
const STARTED_WITHIN: Duration = Duration::from_secs(30);

/// Which run.
pub struct Wanted {
    /// Of everything that is decided.
    pub seed: u64,
    /// How long everything fails.
    pub over: Duration,
    /// How many messages are told meanwhile.
    pub messages: u32,
}

/// Runs it, prints what was survived, and fails where a promise was broken.
pub async fn run(wanted: &Wanted) -> anyhow::Result<()> {
    let folder = tempfile::Builder::new().prefix("chaos-").tempdir()?;
    println!(
        "chaos: seed {}, {} messages in {} s; logs in {}",
        wanted.seed,
        wanted.messages,
        wanted.over.as_secs(),
        folder.path().display()
    );
    let over_ms = u64::try_from(wanted.over.as_millis())?;
    let world = world::Wanted {
        seed: wanted.seed,
        messages: wanted.messages,
        over_ms,
        webhook_urls: Vec::new(),
    };
    let mut stage = Stage::start(world, folder.path()).await?;
    let judged = survive(wanted, &mut stage).await;
    let broken = match judged {
        Ok(report) => {
            print!("{}", report.table());
            report.broken()
        }
        Err(error) => vec![format!("{error:#}")],
    };
    if broken.is_empty() {
        return Ok(());
    }
    let kept = folder.keep();
    for line in broken.iter().take(report::MOST_LINES) {
        println!("BROKEN: {line}");
    }
    bail!("{} promises broken with seed {}; logs in {}", broken.len(), wanted.seed, kept.display())
}

async fn survive(wanted: &Wanted, stage: &mut Stage) -> anyhow::Result<Report> {
    let pool = PgPool::connect(&stage.url()).await?;
    let known = outside::endpoints(&pool, i64::try_from(ENDPOINTS)?);
    let known = tokio::time::timeout(STARTED_WITHIN, known).await;
    known.context("no worker has started: their logs say why")??;
    pool.close().await;
    let began = Instant::now();
    stage.tell("begin").await?;
    for (at, event) in Plan::of(wanted.seed, PROGRAMS, wanted.over).0 {
        wait(stage, began, at).await?;
        stage.suffer(event).await?;
    }
    wait(stage, began, wanted.over).await?;
    stage.tell("calm").await?;
    while !stage.is_whole() {
        tokio::time::sleep(TICK).await;
        stage.recover().await?;
    }
    let calm = Instant::now();
    ensure!(
        matches!(acknowledged(stage).await?, Line::Acknowledged),
        "the other services said something else"
    );
    let pool = PgPool::connect(&stage.url()).await?;
    let spools = stage.spools();
    let mut left = outside::under_way(&pool, &spools).await?;
    let mut hurried = 0;
    while !left.is_empty() && calm.elapsed() < QUIET_WITHIN {
        tokio::time::sleep(TICK * 4).await;
        stage.recover().await?;
        if calm.elapsed() > HURRY_AFTER {
            hurried += outside::hurry(&pool).await?;
        }
        left = outside::under_way(&pool, &spools).await?;
    }
    let quiet_after = calm.elapsed();
    stage.tell("tell").await?;
    let Line::Truth(truth) = stage.line().await? else { bail!("the truth was asked for") };
    let rows = outside::rows(&pool).await?;
    let toil = outside::toil(&pool).await?;
    pool.close().await;
    let mut settings = stage.settings().to_vec();
    settings.push(("SPOOL_DIR".to_owned(), spools[0].display().to_string()));
    let arguments = ["audit", "--json", "--grace-minutes", "0", "--all-photos"];
    let folder = spools[0].parent().context("a spool is in a folder")?;
    let (audit_is_well, audit) = paragon(&arguments, &settings, folder)?;
    Ok(Report {
        seed: wanted.seed,
        over: wanted.over,
        quiet_after,
        hurried,
        verdict: judge(&truth, &rows),
        truth: *truth,
        toil,
        left,
        blows: std::mem::take(&mut stage.blows),
        audit_is_well,
        audit: serde_json::from_str(&audit).context("paragon audit said nothing")?,
    })
}

/// Lets what is due come back until that moment.
async fn wait(stage: &mut Stage, began: Instant, at: Duration) -> anyhow::Result<()> {
    while began.elapsed() < at {
        tokio::time::sleep(TICK.min(at.saturating_sub(began.elapsed()))).await;
        stage.recover().await?;
    }
    ensure!(stage.has_a_world(), "the other services ended");
    Ok(())
}

/// Waits until every webhook has been answered 200, and goes on starting what ends.
async fn acknowledged(stage: &mut Stage) -> anyhow::Result<Line> {
    let deadline = Instant::now() + QUIET_WITHIN;
    loop {
        ensure!(Instant::now() < deadline, "webhooks are still not answered 200");
        if let Ok(line) = tokio::time::timeout(TICK * 10, stage.line()).await {
            return line;
        }
        stage.recover().await?;
    }
}
