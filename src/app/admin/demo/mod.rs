//! `paragon demo`: the whole service on this machine, for somebody who has no account anywhere.
//! Everything is real but the far ends: Postgres, ingress, queue, worker and OCR are the product's
//! own, Meta and Stripe are simulators behind real HTTP. Nothing outlives it, unless asked to.

mod photos;
mod stage;
mod story;
mod telling;

use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::Args;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use self::stage::Stage;
use crate::app::{Failure, runtime};
use crate::settings::{self, Source};
use crate::telemetry::Telemetry;

/// What `paragon demo` is told.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  paragon demo\n  paragon demo --once\n  paragon demo --photo ~/receipt.jpg"
)]
pub struct Arguments {
    /// Tell the four stories and end: exit code 0 only if each ended as it should.
    #[arg(long)]
    once: bool,
    /// Send this photo of yours instead, and end. May be given several times.
    #[arg(long, value_name = "FILE")]
    photo: Vec<PathBuf>,
    /// Keep the database in this folder, and use it again next time.
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
}

/// Runs the demo.
pub fn run(source: &Source, arguments: Arguments) -> Result<(), Failure> {
    let mut telemetry = settings::telemetry(source);
    // The story tells what happens; the log would only interrupt it.
    telemetry.filter = source.text("RUST_LOG").unwrap_or_else(|| "off".to_owned());
    let _telemetry = Telemetry::start("paragon-demo", &telemetry)?;
    Ok(runtime()?.block_on(play(source, arguments))?)
}

async fn play(source: &Source, arguments: Arguments) -> anyhow::Result<()> {
    let stop = CancellationToken::new();
    let stage = Stage::set(source, arguments.keep, stop.clone()).await?;
    let acted = tokio::select! {
        acted = act(&stage, arguments.once, &arguments.photo) => acted,
        interrupted = tokio::signal::ctrl_c() => {
            println!();
            interrupted.context("cannot listen for Ctrl-C")
        }
    };
    let left = stage.leave().await;
    acted.and(left)
}

async fn act(stage: &Stage, once: bool, yours: &[PathBuf]) -> anyhow::Result<()> {
    if !yours.is_empty() {
        for file in yours {
            story::your_photo(stage, file).await?;
        }
        return telling::views(stage).await;
    }
    let stories = story::all(stage).await?;
    telling::views(stage).await?;
    telling::verdict(&stories);
    if once {
        if stories.iter().any(|it| !it.as_it_should) {
            bail!("a story did not end as it should");
        }
        return Ok(());
    }
    invite(stage).await
}

/// Sends every photo whose name is typed, until Ctrl-C.
async fn invite(stage: &Stage) -> anyhow::Result<()> {
    telling::invitation(stage);
    let mut names = typed_lines();
    while let Some(line) = names.recv().await {
        let name = line.trim().trim_matches(['\'', '"']);
        if name.is_empty() {
            continue;
        }
        if let Err(error) = story::your_photo(stage, name.as_ref()).await {
            println!("{error:#}");
        }
    }
    // Nobody types: the service goes on all the same.
    std::future::pending().await
}

/// Lines of standard input. On a thread of its own, which nobody waits for at the end: a read of a
/// terminal cannot be interrupted.
fn typed_lines() -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel(1);
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            if sender.blocking_send(line).is_err() {
                break;
            }
        }
    });
    receiver
}
