//! What becomes of a job whose step failed, as data. How long a retry waits is the queue's
//! arithmetic (`apalis_lease::Backoff`); what a failure means is decided here and only here.

use std::time::Duration;

/// The fate of a job, chosen by the cause of its failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Again, after the queue's backoff. Counts as an attempt.
    Retry,
    /// Again, not before this long from now: somebody else said when. Not counted as an attempt.
    NotBefore(Duration),
    /// No retry can help. The job stays visible with its reason.
    GiveUp,
    /// Every job of its kind would fail (a missing permission, a wrong key): wait for the operator,
    /// burn nothing. Not counted as an attempt.
    Halt,
    /// Every job of this number would fail, for its token is dead: they wait until it is another.
    /// Not counted as an attempt.
    PauseNumber,
}

/// What the reason of such a pause says: by it those are told from pauses by hand.
pub const TOKEN_IS_DEAD: &str = "the access token is dead";

/// How long a halted job of this age rests before it looks whether the operator has mended the
/// cause: a minute at first, a quarter of an hour once it has waited for hours.
pub fn halted_for(age: Duration) -> Duration {
    (age / 8).clamp(Duration::from_mins(1), Duration::from_mins(15))
}

/// The longest `Retry-After` that is believed: a day, the length of the customer service window.
pub const LONGEST_WAIT: Duration = Duration::from_hours(24);

impl Verdict {
    /// The verdict on a refusal for pace, with the server's `Retry-After` where it sent one.
    pub fn slow_down(retry_after: Option<Duration>) -> Self {
        retry_after.map_or(Self::Retry, |it| Self::NotBefore(it.min(LONGEST_WAIT)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_halted_job_looks_often_at_first_and_seldom_later() {
        let rests = [0, 30, 60 * 24].map(|minutes| halted_for(Duration::from_mins(minutes)));
        assert_eq!(rests.map(|it| it.as_secs()), [60, 225, 900]);
    }

    #[test]
    fn a_wait_beyond_reason_is_not_believed() {
        let said = Some(Duration::from_hours(24 * 365));
        assert_eq!(Verdict::slow_down(said), Verdict::NotBefore(LONGEST_WAIT));
        assert_eq!(Verdict::slow_down(None), Verdict::Retry);
    }
}
