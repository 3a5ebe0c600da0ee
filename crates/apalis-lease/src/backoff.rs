//! How long a failed job waits: arithmetic, and nothing else. Reads no clock and draws no dice;
//! the roll is an argument.

use std::time::Duration;

/// Exponential backoff with jitter.
///
/// After attempt `n` (from 1) the whole wait is `first × 2ⁿ⁻¹`, at most `most`; what is waited is
/// between half of it and all of it, as the roll says, so that jobs that failed together do not
/// come back together. With the defaults (1 s, 15 min):
///
/// | failed attempt | waits from | to |
/// |---:|---:|---:|
/// | 1 | 0.5 s | 1 s |
/// | 2 | 1 s | 2 s |
/// | 3 | 2 s | 4 s |
/// | 4 | 4 s | 8 s |
/// | 5 | 8 s | 16 s |
/// | 6 | 16 s | 32 s |
/// | 7 | 32 s | 64 s |
/// | 8 | 64 s | 128 s |
/// | 9 | 128 s | 256 s |
/// | 10 | 256 s | 512 s |
/// | 11 and on | 450 s | 900 s |
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The whole wait after the first failure.
    pub first: Duration,
    /// No wait is longer.
    pub most: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Backoff { first: Duration::from_secs(1), most: Duration::from_mins(15) }
    }
}

impl Backoff {
    /// The wait after failed attempt number `attempt` (from 1; 0 counts as 1). `roll` is from 0
    /// (half the wait) to 1 (all of it) and clamped to that.
    pub fn delay(&self, attempt: u32, roll: f64) -> Duration {
        let doublings = attempt.saturating_sub(1);
        let factor = 2_u32.saturating_pow(doublings);
        let whole = self.first.saturating_mul(factor).min(self.most);
        whole.mul_f64(0.5 + 0.5 * roll.clamp(0.0, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest() {
        let backoff = Backoff::default();
        let whole: Vec<u64> =
            [1, 2, 3, 4, 10, 11, 12, u32::MAX].map(|it| backoff.delay(it, 1.0).as_secs()).to_vec();
        assert_eq!(whole, [1, 2, 4, 8, 512, 900, 900, 900]);
        assert_eq!(backoff.delay(0, 1.0), backoff.delay(1, 1.0));
    }

    #[test]
    fn jitter_takes_away_at_most_half() {
        let backoff = Backoff::default();
        assert_eq!(backoff.delay(3, 0.0), Duration::from_secs(2));
        assert_eq!(backoff.delay(3, 0.5), Duration::from_secs(3));
        assert_eq!(backoff.delay(3, 1.0), Duration::from_secs(4));
        assert_eq!(backoff.delay(3, 99.0), Duration::from_secs(4));
    }
}
