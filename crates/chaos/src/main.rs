//! `make chaos`: two ingresses, three workers and a Postgres as real processes, Meta, Stripe, Anthropic and
//! an integrator's endpoints as another, and everything that can fail failing at once; then what was promised is held against what
//! each of them has, from outside. Knows nothing of Paragon's code: it speaks HTTP, SQL, signals and
//! `paragon audit`.
//!
//! What is decided (who writes what and when, which call meets which fault, who is killed when) comes
//! from one seed. What becomes of it does not: processes race as processes do.

mod story;
mod plan;
mod photo;
mod truth;
mod others;
mod mischief;
mod telling;
mod world;
mod process;
mod stage;
mod outside;
mod judge;
mod report;
mod run;

use std::time::Duration;

use clap::{Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};

/// Breaks everything around Paragon, and holds what it has promised against what there is.
#[derive(Parser)]
#[command(after_help = "Example: make chaos SEED=7 MINUTES=1")]
struct Command {
    /// What is decided is decided by this number; drawn when it is not given.
    #[arg(long)]
    seed: Option<u64>,
    /// How long everything fails.
    #[arg(long, default_value_t = 10.0)]
    minutes: f64,
    /// How many messages are sent meanwhile; 1,100 a minute when it is not given.
    #[arg(long)]
    messages: Option<u32>,
    #[command(subcommand)]
    part: Option<Part>,
}

#[derive(Subcommand)]
enum Part {
    /// The other services, with those who write: started by the run itself.
    #[command(hide = true)]
    World { wanted: String },
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let command = Command::parse();
    if let Some(Part::World { wanted }) = command.part {
        return world::play(&serde_json::from_str(&wanted)?).await;
    }
    let seed = command.seed.unwrap_or_else(|| u64::from(rand::random::<u32>()));
    let over = Duration::try_from_secs_f64(command.minutes * 60.0)?;
    let by_the_minute = u32::try_from(over.as_secs()).unwrap_or(u32::MAX).saturating_mul(1100) / 60;
    let messages = command.messages.unwrap_or(by_the_minute.max(50));
    let wanted = run::Wanted { seed, over, messages };
    tokio::select! {
        ended = run::run(&wanted) => ended,
        told = told_to_end() => {
            told?;
            anyhow::bail!("ended before it was over; everything that it started is ended too")
        }
    }
}

/// Returns when this process is to end: what it started ends with what is dropped, and not with the process.
async fn told_to_end() -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
