//! Printed rows: their text, how well it was read, where the columns part, the amounts in it.
//! It says what is written, not what it means.

use super::{
    amounts::Blob,
    fold::fold,
    labels::{Label, label},
    place::Place,
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

    /// Confidence of the least sure word between two letters of the folded text, in percent.
    pub fn sure_between(&self, start: usize, end: usize) -> u8 {
        let within = self.words.iter().filter(|it| (start + 1..end).contains(&it.0));
        within.map(|it| it.1).fold(self.sure_at(start), u8::min)
    }

    fn sure_at(&self, letter: usize) -> u8 {
        let word = self.words.iter().rev().find(|(begin, _)| *begin <= letter);
        word.map_or(0, |(_, sure)| *sure)
    }
}
