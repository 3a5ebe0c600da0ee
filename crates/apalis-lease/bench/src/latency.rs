//! From the commit to the start of the handler, at twenty jobs a second.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::Result;
use apalis_core::worker::builder::WorkerBuilder;
use apalis_core::worker::context::WorkerContext;
use apalis_lease::{Config, JobContext, LeaseBackend, NewJob, Waker, enqueue};
use tokio::task::JoinSet;

use crate::stage::{Line, Stage, finish};

const PACE: Duration = Duration::from_millis(50);

pub async fn measure(stage: &Stage, time: Duration) -> Result<()> {
    stage.sweep().await?;
    let count = usize::try_from(time.as_millis() / PACE.as_millis())?;
    let started: Arc<Mutex<Vec<Option<Instant>>>> = Arc::new(Mutex::new(vec![None; count]));
    let (seen, context) = (Arc::clone(&started), WorkerContext::new("bench"));
    let config = Config::new("letters", "bench").concurrency(10);
    let worker = WorkerBuilder::new(&context)
        .backend(LeaseBackend::new(&stage.pool, config))
        .build(move |number: usize, _: JobContext| {
            seen.lock().expect("no panic holds it")[number] = Some(Instant::now());
            async {}
        });
    let mut running = JoinSet::new();
    running.spawn(worker.run());
    let waker = Waker::new(&stage.pool);
    let mut committed = Vec::new();
    let mut pace = tokio::time::interval(PACE);
    for number in 0..count {
        pace.tick().await;
        let mut transaction = stage.pool.begin().await?;
        enqueue(&mut transaction, &NewJob::new("letters", number)).await?;
        transaction.commit().await?;
        committed.push(Instant::now());
        waker.wake("letters");
    }
    while !apalis_lease::depth(&stage.pool, "letters").await?.is_drained() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    finish(&context, running).await?;
    let started = started.lock().expect("no panic holds it");
    // The first ones meet connections that are being made.
    let times = committed.iter().zip(started.iter()).skip(10);
    let times = times.filter_map(|(from, to)| Some(to.as_ref()?.saturating_duration_since(*from)));
    Line::new("commit to start, 20 jobs/s, apalis-lease").percentiles(times.collect()).print();
    Ok(())
}
