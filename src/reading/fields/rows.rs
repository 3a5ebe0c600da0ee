//! Printed rows and the amounts in them. It says what is written, not what it means.

use super::{
    fold::fold,
    labels::{Label, label},
    place::{Habit, Place},
};
use crate::domain::money::Decimal;
use crate::reading::engines::{Line, Page};

/// One printed row.
#[derive(Clone, Debug, Default)]
pub struct Row {
    /// As read. One space between words, two where columns part.
    pub text: String,
    /// The same, comparable.
    pub folded: String,
    /// What its words as a whole say of its amounts.
    pub says: Option<Label>,
    /// Its amounts from left to right.
    pub amounts: Vec<Printed>,
    /// Mean confidence of its words, in percent.
    pub sure: u8,
    /// Height of its tallest word, in pixels.
    pub height: u32,
    /// The least sure of its words, at which letter each begins.
    words: Vec<(usize, u8)>,
}

/// How an amount was written, which says how surely it is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// With the decimals of its currency.
    Plain,
    /// Without decimals; an amount only where a label or a sign says so.
    Whole,
    /// The point was lost (`8 60`) and has been put back.
    Mended,
}

/// One amount on paper.
#[derive(Clone, Debug)]
pub struct Printed {
    /// The number.
    pub value: Decimal,
    /// How it was written.
    pub form: Form,
    /// Whether a currency stands beside it.
    pub signed: bool,
    /// The comparable text between the amount before it, or the row's beginning, and itself.
    pub lead: String,
    /// Confidence of the word, in percent.
    pub sure: u8,
    /// What bare digits (`571`, `005`) are if their point was lost: 5.71, 0.05.
    pub lost_point: Option<Decimal>,
}

/// In percent: noise beside a name is read so.
const HARDLY_READ: u8 = 40;

/// The rows of a page, without their amounts.
pub fn rows(page: &Page) -> Vec<Row> {
    page.lines.iter().map(row).filter(|it| !it.text.is_empty()).collect()
}

fn row(line: &Line) -> Row {
    let mut out = Row::default();
    let mut end = None;
    let mut sum = 0_u32;
    for word in &line.words {
        let letters = u32::try_from(word.text.chars().count()).unwrap_or(u32::MAX).max(1);
        let cell = word.bounds.width / letters;
        if let Some(end) = end {
            let gap = word.bounds.left.saturating_sub(end);
            out.text.push_str(if gap > cell * 8 / 5 + 2 { "  " } else { " " });
        }
        out.words.push((out.text.chars().count(), word.sure));
        out.text.push_str(&word.text);
        out.height = out.height.max(word.bounds.height);
        end = Some(word.bounds.left + word.bounds.width);
        sum += u32::from(word.sure);
    }
    let count = u32::try_from(line.words.len()).unwrap_or(u32::MAX).max(1);
    out.sure = u8::try_from(sum / count).unwrap_or(0);
    out.folded = fold(&out.text);
    out.says = label(&out.text);
    out
}

impl Row {
    /// Finds the amounts, as they are written in that place.
    pub fn find_amounts(&mut self, place: &Place) {
        let letters: Vec<char> = self.text.chars().collect();
        let mut begin = 0;
        let mut at = 0;
        let mut found = Vec::new();
        while at < letters.len() {
            if !letters[at].is_ascii_digit() {
                at += 1;
                continue;
            }
            let blob = Blob::at(&letters, at, place.habit());
            if let Some((value, form)) = blob.amount(&letters, place.habit()) {
                let lead: String = letters[begin..blob.start].iter().collect();
                found.push(Printed {
                    value,
                    form,
                    signed: place.sign_beside(&letters, blob.start, blob.end),
                    lead: fold(&lead),
                    sure: self.sure_at(blob.start),
                    lost_point: blob.lost_point(place.habit()),
                });
                begin = blob.end;
            }
            at = blob.end.max(at + 1);
        }
        self.amounts = found;
    }

    /// Its amounts with decimals.
    pub fn plain(&self) -> impl DoubleEndedIterator<Item = &Printed> {
        self.amounts.iter().filter(|it| it.form == Form::Plain)
    }

    /// Whether it holds letters enough to say something.
    pub fn has_words(&self) -> bool {
        self.folded.chars().filter(char::is_ascii_alphabetic).count() >= 3
    }

    /// Its text without the words at both ends that are hardly read, and the mean confidence
    /// of what is left, in percent.
    pub fn well_read(&self) -> (&str, u8) {
        let read = |it: &(usize, u8)| it.1 >= HARDLY_READ;
        let Some(first) = self.words.iter().position(read) else { return ("", 0) };
        let end = self.words.iter().rposition(read).map_or(0, |it| it + 1);
        let kept = &self.words[first..end];
        let byte =
            |letter: usize| self.text.char_indices().nth(letter).map_or(self.text.len(), |it| it.0);
        let stop = self.words.get(end).map_or(self.text.len(), |it| byte(it.0));
        let sum: usize = kept.iter().map(|it| usize::from(it.1)).sum();
        let sure = u8::try_from(sum / kept.len().max(1)).unwrap_or(0);
        (self.text.get(byte(kept[0].0)..stop).unwrap_or_default(), sure)
    }

    fn sure_at(&self, letter: usize) -> u8 {
        let word = self.words.iter().rev().find(|(begin, _)| *begin <= letter);
        word.map_or(0, |(_, sure)| *sure)
    }
}

/// A run of digits with what may belong to a number.
struct Blob {
    start: usize,
    end: usize,
    text: String,
}

impl Blob {
    /// The run that begins at `start`, with the pieces that a space has split off.
    fn at(letters: &[char], start: usize, habit: Habit) -> Self {
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

    fn lost_point(&self, habit: Habit) -> Option<Decimal> {
        let bare = (3..=6).contains(&self.text.len())
            && self.text.bytes().all(|it| it.is_ascii_digit())
            && !habit.no_decimals
            && !habit.three_decimals;
        let digits = self.text.parse().ok().filter(|_| bare)?;
        Some(Decimal::new(digits, 2))
    }

    fn amount(&self, letters: &[char], habit: Habit) -> Option<(Decimal, Form)> {
        let text = self.text.trim_end_matches(['.', ',', ':', '/', '\'', '’', '*']);
        let dashed = self.text.contains([',', '.']) && self.text.ends_with(['-', '–', '—']);
        if text.contains([':', '/']) || (!dashed && text.contains(['-', '–', '—'])) {
            return None;
        }
        if is_joined(letters, self.start) || is_quantity(letters, self.end) {
            return None;
        }
        if self.is_day_and_month() {
            return None;
        }
        let negative = is_minus(letters, self.start);
        let value = if habit.three_decimals {
            Decimal::parse_in(text, crate::domain::money::Currency::KWD).ok()?
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
        _ => false,
    }
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
    super::place::names_currency(&word)
}

#[cfg(test)]
mod tests {
    use super::*;

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
    }
}
