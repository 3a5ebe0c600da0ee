//! Where in a row of letters an amount of money stands, in any habit of writing, with the gaps and
//! losses of an engine. It gives no meaning to one.

use super::{
    fold::fold,
    place::{Habit, names_currency},
    rows::Form,
};
use crate::domain::money::{Currency, Decimal};

/// A run of digits with what may belong to a number.
pub struct Blob {
    /// Where it begins, in letters of the row.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
    text: String,
}

impl Blob {
    /// The run that begins at `start`, with the pieces that a space has split off.
    pub fn at(letters: &[char], start: usize, habit: Habit) -> Self {
        let mut end = run(letters, start);
        let mut text: String = letters[start..end].iter().collect();
        while letters.get(end) == Some(&' ') {
            let next = run_with_point(letters, end + 1);
            let piece: String = letters[end + 1..next].iter().collect();
            if !continues(&text, &piece, habit) {
                break;
            }
            if !text.ends_with(['.', ',']) && !piece.starts_with(['.', ',']) {
                text.push(' ');
            }
            text.push_str(&piece);
            end = next;
        }
        Self { start, end, text }
    }

    /// `19.05.`, as in `19.05. 16:04`.
    fn is_day_and_month(&self) -> bool {
        let mut parts = self.text.split('.');
        let small = |it: Option<&str>, most: u8| {
            it.is_some_and(|it| it.len() == 2 && it.parse::<u8>().is_ok_and(|it| it <= most))
        };
        small(parts.next(), 31) && small(parts.next(), 12) && parts.eq([""])
    }

    /// What bare digits are if their point was lost.
    pub fn lost_point(&self, habit: Habit) -> Option<Decimal> {
        let bare = (3..=6).contains(&self.text.len())
            && self.text.bytes().all(|it| it.is_ascii_digit())
            && !habit.no_decimals
            && !habit.three_decimals;
        let digits = self.text.parse().ok().filter(|_| bare)?;
        Some(Decimal::new(digits, 2))
    }

    /// The amount, unless it is a time, a date, a telephone, a weight, a share or a code.
    pub fn amount(&self, letters: &[char], habit: Habit) -> Option<(Decimal, Form)> {
        let text = self.text.trim_end_matches(['.', ',', ':', '/', '\'', '’', '*']);
        let dashed = self.text.contains([',', '.']) && self.text.ends_with(['-', '–', '—']);
        if text.contains([':', '/']) || (!dashed && text.contains(['-', '–', '—'])) {
            return None;
        }
        if is_joined(letters, self.start)
            || is_quantity(letters, self.end)
            || is_broken(letters, self.end)
        {
            return None;
        }
        if self.is_day_and_month() {
            return None;
        }
        let negative = is_minus(letters, self.start);
        let value = if habit.three_decimals {
            Decimal::parse_in(text, Currency::KWD).ok()?
        } else {
            Decimal::parse(text).ok()?
        };
        let value = if negative { Decimal::new(0, 0).minus(value)? } else { value };
        let form = match value.scale() {
            2 => Form::Plain,
            3 if habit.three_decimals => Form::Plain,
            0 if dashed || (habit.no_decimals && text.contains(['.', ',', ' '])) => Form::Plain,
            0 => Form::Whole,
            1 if habit.no_decimals => return None,
            1 => Form::Mended,
            _ => return None,
        };
        if form == Form::Whole
            && letters.get(self.start.wrapping_sub(1)).is_some_and(|it| it.is_alphabetic())
            && !ends_with_sign(letters, self.start)
        {
            return None;
        }
        Some((value, form))
    }
}

/// Digits, and what may stand between two of them.
fn run(letters: &[char], start: usize) -> usize {
    let inside = |it: char| it.is_ascii_digit() || ".,'’:/-–—".contains(it);
    let length = letters[start..].iter().take_while(|it| inside(**it)).count();
    start + length
}

fn run_with_point(letters: &[char], start: usize) -> usize {
    if start >= letters.len() { start } else { run(letters, start) }
}

/// `79.` + `35`, `300` + `.00`, and where thousands are set apart by spaces `1` + `234,50`.
fn continues(text: &str, piece: &str, habit: Habit) -> bool {
    let digits = |it: &str| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit());
    if let Some(whole) = text.strip_suffix(['.', ',']) {
        return digits(whole) && whole.len() <= 6 && piece.len() == 2 && digits(piece);
    }
    if let Some(decimals) = piece.strip_prefix(['.', ',']) {
        return digits(text) && text.len() <= 6 && decimals.len() == 2 && digits(decimals);
    }
    let begins_thousands = piece.bytes().take_while(u8::is_ascii_digit).count() == 3;
    habit.spaces
        && begins_thousands
        && text.split(' ').all(digits)
        && text.split(' ').next().is_some_and(|it| it.len() <= 3)
        && (habit.no_decimals || piece.len() >= 6 || piece.contains([',', '.']))
}

/// Part of a number or code that began before.
fn is_joined(letters: &[char], start: usize) -> bool {
    let Some(before) = start.checked_sub(1).and_then(|it| letters.get(it)) else {
        return false;
    };
    let earlier = start.checked_sub(2).and_then(|it| letters.get(it));
    match before {
        '.' | ',' | ':' | '/' | '#' => earlier.is_some_and(char::is_ascii_digit),
        '-' => earlier.is_some_and(|it| it.is_alphanumeric()),
        '+' => true,
        // `500,)00`: what comes after a sign that no number has.
        ')' | ']' | '}' | '|' => earlier.is_some_and(|it| ".,".contains(*it)),
        _ => false,
    }
}

/// A sign that no number has stands among the digits: `500,)00`.
fn is_broken(letters: &[char], end: usize) -> bool {
    let digit_after = letters.get(end + 1).is_some_and(char::is_ascii_digit);
    digit_after && letters.get(end).is_some_and(|it| "()[]{}|_".contains(*it))
}

fn is_minus(letters: &[char], start: usize) -> bool {
    start.checked_sub(1).and_then(|it| letters.get(it)).is_some_and(|it| "-−–".contains(*it))
}

/// A percentage, a weight or a measure follows.
fn is_quantity(letters: &[char], end: usize) -> bool {
    let mut rest = letters[end.min(letters.len())..].iter().skip_while(|it| **it == ' ');
    let spaced = letters.get(end) == Some(&' ');
    let unit: String = rest.by_ref().take_while(|it| it.is_alphabetic() || **it == '%').collect();
    let unit = fold(&unit);
    let units = ["%", "KG", "KGM", "GR", "ML", "CL", "KS", "CM", "MM", "PCS", "PKT", "STK", "LTR"];
    units.contains(&unit.as_str())
        || unit.starts_with('%')
        || (!spaced && ["G", "L", "M", "X"].contains(&unit.as_str()))
}

/// Whether the letters right before a number are a currency's.
fn ends_with_sign(letters: &[char], start: usize) -> bool {
    let word: Vec<char> =
        letters[..start].iter().rev().take_while(|it| !it.is_whitespace()).copied().collect();
    let word: String = word.into_iter().rev().collect();
    names_currency(&word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reading::{
        engines::Page,
        fields::{place::Place, rows::rows},
    };

    /// The amounts of a row as `value` or `~value` for whole and mended ones.
    fn check(country: &str, text: &str, expected: &[&str]) {
        let mut row = rows(&Page::from_text(text)).remove(0);
        row.find_amounts(&Place::in_country(country));
        let found: Vec<String> = row
            .amounts
            .iter()
            .map(|it| format!("{}{}", if it.form == Form::Plain { "" } else { "~" }, it.value))
            .collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn amounts_are_found_in_a_row() {
        check("MY", "1x 15.00  15.00 SR", &["15.00", "15.00"]);
        check("MY", "RM3.20 1 0,00 RM3.20SR", &["3.20", "~1", "0.00", "3.20"]);
        check("MY", "TOTAL (Incl GST) 79. 35", &["79.35"]);
        check("MY", "Cash 300 .00", &["300.00"]);
        check("MY", "2 100.00", &["~2", "100.00"]);
        check("CZ", "Celkem 1 234,50 Kč", &["1234.50"]);
        check("CZ", "K úhradě 250,- Kč", &["250"]);
        check("DE", "SUMME EUR 1.234,50", &["1234.50"]);
        check("VN", "Tong cong: 146.010", &["146010"]);
        check("VN", "0.434 KG 22,500.00", &["22500.00"]);
        check("DE", "Rückgeld EUR -45,00", &["-45.00"]);
    }

    #[test]
    fn times_dates_telephones_weights_and_shares_are_no_amounts() {
        check("MY", "14-03-2018 10:22:59", &[]);
        check("DE", "18.05.20 09:50", &[]);
        check("DE", "TEL.: 05251/6913-0", &[]);
        check("MY", "GST 6.00% 0.42", &["0.42"]);
        check("DE", "0.95 kg 1,29", &["1.29"]);
        check("CZ", "0,5l Pivo 55,00", &["55.00"]);
        check("MY", "CS00172418", &[]);
        check("VN", "VND 500,)00", &[]);
    }
}
