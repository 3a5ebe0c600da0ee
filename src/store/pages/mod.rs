//! What the dashboard's pages show. Each question reads a bounded piece of a table however long its
//! history: pages go by key, a day is found by halving, and a rare state is looked for in one window
//! at a time. Nothing here counts the past, and nothing here writes.

pub mod messages;
pub mod message;
pub mod entries;
pub mod jobs;
pub mod health;
pub mod numbers;

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};

use super::{Store, StoreError};

/// Rows on a page.
pub const ROWS: usize = 50;

/// Ids grow with time, but not strictly: commits that run side by side cross by so much at most.
const CROSSING: TimeDelta = TimeDelta::minutes(10);

/// Days, both included, by UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Days {
    /// The first; `None`: from the beginning.
    pub from: Option<NaiveDate>,
    /// The last; `None`: until now.
    pub to: Option<NaiveDate>,
}

impl Days {
    /// The moment at which they begin.
    fn begin(self) -> Option<DateTime<Utc>> {
        self.from.map(midnight)
    }

    /// The moment at which they are over.
    fn end(self) -> Option<DateTime<Utc>> {
        self.to.and_then(|it| it.succ_opt()).map(midnight)
    }
}

/// A page of rows, the newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// At most [`ROWS`].
    pub rows: Vec<T>,
    /// Older ones are to be looked for below this id; `None` where there are none.
    pub older: Option<i64>,
    /// Whether the look ended at the end of its window, and not because the page was full.
    pub window_ended: bool,
}

/// A table whose ids grow with a time of its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Timed {
    /// `messages`, by `accepted_at`.
    Messages,
    /// `entries`, by `booked_at`.
    Entries,
}

/// The ids that rows of some days may have: from the first, up to and not including the second.
struct Ids {
    from: i64,
    below: i64,
}

impl Store {
    /// The smallest id that a message accepted since `time` may have.
    pub async fn first_message_since(&self, time: DateTime<Utc>) -> Result<i64, StoreError> {
        self.first_since(Timed::Messages, time - CROSSING, i64::MAX).await
    }

    /// Finds [`Ids`] by halving: some twenty looks into the primary key for a million rows.
    async fn ids_of(&self, table: Timed, days: Days, below: i64) -> Result<Ids, StoreError> {
        let from = match days.begin() {
            Some(begin) => self.first_since(table, begin - CROSSING, below).await?,
            None => 0,
        };
        let below = match days.end() {
            Some(end) => self.first_since(table, end + CROSSING, below).await?,
            None => below,
        };
        Ok(Ids { from, below })
    }

    /// The smallest id whose row is of `time` or later; `below` where there is none.
    async fn first_since(
        &self,
        table: Timed,
        time: DateTime<Utc>,
        below: i64,
    ) -> Result<i64, StoreError> {
        let mut halving = Halving { low: 0, high: below };
        while let Some(middle) = halving.middle() {
            let row = self.row_at_least(table, middle).await?;
            halving.narrow(middle, row.filter(|(_, at)| *at < time).map(|(id, _)| id));
        }
        Ok(halving.low.min(below))
    }

    /// Id and time of the first row whose id is at least `least`.
    async fn row_at_least(
        &self,
        table: Timed,
        least: i64,
    ) -> Result<Option<(i64, DateTime<Utc>)>, StoreError> {
        let row = match table {
            Timed::Messages => sqlx::query!(
                "select id, accepted_at from messages where id >= $1 order by id limit 1",
                least
            )
            .fetch_optional(&self.pool)
            .await?
            .map(|row| (row.id, row.accepted_at)),
            Timed::Entries => sqlx::query!(
                "select id, booked_at from entries where id >= $1 order by id limit 1",
                least
            )
            .fetch_optional(&self.pool)
            .await?
            .map(|row| (row.id, row.booked_at)),
        };
        Ok(row)
    }
}

/// Where the first late row may be: ids with holes in them.
struct Halving {
    low: i64,
    high: i64,
}

impl Halving {
    /// Where to look next; `None` when it is found.
    fn middle(&self) -> Option<i64> {
        (self.low < self.high).then(|| self.low + (self.high - self.low) / 2)
    }

    /// The first row from `middle` on is `early`, or it is late or not there at all.
    fn narrow(&mut self, middle: i64, early: Option<i64>) {
        match early {
            Some(id) => self.low = id + 1,
            None => self.high = middle,
        }
    }
}

fn midnight(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(NaiveTime::MIN).and_utc()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_late_row_is_found_by_halving_among_ids_with_holes() {
        let ids: Vec<i64> = (0..700).map(|place| place * 3 + 7).collect();
        for first_late in [0, 8, 1_000, 2_104, 9_999] {
            let mut halving = Halving { low: 0, high: 5_000 };
            let mut looks = 0;
            while let Some(middle) = halving.middle() {
                let row = ids.iter().copied().find(|id| *id >= middle);
                halving.narrow(middle, row.filter(|id| *id < first_late));
                looks += 1;
            }
            let before = ids.iter().filter(|id| **id < halving.low).count();
            let early = ids.iter().filter(|id| **id < first_late).count();
            assert_eq!(before, early, "{first_late}");
            assert!(looks <= 13, "{looks} looks");
        }
    }
}
