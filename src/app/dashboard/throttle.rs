//! Slows down guessing of the password: after a few wrong ones from one place each further try has
//! to wait, longer each time. A right one ends it. Remembers a bounded number of places.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

/// Wrong ones that cost nothing.
const FREE: u32 = 4;

/// The longest wait.
const WAIT_MAX_S: i64 = 60;

/// After so long without a try a place is forgotten.
const FORGET: TimeDelta = TimeDelta::minutes(15);

/// Places that are remembered; beyond it the one that was quiet for longest is forgotten.
const PLACES: usize = 10_000;

#[derive(Clone, Copy, Debug)]
struct Wrong {
    times: u32,
    last: DateTime<Utc>,
}

/// Wrong passwords by where they came from.
#[derive(Debug, Default)]
pub struct Throttle(Mutex<HashMap<IpAddr, Wrong>>);

impl Throttle {
    /// How long whoever is at `remote` must wait before the next try; `None` when not at all.
    pub fn wait(&self, remote: IpAddr, now: DateTime<Utc>) -> Option<TimeDelta> {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let wrong = held.get(&place(remote)).filter(|it| now - it.last < FORGET)?;
        let beyond = wrong.times.checked_sub(FREE)?;
        let wait = TimeDelta::seconds(2_i64.saturating_pow(beyond).min(WAIT_MAX_S));
        Some(wrong.last + wait - now).filter(|it| *it > TimeDelta::zero())
    }

    /// One more wrong password from there.
    pub fn wrong(&self, remote: IpAddr, now: DateTime<Utc>) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if held.len() >= PLACES {
            held.retain(|_, it| now - it.last < FORGET);
        }
        if held.len() >= PLACES
            && let Some(quiet) = held.iter().min_by_key(|(_, it)| it.last).map(|(it, _)| *it)
        {
            held.remove(&quiet);
        }
        let wrong = held.entry(place(remote)).or_insert(Wrong { times: 0, last: now });
        let fresh = now - wrong.last < FORGET;
        *wrong = Wrong { times: if fresh { wrong.times.saturating_add(1) } else { 1 }, last: now };
    }

    /// The right one: what was wrong before is forgotten.
    pub fn right(&self, remote: IpAddr) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&place(remote));
    }
}

/// One place: an address, or the 2^64 that one line of IPv6 has.
fn place(remote: IpAddr) -> IpAddr {
    match remote {
        IpAddr::V4(_) => remote,
        IpAddr::V6(it) => {
            let [a, b, c, d, ..] = it.segments();
            let line = IpAddr::V6([a, b, c, d, 0, 0, 0, 0].into());
            it.to_ipv4_mapped().map_or(line, IpAddr::V4)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_wrong_password_beyond_a_few_waits_longer_and_a_right_one_ends_it() {
        let throttle = Throttle::default();
        let now: DateTime<Utc> = "2026-11-26T12:00:00Z".parse().unwrap();
        let here: IpAddr = "2001:db8::1".parse().unwrap();
        let neighbour: IpAddr = "2001:db8::2".parse().unwrap();
        let elsewhere: IpAddr = "192.0.2.7".parse().unwrap();
        let mut waits = Vec::new();
        for _ in 0..12 {
            throttle.wrong(here, now);
            waits.push(throttle.wait(neighbour, now).map_or(0, |it| it.num_seconds()));
        }
        assert_eq!(waits, [0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(throttle.wait(elsewhere, now), None);
        assert_eq!(throttle.wait(here, now + TimeDelta::seconds(60)), None);
        throttle.right(here);
        assert_eq!(throttle.wait(here, now), None);
    }
}
