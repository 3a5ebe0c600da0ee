//! What a worker tells OpenTelemetry, and whose trace its jobs go on with.

use std::sync::{Arc, Mutex};

use apalis::layers::tracing::{ContextualTaskSpan, TraceLayer};
use apalis_core::worker::builder::WorkerBuilder;
use apalis_core::worker::context::WorkerContext;
use apalis_lease::{JobContext, LeaseBackend};
use opentelemetry::trace::{TraceContextExt, TracerProvider};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tokio::task::JoinSet;
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::layer::SubscriberExt;

use crate::rig::{Rig, Worker, config, job};

const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

#[tokio::test]
async fn a_job_goes_on_with_the_trace_of_whoever_enqueued_it() {
    let tracer = SdkTracerProvider::builder().build().tracer("it");
    opentelemetry::global::set_text_map_propagator(TraceContextPropagator::new());
    let layer = tracing_opentelemetry::layer().with_tracer(tracer);
    // For this thread, on which everything here runs.
    let _guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(layer));

    let rig = Rig::start().await;
    let seen = Arc::new(Mutex::new(String::new()));
    let slot = Arc::clone(&seen);
    let context = WorkerContext::new("it");
    let worker = WorkerBuilder::new(&context)
        .backend(LeaseBackend::new(&rig.pool, config()))
        .layer(TraceLayer::new().make_span_with(ContextualTaskSpan::new()))
        .build(move |_: u64, _: JobContext| {
            let slot = Arc::clone(&slot);
            async move {
                let current = tracing::Span::current().context();
                *slot.lock().unwrap() = current.span().span_context().trace_id().to_string();
            }
        });
    let mut task = JoinSet::new();
    task.spawn(worker.run());
    let id = rig.announce(job(1).trace_parent(Some(TRACE.to_owned()))).await;
    rig.until_state(id, "done").await;
    assert_eq!(Some(seen.lock().unwrap().as_str()), TRACE.get(3..35));
    Worker { context, task }.drain().await;
}

#[cfg(feature = "opentelemetry")]
mod metrics {
    use std::time::Duration;

    use apalis_lease::{Metrics, Outcome};
    use opentelemetry::metrics::MeterProvider;
    use opentelemetry_sdk::metrics::data::{
        AggregatedMetrics, MetricData, ResourceMetrics, ScopeMetrics,
    };
    use opentelemetry_sdk::metrics::{InMemoryMetricExporter, SdkMeterProvider};

    use super::*;
    use crate::rig::{QUEUE, eventually};

    /// The values of one instrument, by its attributes.
    struct Told(InMemoryMetricExporter, SdkMeterProvider);

    impl Told {
        fn start() -> Told {
            let exporter = InMemoryMetricExporter::default();
            let provider =
                SdkMeterProvider::builder().with_periodic_exporter(exporter.clone()).build();
            Told(exporter, provider)
        }

        /// What was told so far, as `name{attributes} value`; of histograms the count.
        fn lines(&self) -> Vec<String> {
            self.1.force_flush().unwrap();
            let finished = self.0.get_finished_metrics().unwrap();
            let scopes = finished.last().into_iter().flat_map(ResourceMetrics::scope_metrics);
            let mut lines = Vec::new();
            for metric in scopes.flat_map(ScopeMetrics::metrics) {
                let mut line = |attributes: Vec<String>, value: String| {
                    lines.push(format!("{}{{{}}} {value}", metric.name(), attributes.join(",")));
                };
                macro_rules! points {
                    ($data:expr, $value:ident) => {
                        for point in $data.data_points() {
                            let attributes = point.attributes();
                            let mut attributes: Vec<String> =
                                attributes.map(|it| format!("{}={}", it.key, it.value)).collect();
                            attributes.sort();
                            line(attributes, point.$value().to_string());
                        }
                    };
                }
                match metric.data() {
                    AggregatedMetrics::U64(MetricData::Sum(sum)) => points!(sum, value),
                    AggregatedMetrics::I64(MetricData::Gauge(gauge)) => points!(gauge, value),
                    AggregatedMetrics::F64(MetricData::Gauge(gauge)) => points!(gauge, value),
                    AggregatedMetrics::F64(MetricData::Histogram(times)) => points!(times, count),
                    other => panic!("{} is {other:?}", metric.name()),
                }
            }
            lines
        }
    }

    #[tokio::test]
    async fn claims_outcomes_rescues_and_lost_leases_are_counted() {
        let told = Told::start();
        let metrics = Metrics::new(&told.1.meter("it"));
        let rig = Rig::start().await;
        let doomed = rig.work(config(), |_, _| std::future::pending()).await;
        let left = rig.announce(job(1)).await;
        rig.until_state(left, "running").await;
        doomed.kill().await;

        let context = WorkerContext::new("it");
        let worker = WorkerBuilder::new(&context)
            .backend(LeaseBackend::new(&rig.pool, config()).metrics(&metrics))
            .build(async |number: u64, job: JobContext| match (number, job.attempt()) {
                (2, 1) => Outcome::retry("once more"),
                (3, _) => {
                    while job.still_held() {
                        tokio::time::sleep(Duration::from_millis(5)).await;
                    }
                    Outcome::Done
                }
                _ => Outcome::Done,
            });
        let mut task = JoinSet::new();
        task.spawn(worker.run());
        rig.until_state(left, "done").await;
        let retried = rig.announce(job(2)).await;
        rig.until_state(retried, "done").await;
        let cancelled = rig.announce(job(3)).await;
        rig.until_state(cancelled, "running").await;
        apalis_lease::cancel_job(&rig.pool, cancelled, "not wanted").await.unwrap();
        Worker { context, task }.drain().await;

        let lines = told.lines();
        for expected in [
            "apalis_lease.claims{queue=letters} 4",
            "apalis_lease.waiting_time{queue=letters} 4",
            "apalis_lease.running_time{outcome=done,queue=letters} 3",
            "apalis_lease.running_time{outcome=retry,queue=letters} 1",
            "apalis_lease.rescues{queue=letters} 1",
            "apalis_lease.lost_leases{queue=letters} 1",
        ] {
            assert!(lines.iter().any(|it| it == expected), "{expected} is not in {lines:#?}");
        }
    }

    #[tokio::test]
    async fn the_depth_of_a_queue_is_a_gauge_for_each_state() {
        let told = Told::start();
        let metrics = Metrics::new(&told.1.meter("it"));
        let rig = Rig::start().await;
        rig.enqueue(job(1)).await;
        eventually("it has waited", async || {
            rig.depth().await.oldest_ready_age > Duration::from_millis(10)
        })
        .await;
        metrics.observe(QUEUE, &rig.depth().await);
        let lines = told.lines();
        for (state, count) in
            [("ready", 1), ("deferred", 0), ("paused", 0), ("running", 0), ("dead", 0)]
        {
            let expected = format!("apalis_lease.jobs{{queue=letters,state={state}}} {count}");
            assert!(lines.contains(&expected), "{expected} is not in {lines:#?}");
        }
        assert!(
            lines
                .iter()
                .any(|it| it.starts_with("apalis_lease.oldest_ready_age{queue=letters} 0."))
        );
    }
}
