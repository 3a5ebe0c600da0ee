//! A moment as operators write it on the command line.

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};

/// A day (from its beginning, UTC) or a moment.
pub fn moment(text: &str) -> Result<DateTime<Utc>, String> {
    let day = text.parse::<NaiveDate>().map(|it| it.and_time(NaiveTime::MIN).and_utc());
    day.or_else(|_| text.parse()).map_err(|_| "want 2026-11-01 or 2026-11-01T08:00:00Z".to_owned())
}
