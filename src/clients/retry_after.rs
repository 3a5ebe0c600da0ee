//! `Retry-After` as a length of time. Needs no clock of ours: a date is measured against the
//! `Date` of the same answer.

use std::time::Duration;

use chrono::DateTime;

/// Reads seconds or an HTTP date; `None` for anything else, and for a date without a `Date`.
/// A date that has passed is no time at all.
pub(super) fn retry_after(value: &str, date: Option<&str>) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let until = DateTime::parse_from_rfc2822(value).ok()?;
    let now = DateTime::parse_from_rfc2822(date?.trim()).ok()?;
    Some((until - now).to_std().unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: &str, date: Option<&str>, expected: Option<u64>) {
        assert_eq!(retry_after(value, date), expected.map(Duration::from_secs), "{value}");
    }

    #[test]
    fn seconds_and_dates_are_both_understood() {
        let now = Some("Mon, 23 Nov 2026 10:00:00 GMT");
        check("20", None, Some(20));
        check(" 0 ", now, Some(0));
        check("Mon, 23 Nov 2026 10:01:30 GMT", now, Some(90));
        check("Mon, 23 Nov 2026 09:00:00 GMT", now, Some(0));
        check("Mon, 23 Nov 2026 10:01:30 GMT", None, None);
        check("soon", now, None);
        check("-5", now, None);
    }
}
