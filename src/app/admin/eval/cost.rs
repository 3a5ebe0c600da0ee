//! What this process and the programs that it ran have taken: CPU, memory, and time for each photo.

use std::time::Duration;

use nix::sys::resource::{Usage, UsageWho, getrusage};

/// So much so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cost {
    /// User and system time of this process and its ended children.
    pub cpu_s: f64,
    /// The most memory that one of them held at once.
    pub peak_mb: f64,
    /// Half of the photos were read within so many seconds, one after the other.
    pub p50_s: f64,
    /// 95 of 100 were.
    pub p95_s: f64,
}

/// Asks the system. `took` is how long each photo took.
pub fn so_far(mut took: Vec<Duration>) -> Cost {
    took.sort_unstable();
    // The photo that so many of a hundred are not slower than.
    let within = |percent: usize| {
        let place = (took.len() * percent).div_ceil(100).saturating_sub(1);
        took.get(place).map_or(0.0, Duration::as_secs_f64)
    };
    let of = |who| getrusage(who).ok();
    let (own, children) = (of(UsageWho::RUSAGE_SELF), of(UsageWho::RUSAGE_CHILDREN));
    let both = || own.iter().chain(&children);
    Cost {
        cpu_s: both().map(seconds).sum(),
        peak_mb: both().map(megabytes).fold(0.0, f64::max),
        p50_s: within(50),
        p95_s: within(95),
    }
}

#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "seconds and microseconds of a run, far below 2^52"
)]
fn seconds(usage: &Usage) -> f64 {
    let one =
        |time: nix::sys::time::TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1_000_000.0;
    one(usage.user_time()) + one(usage.system_time())
}

/// Linux counts kilobytes, macOS bytes.
#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "a machine's memory in bytes is far below 2^52"
)]
fn megabytes(usage: &Usage) -> f64 {
    let unit = if cfg!(target_os = "macos") { 1_048_576.0 } else { 1_024.0 };
    usage.max_rss() as f64 / unit
}
