//! The day on a receipt: in figures or with the month's name, in the order of its country, with
//! a time stuck to it. Never a day in the future, and none at all where two days are as likely.

use chrono::{Datelike, NaiveDate};

use super::{
    Believed,
    fold::fold,
    percent,
    place::{DayOrder, Place},
    rows::Row,
};

/// Digits read with less confidence, in percent, are too often others.
const WELL_READ: u8 = 70;

/// The day of the receipt, if one candidate leads.
pub fn date(rows: &[Row], place: &Place, today: NaiveDate) -> Option<Believed<NaiveDate>> {
    let mut found: Vec<(i32, NaiveDate)> = Vec::new();
    for row in rows {
        let days = dates(&row.folded, place.day_order(), today);
        let period = if is_period(&row.folded, &days) { 4 } else { 0 };
        for Found { day, fullness, start, end } in days {
            // A month's name has proved itself by being one.
            let enough = if fullness >= 3 { WELL_READ / 2 } else { WELL_READ };
            let doubt = if row.sure_between(start, end) < enough { 8 } else { 0 };
            let score = fullness + context(&row.folded) + age(day, today) - doubt - period;
            match found.iter_mut().find(|it| it.1 == day) {
                // Said twice it is surer; said ten times it is a column of a table.
                Some(known) => known.0 = known.0.max(score + 1),
                None => found.push((score, day)),
            }
        }
    }
    found.sort_by_key(|it| std::cmp::Reverse(it.0));
    let (best, day) = *found.first().filter(|it| it.0 >= 1)?;
    let lead = best - found.get(1).map_or(0, |it| it.0.max(0));
    (lead > 0).then(|| Believed { value: day, sure: percent(best.min(lead + 2), SURE) })
}

/// How often a day is right whose evidence weighs so much; see docs/reading.md.
const SURE: &[(i32, u8)] = &[(1, 75), (2, 85), (3, 92), (4, 96), (6, 98)];

/// `01.05.14-31.05.14`: what was paid for, not when.
fn is_period(row: &str, days: &[Found]) -> bool {
    days.windows(2).any(|it| {
        let between: String = row.chars().take(it[1].start).skip(it[0].end).collect();
        let between = between.trim();
        it[0].day != it[1].day && (between.len() <= 3 && between.starts_with(['-', '–', '—']))
    })
}

/// What the words around it say.
fn context(row: &str) -> i32 {
    let has = |words: &str| words.split('|').any(|it| row.contains(it));
    let label = if has("DATE|DATUM|NGAY|DATA|FECHA|VYSTAVEN|DUZP|DNE ") { 3 } else { 0 };
    let time = if has_time(row) { 2 } else { 0 };
    let other = if has("VALID|EXP|UNTIL|WITHIN|PLATN|SPLATN|GULTIG|DUE DATE|PERIOD|MHD|BIRTH") {
        5
    } else {
        0
    };
    label + time - other
}

/// Ten years old is not impossible, only unlikely.
fn age(day: NaiveDate, today: NaiveDate) -> i32 {
    if today.year() - day.year() > 15 { -3 } else { 0 }
}

/// `12:51`
fn has_time(row: &str) -> bool {
    let bytes = row.as_bytes();
    bytes.windows(4).any(|it| {
        it[0].is_ascii_digit() && it[1] == b':' && it[2].is_ascii_digit() && it[3].is_ascii_digit()
    })
}

/// A day in a row, how fully it is written, between which letters.
struct Found {
    day: NaiveDate,
    fullness: i32,
    start: usize,
    end: usize,
}

/// Every day written in a folded row.
fn dates(row: &str, order: DayOrder, today: NaiveDate) -> Vec<Found> {
    let letters: Vec<char> = row.chars().collect();
    let mut out = Vec::new();
    let mut at = 0;
    while at < letters.len() {
        let fresh = at == 0 || !letters[at - 1].is_ascii_digit();
        let found = if fresh { Scan::at(&letters, at).day(order, today) } else { None };
        match found {
            Some((day, fullness, end)) => {
                out.push(Found { day, fullness, start: at, end });
                at = end;
            }
            None => at += 1,
        }
    }
    out
}

/// A place in a row to read on from.
#[derive(Clone, Copy)]
struct Scan<'a> {
    letters: &'a [char],
    at: usize,
}

impl<'a> Scan<'a> {
    fn at(letters: &'a [char], at: usize) -> Self {
        Self { letters, at }
    }

    /// A day that begins here: the day, how fully it is written, where it ends.
    fn day(self, order: DayOrder, today: NaiveDate) -> Option<(NaiveDate, i32, usize)> {
        let found = self
            .year_first()
            .or_else(|| self.in_figures(order, today))
            .or_else(|| self.day_month_name(today))
            .or_else(|| self.month_name_day(today))?;
        (found.0 <= today).then_some(found)
    }

    /// 2024-10-29
    fn year_first(mut self) -> Option<(NaiveDate, i32, usize)> {
        let year = self.number(4, 4)?;
        let mark = self.separator()?;
        let month = self.number(1, 2)?;
        (self.separator()? == mark).then_some(())?;
        let day = self.number(1, 2)?;
        (1990..2100).contains(&year).then_some(())?;
        Some((ymd(year, month, day)?, 2, self.at))
    }

    /// 29.10.2024, 10/29/24, 29. 10. 2024, 25/12/201815:30
    fn in_figures(mut self, order: DayOrder, today: NaiveDate) -> Option<(NaiveDate, i32, usize)> {
        let first = self.number(1, 2)?;
        let mark = self.separator()?;
        let second = self.number(1, 2)?;
        (self.separator()? == mark).then_some(())?;
        let (year, full) = self.year(today)?;
        let day_first = ymd(year, second, first).filter(|it| *it <= today);
        let month_first = ymd(year, first, second).filter(|it| *it <= today);
        let day = match order {
            DayOrder::DayFirst => day_first.or(month_first.filter(|_| mark == '/')),
            DayOrder::MonthFirst => month_first.or(day_first),
            // A point is never American; else two readings are no reading.
            DayOrder::Unknown if mark == '.' => day_first,
            DayOrder::Unknown => match (day_first, month_first) {
                (Some(one), Some(other)) => (one == other).then_some(one),
                (one, other) => one.or(other),
            },
        }?;
        Some((day, if full { 2 } else { 1 }, self.at))
    }

    /// 24-MAR-2018, 10 OCT 2017, 5. března 2024
    fn day_month_name(mut self, today: NaiveDate) -> Option<(NaiveDate, i32, usize)> {
        let day = self.number(1, 2)?;
        self.skip(" .-/,");
        let month = self.month()?;
        self.skip(" .-/,");
        let (year, full) = self.year(today)?;
        Some((ymd(year, month, day)?, if full { 3 } else { 2 }, self.at))
    }

    /// August 3, 2014
    fn month_name_day(mut self, today: NaiveDate) -> Option<(NaiveDate, i32, usize)> {
        if self.at > 0 && self.letters[self.at - 1].is_alphabetic() {
            return None;
        }
        let month = self.month()?;
        self.skip(" .-");
        let day = self.number(1, 2)?;
        self.skip(" ,.-");
        let (year, full) = self.year(today)?;
        full.then_some((ymd(year, month, day)?, 3, self.at))
    }

    /// Two digits, or four; a time may follow at once.
    fn year(&mut self, today: NaiveDate) -> Option<(i32, bool)> {
        let mut four = *self;
        let digits = self.digits();
        if digits >= 4
            && let Some(year) = four.prefix(4).filter(|it| (1990..=today.year() + 1).contains(it))
            && (digits == 4 || self.letters.get(self.at + digits) == Some(&':'))
        {
            *self = four;
            return Some((year, true));
        }
        let time_follows = digits > 2 && self.letters.get(self.at + digits) == Some(&':');
        if digits == 2 || (time_follows && digits <= 4) {
            return Some((2000 + self.prefix(2)?, false));
        }
        None
    }

    /// A number of so many digits, and no digit after it.
    fn number(&mut self, least: usize, most: usize) -> Option<i32> {
        let digits = self.digits();
        (least..=most).contains(&digits).then(|| self.prefix(digits)).flatten()
    }

    fn digits(&self) -> usize {
        self.letters[self.at.min(self.letters.len())..]
            .iter()
            .take_while(|it| digit(**it).is_some())
            .count()
    }

    fn prefix(&mut self, count: usize) -> Option<i32> {
        let digits = self.letters.get(self.at..self.at + count)?;
        let value = digits.iter().try_fold(0, |sum: i32, it| Some(sum * 10 + digit(*it)?))?;
        self.at += count;
        Some(value)
    }

    /// `.`, `/` or `-`, perhaps between spaces.
    fn separator(&mut self) -> Option<char> {
        self.skip(" ");
        let mark = *self.letters.get(self.at)?;
        "./-".contains(mark).then_some(())?;
        self.at += 1;
        self.skip(" ");
        Some(mark)
    }

    fn skip(&mut self, what: &str) {
        while self.letters.get(self.at).is_some_and(|it| what.contains(*it)) {
            self.at += 1;
        }
    }

    /// A month's name or the beginning of one, in English, Czech, German and their neighbours'.
    fn month(&mut self) -> Option<i32> {
        let rest = &self.letters[self.at.min(self.letters.len())..];
        let word: String = rest.iter().take_while(|it| it.is_alphabetic()).collect();
        let length = word.chars().count();
        let number = MONTHS.iter().position(|names| {
            names
                .split(' ')
                .any(|name| word == name || (length >= 3 && fold(name).starts_with(&word)))
        })?;
        self.at += length;
        i32::try_from(number + 1).ok()
    }
}

/// Digits, and the letters that are misread zeros and ones.
fn digit(letter: char) -> Option<i32> {
    match letter {
        'O' => Some(0),
        'I' | '|' => Some(1),
        _ => letter.to_digit(10).and_then(|it| i32::try_from(it).ok()),
    }
}

fn ymd(year: i32, month: i32, day: i32) -> Option<NaiveDate> {
    NaiveDate::from_ymd_opt(year, u32::try_from(month).ok()?, u32::try_from(day).ok()?)
}

const MONTHS: [&str; 12] = [
    "JANUARY LEDEN LEDNA JANUAR JANNER STYCZNIA JANVIER",
    "FEBRUARY UNOR UNORA FEBRUAR LUTEGO FEVRIER",
    "MARCH BREZEN BREZNA MARZ MAERZ MARCA MARS",
    "APRIL DUBEN DUBNA KWIETNIA AVRIL",
    "MAY KVETEN KVETNA MAI MAJA",
    "JUNE CERVEN CERVNA JUNI CZERWCA JUIN",
    "JULY CERVENEC CERVENCE JULI LIPCA JUILLET",
    "AUGUST SRPEN SRPNA SIERPNIA AOUT",
    "SEPTEMBER SEPT ZARI WRZESNIA SEPTEMBRE",
    "OCTOBER RIJEN RIJNA OKTOBER PAZDZIERNIKA OCTOBRE",
    "NOVEMBER LISTOPAD LISTOPADU NOVEMBRE",
    "DECEMBER PROSINEC PROSINCE DEZEMBER GRUDNIA DECEMBRE",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reading::{engines::Page, fields::rows::rows};

    fn check(country: &str, text: &str, expected: Option<&str>) {
        let place = if country.is_empty() { Place::default() } else { Place::in_country(country) };
        let today = "2026-11-23".parse().unwrap();
        let found = date(&rows(&Page::from_text(text)), &place, today);
        assert_eq!(found.map(|it| it.value.to_string()).as_deref(), expected, "{text}");
    }

    #[test]
    fn a_date_is_read_in_the_order_of_its_country() {
        check("MY", "Date: 12/03/18 20:29", Some("2018-03-12"));
        check("US", "Date: 12/03/18 20:29", Some("2018-12-03"));
        check("", "Date: 12/03/18 20:29", None);
        check("", "Date: 25/03/18 20:29", Some("2018-03-25"));
        check("", "Date: 12.03.2018", Some("2018-03-12"));
        check("", "2024-10-29", Some("2024-10-29"));
    }

    #[test]
    fn a_date_is_read_however_it_is_written() {
        check("MY", "24-Mar-2018 03:44:22 PM", Some("2018-03-24"));
        check("MY", "DATE : 10 OCT 2017 TUE", Some("2017-10-10"));
        check("MY", "25/FEB/2017", Some("2017-02-25"));
        check("MY", "Date:25/12/201815:30", Some("2018-12-25"));
        check("MY", "INV(29/07/2016}", Some("2016-07-29"));
        check("MY", "Date:O2/02/17 19:46", Some("2017-02-02"));
        check("CZ", "29. 10. 2024 14:05", Some("2024-10-29"));
        check("CZ", "Datum: 5. března 2024", Some("2024-03-05"));
        check("CZ", "Datum: 5. července 2024", Some("2024-07-05"));
        check("DE", "3. März 2024", Some("2024-03-03"));
        check("DE", "18.05.20 09:50", Some("2020-05-18"));
        check("US", "Invoice Date: August 3 , 2014", Some("2014-08-03"));
        check("VN", "Ngay: 13/08/2020-17:52", Some("2020-08-13"));
    }

    #[test]
    fn no_receipt_is_from_the_future() {
        check("VN", "02 19/09/2049 18:17:48", None);
        check("CZ", "Datum: 24.11.2026", None);
        check("CZ", "Datum: 23.11.2026", Some("2026-11-23"));
    }

    #[test]
    fn two_days_that_are_as_likely_are_no_day() {
        check("CZ", "01.02.2024\n03.04.2024", None);
        check("CZ", "Datum 01.02.2024\nPlatnost do 03.04.2024", Some("2024-02-01"));
        check("CZ", "31.02.2024 12:00", None);
        check(
            "DE",
            "Rechnungsdatum 7. Mai 2014\n01.05.14-31.05.14\n01.05.14-31.05.14\n01.05.14-31.05.14",
            Some("2014-05-07"),
        );
    }
}
