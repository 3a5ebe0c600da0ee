//! What a worker tells OpenTelemetry, where the feature `opentelemetry` is on; nothing otherwise.
//! Counts and measures; decides nothing and keeps nothing.

#[cfg(not(feature = "opentelemetry"))]
pub(crate) use off::Meters;
#[cfg(feature = "opentelemetry")]
pub(crate) use on::Meters;
#[cfg(feature = "opentelemetry")]
pub use on::Metrics;

/// Nobody to tell.
#[cfg(not(feature = "opentelemetry"))]
mod off {
    use std::time::Duration;

    #[derive(Debug, Clone, Copy, Default)]
    pub(crate) struct Meters(());

    #[expect(clippy::unused_self, reason = "as with the feature")]
    impl Meters {
        pub(crate) fn claimed(self, _waited: impl Iterator<Item = Duration>) {}

        pub(crate) fn ended(self, _outcome: &'static str, _ran: Duration) {}

        pub(crate) fn rescued(self, _jobs: usize) {}

        pub(crate) fn lost(self) {}
    }
}

#[cfg(feature = "opentelemetry")]
mod on {
    use std::time::Duration;

    use opentelemetry::KeyValue;
    use opentelemetry::metrics::{Counter, Gauge, Histogram, Meter};

    use crate::depth::Depth;

    /// From a millisecond to an hour, in seconds.
    const SECONDS: [f64; 16] = [
        0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0, 120.0, 600.0,
        3600.0,
    ];

    /// The queue's instruments. Made once for a meter and given to each
    /// [`crate::LeaseBackend::metrics`].
    ///
    /// | instrument | kind, unit | attributes | tells |
    /// |---|---|---|---|
    /// | `apalis_lease.claims` | counter, `{job}` | `queue` | jobs claimed |
    /// | `apalis_lease.waiting_time` | histogram, `s` | `queue` | from ready to claimed, by Postgres's clock |
    /// | `apalis_lease.running_time` | histogram, `s` | `queue`, `outcome` | the handler's time |
    /// | `apalis_lease.rescues` | counter, `{job}` | `queue` of the rescuer | jobs taken back from workers that are gone |
    /// | `apalis_lease.lost_leases` | counter, `{job}` | `queue` | jobs that were taken from this worker |
    /// | `apalis_lease.jobs` | gauge, `{job}` | `queue`, `state` | ready, deferred, paused, running, dead |
    /// | `apalis_lease.oldest_ready_age` | gauge, `s` | `queue` | 0 when none is ready |
    ///
    /// The gauges are set by [`Metrics::observe`], which one process should call now and then: they
    /// are the whole queue's, not one worker's. For Prometheus, export by OTLP: it takes that
    /// itself (`--web.enable-otlp-receiver`) or from a collector, dots as underscores.
    #[derive(Debug, Clone)]
    pub struct Metrics {
        claims: Counter<u64>,
        waiting_time: Histogram<f64>,
        running_time: Histogram<f64>,
        rescues: Counter<u64>,
        lost_leases: Counter<u64>,
        jobs: Gauge<i64>,
        oldest_ready_age: Gauge<f64>,
    }

    impl Metrics {
        /// The instruments of `meter`.
        pub fn new(meter: &Meter) -> Self {
            let counter = |name: &'static str, description: &'static str| {
                meter.u64_counter(name).with_unit("{job}").with_description(description).build()
            };
            let time = |name: &'static str, description: &'static str| {
                let time = meter.f64_histogram(name).with_unit("s").with_description(description);
                time.with_boundaries(SECONDS.to_vec()).build()
            };
            Metrics {
                claims: counter("apalis_lease.claims", "Jobs claimed."),
                waiting_time: time("apalis_lease.waiting_time", "From ready to claimed."),
                running_time: time("apalis_lease.running_time", "Of the handler, by outcome."),
                rescues: counter("apalis_lease.rescues", "Jobs taken back from workers gone."),
                lost_leases: counter("apalis_lease.lost_leases", "Jobs taken from this worker."),
                jobs: meter
                    .i64_gauge("apalis_lease.jobs")
                    .with_unit("{job}")
                    .with_description("Jobs that are not done, by state.")
                    .build(),
                oldest_ready_age: meter
                    .f64_gauge("apalis_lease.oldest_ready_age")
                    .with_unit("s")
                    .with_description("How long the longest waiting ready job has been ready.")
                    .build(),
            }
        }

        /// Sets the gauges of `queue`.
        pub fn observe(&self, queue: &str, depth: &Depth) {
            let name = || KeyValue::new("queue", queue.to_owned());
            for (state, count) in [
                ("ready", depth.ready),
                ("deferred", depth.deferred),
                ("paused", depth.paused),
                ("running", depth.running),
                ("dead", depth.dead),
            ] {
                self.jobs.record(count, &[name(), KeyValue::new("state", state)]);
            }
            self.oldest_ready_age.record(depth.oldest_ready_age.as_secs_f64(), &[name()]);
        }
    }

    /// A worker's end of [`Metrics`], which may lead nowhere.
    #[derive(Debug, Clone, Default)]
    pub(crate) struct Meters(Option<(Metrics, [KeyValue; 1])>);

    impl Meters {
        pub(crate) fn new(metrics: &Metrics, queue: &str) -> Self {
            Meters(Some((metrics.clone(), [KeyValue::new("queue", queue.to_owned())])))
        }

        /// A claim took jobs that had been ready for so long.
        pub(crate) fn claimed(&self, waited: impl Iterator<Item = Duration>) {
            let Some((metrics, queue)) = &self.0 else { return };
            let mut count = 0;
            for waited in waited {
                metrics.waiting_time.record(waited.as_secs_f64(), queue);
                count += 1;
            }
            if count > 0 {
                metrics.claims.add(count, queue);
            }
        }

        /// A run ended so, after so long.
        pub(crate) fn ended(&self, outcome: &'static str, ran: Duration) {
            let Some((metrics, [queue])) = &self.0 else { return };
            let attributes = [queue.clone(), KeyValue::new("outcome", outcome)];
            metrics.running_time.record(ran.as_secs_f64(), &attributes);
        }

        /// This worker took back so many jobs of workers that are gone.
        pub(crate) fn rescued(&self, jobs: usize) {
            if let Some((metrics, queue)) = &self.0 {
                metrics.rescues.add(u64::try_from(jobs).unwrap_or(u64::MAX), queue);
            }
        }

        /// This worker lost the lease of a job that it was running.
        pub(crate) fn lost(&self) {
            if let Some((metrics, queue)) = &self.0 {
                metrics.lost_leases.add(1, queue);
            }
        }
    }
}
