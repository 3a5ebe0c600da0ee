//! apalis-board over a queue of apalis-lease, with a worker and a few jobs of every fate:
//! `cargo run --release --bin board`, then the address that it prints. Loopback only: the board has
//! no password, and takes new jobs from anyone who reaches it.

use std::time::Duration;

use anyhow::{Context, Result};
use apalis_board::axum::framework::{ApiBuilder, RegisterRoute};
use apalis_board::axum::sse::TracingBroadcaster;
use apalis_board::axum::ui::ServeUI;
use apalis_core::worker::builder::WorkerBuilder;
use apalis_core::worker::context::WorkerContext;
use apalis_lease::{Config, JobContext, LeaseBackend, LeaseStorage, NewJob, Outcome, enqueue_all};
use axum::{Extension, Router};
use private_postgres::{Cluster, Options};
use serde_json::Value;
use sqlx::PgPool;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

const QUEUE: &str = "letters";

#[tokio::main]
async fn main() -> Result<()> {
    let cluster = Cluster::start(Options::default()).await.context("no private Postgres")?;
    let pool = PgPool::connect(&cluster.create_database("board").await?).await?;
    apalis_lease::migrate(&pool).await?;
    let mut connection = pool.acquire().await?;
    let jobs: Vec<_> = (1..=200_i64).map(|it| NewJob::new(QUEUE, it).max_attempts(3)).collect();
    enqueue_all(&mut connection, &jobs).await?;
    drop(connection);

    let context = WorkerContext::new("board");
    let config = Config::new(QUEUE, "board").concurrency(4);
    let worker =
        WorkerBuilder::new(&context).backend(LeaseBackend::new(&pool, config)).build(letter);
    let mut running = JoinSet::new();
    running.spawn(worker.run());

    let api = ApiBuilder::new(Router::new());
    // Payloads are shown as the JSON they are.
    let api = RegisterRoute::<_, Value>::register(api, QUEUE, LeaseStorage::new(&pool, QUEUE));
    let site = Router::new().nest("/api/v1", api.build()).fallback_service(ServeUI::new());
    let site = site.layer(Extension(TracingBroadcaster::create()));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}", listener.local_addr()?);
    let until = async { drop(tokio::signal::ctrl_c().await) };
    axum::serve(listener, site).with_graceful_shutdown(until).await?;
    context.stop()?;
    while let Some(ended) = running.join_next().await {
        ended??;
    }
    Ok(())
}

async fn letter(number: i64, job: JobContext) -> Outcome {
    tokio::time::sleep(Duration::from_millis(200)).await;
    match number % 10 {
        7 => Outcome::retry(format_args!("attempt {} had no luck", job.attempt())),
        9 => Outcome::give_up("no such address"),
        _ => Outcome::Done,
    }
}
