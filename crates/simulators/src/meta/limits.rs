//! How many people the account may write to who have not written to it: a send beyond that is refused.
//! All numbers share the limit.

use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};

use super::messages::Sent;
use super::{Memory, Meta};

/// How many people a tier's word stands for; `None` for no limit.
fn people(tier: &str) -> Option<usize> {
    let size = tier.strip_prefix("TIER_")?;
    match size.strip_suffix('K') {
        Some(thousands) => thousands.parse::<usize>().ok().map(|it| it * 1_000),
        None => size.parse().ok(),
    }
}

/// Whether one more person, who has not written to us, is within the limit.
pub(crate) fn allows(memory: &Memory, user: &str, now: DateTime<Utc>) -> bool {
    let Some(most) = people(&memory.messaging_limit) else { return true };
    let reached = reached(&memory.sent, now);
    reached.contains(user) || reached.len() < most
}

fn reached(sent: &[Sent], now: DateTime<Utc>) -> HashSet<String> {
    let day = TimeDelta::hours(24);
    let counts = |it: &&Sent| it.outside_window && now - it.at < day;
    sent.iter().filter(counts).map(Sent::user).collect()
}

impl Meta {
    /// From now on this tier holds: `TIER_250`, `TIER_2K`, `TIER_UNLIMITED` …
    pub fn messaging_limit(&self, tier: &str) {
        tier.clone_into(&mut self.vendor().state.memory().messaging_limit);
    }

    /// How many people were written to in the last 24 hours who had not written before.
    pub fn people_reached(&self) -> usize {
        let state = &self.vendor().state;
        let now = state.now();
        reached(&state.memory().sent, now).len()
    }
}
