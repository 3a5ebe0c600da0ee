//! What this process and the programs that it ran have taken: CPU and memory.

use nix::sys::resource::{Usage, UsageWho, getrusage};

/// So much so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cost {
    /// User and system time of this process and its ended children.
    pub cpu_s: f64,
    /// The most memory that one of them held at once.
    pub peak_mb: f64,
}

/// Asks the system.
pub fn so_far() -> Cost {
    let of = |who| getrusage(who).ok();
    let (own, children) = (of(UsageWho::RUSAGE_SELF), of(UsageWho::RUSAGE_CHILDREN));
    let both = || own.iter().chain(&children);
    Cost { cpu_s: both().map(seconds).sum(), peak_mb: both().map(megabytes).fold(0.0, f64::max) }
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
