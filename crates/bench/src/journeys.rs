//! The way of each photo from its webhook to its answer, and which part of it the other services took.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// One photo's way.
#[derive(Clone, Debug, Default)]
struct Journey {
    /// When another service was at it, from the request to its answer.
    others: Vec<(Instant, Instant)>,
    answered: Option<Instant>,
}

/// All of them, by the photos' numbers.
#[derive(Default)]
pub struct Journeys(Mutex<Vec<Journey>>);

impl Journeys {
    /// Another service was at photo `number` for so long.
    pub fn waited(&self, number: usize, from: Instant, to: Instant) {
        self.at(number, |it| it.others.push((from, to)));
    }

    /// The answer to photo `number` has reached Meta. The first one counts.
    pub fn answered(&self, number: usize) {
        let now = Instant::now();
        self.at(number, |it| _ = it.answered.get_or_insert(now));
    }

    /// How many are answered.
    pub fn answers(&self) -> usize {
        self.all().iter().filter(|it| it.answered.is_some()).count()
    }

    /// When the last answer came.
    pub fn last_answer(&self) -> Option<Instant> {
        self.all().iter().filter_map(|it| it.answered).max()
    }

    /// For each of `sent` that is answered: how long it took from then on, and how much of that while no
    /// other service was at it.
    pub fn taken(&self, sent: &[(usize, Instant)]) -> Vec<(Duration, Duration)> {
        let all = self.all();
        let taken = sent.iter().filter_map(|(number, from)| {
            let journey = all.get(*number)?;
            let to = journey.answered?;
            Some((to - *from, (to - *from).saturating_sub(covered(&journey.others, *from, to))))
        });
        taken.collect()
    }

    fn at(&self, number: usize, change: impl FnOnce(&mut Journey)) {
        let mut all = self.all();
        if all.len() <= number {
            all.resize_with(number + 1, Journey::default);
        }
        change(&mut all[number]);
    }

    fn all(&self) -> MutexGuard<'_, Vec<Journey>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How much of the time between two moments is inside of at least one span.
fn covered(spans: &[(Instant, Instant)], from: Instant, to: Instant) -> Duration {
    let mut spans = spans.to_vec();
    spans.sort();
    let (mut covered, mut seen) = (Duration::ZERO, from);
    for (begin, end) in spans {
        let (begin, end) = (begin.max(seen), end.min(to));
        if begin < end {
            covered += end - begin;
            seen = end;
        }
    }
    covered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_took_at_the_same_time_counts_once_and_nothing_counts_outside_of_the_way() {
        let began = Instant::now();
        let at = |ms| began + Duration::from_millis(ms);
        let journeys = Journeys::default();
        // Before it, two at once, one inside the other, and one that goes on after the answer.
        for (from, to) in [(0, 20), (30, 60), (50, 70), (52, 55), (90, 200)] {
            journeys.waited(2, at(from), at(to));
        }
        journeys.at(2, |it| it.answered = Some(at(100)));
        let [(whole, own)] = journeys.taken(&[(2, at(10)), (1, at(10)), (9, at(10))])[..] else {
            panic!("one is answered");
        };
        assert_eq!(whole, Duration::from_millis(90));
        assert_eq!(own, Duration::from_millis(90 - 10 - 40 - 10));
    }
}
