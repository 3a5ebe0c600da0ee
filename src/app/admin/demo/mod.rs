//! `paragon demo`: the whole service on this machine, for somebody who has no account anywhere.
//! Everything is real but the far ends: Postgres, ingress, queue, worker and OCR are the product's
//! own, Meta and Stripe are simulators behind real HTTP. Nothing outlives it, unless asked to.

mod part;
mod phone;
mod photos;
mod stage;
mod story;
mod telling;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, bail};
use clap::Args;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use self::part::Role;
use self::stage::Stage;
use crate::app::{Failure, runtime};
use crate::settings::{self, Source};
use crate::telemetry::Telemetry;

/// What `paragon demo` is told.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  paragon demo\n  paragon demo --once\n  paragon demo --phone\n  \
                  paragon demo --photo ~/receipt.jpg"
)]
pub struct Arguments {
    /// Tell the four stories and end: exit code 0 only if each ended as it should.
    #[arg(long, conflicts_with = "phone")]
    once: bool,
    /// Tell no story: open the phone at once.
    #[arg(long)]
    phone: bool,
    /// Send this photo of yours instead, and end. May be given several times.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["once", "phone"])]
    photo: Vec<PathBuf>,
    /// Keep the database in this folder, and use it again next time.
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// Be a part of a demo that runs already.
    #[arg(long, hide = true)]
    part: Option<Role>,
}

/// Runs the demo.
pub fn run(source: &Source, arguments: Arguments) -> Result<(), Failure> {
    if let Some(role) = arguments.part {
        return part::be(role);
    }
    let mut telemetry = settings::telemetry(source);
    telemetry.filter = log_filter(source);
    let _telemetry = Telemetry::start("paragon-demo", &telemetry)?;
    Ok(runtime()?.block_on(play(source, arguments))?)
}

/// The story tells what happens; the log would only interrupt it.
fn log_filter(source: &Source) -> String {
    source.text("RUST_LOG").unwrap_or_else(|| "off".to_owned())
}

async fn play(source: &Source, arguments: Arguments) -> anyhow::Result<()> {
    let stage = Arc::new(Stage::set(source, arguments.keep.clone()).await?);
    let stop = CancellationToken::new();
    let acted = tokio::select! {
        acted = act(&stage, &arguments, &stop) => acted,
        error = listen(&stop) => error,
    };
    let left = stage.leave().await;
    acted.and(left)
}

/// Cancels `stop` at Ctrl-C or SIGTERM. Comes back only where it cannot listen.
async fn listen(stop: &CancellationToken) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted.context("cannot listen for Ctrl-C")?,
        _ = terminate.recv() => {}
    }
    println!();
    stop.cancel();
    std::future::pending().await
}

async fn act(
    stage: &Arc<Stage>,
    arguments: &Arguments,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    let told = stop.run_until_cancelled(tell(stage, arguments)).await;
    match told.transpose()? {
        Some(Next::Phone) => phone::serve(stage, stop.clone()).await,
        Some(Next::End) | None => Ok(()),
    }
}

/// What comes after the stories.
enum Next {
    Phone,
    End,
}

async fn tell(stage: &Stage, arguments: &Arguments) -> anyhow::Result<Next> {
    if arguments.phone {
        return Ok(Next::Phone);
    }
    if !arguments.photo.is_empty() {
        for file in &arguments.photo {
            story::your_photo(stage, file).await?;
        }
        telling::views(stage).await?;
        return Ok(Next::End);
    }
    let stories = story::all(stage).await?;
    telling::views(stage).await?;
    telling::verdict(&stories);
    if !arguments.once {
        return Ok(Next::Phone);
    }
    if stories.iter().any(|it| !it.as_it_should) {
        bail!("a story did not end as it should");
    }
    Ok(Next::End)
}
