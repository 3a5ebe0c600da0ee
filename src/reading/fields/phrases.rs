//! Words compared with room for what an engine misreads: a letter taken for another, a gap in the
//! wrong place, two words run together. It knows no word itself.

use super::fold::{fold, shape};

/// A text with its words run together, so that a gap in the wrong place does not matter.
#[derive(Debug)]
pub struct Words {
    letters: Vec<char>,
    begins: Vec<bool>,
}

impl Words {
    /// Takes a text of any case, with accents or without.
    pub fn of(text: &str) -> Self {
        let mut letters = Vec::new();
        let mut begins = Vec::new();
        let mut fresh = true;
        for letter in fold(text).chars() {
            let inside = letter.is_alphanumeric() || (!fresh && "!|][$".contains(letter));
            if inside {
                letters.push(shape(letter));
                begins.push(fresh);
            }
            fresh = !inside;
        }
        Self { letters, begins }
    }

    /// Whether one of the phrases begins at some word.
    pub fn contain_any(&self, phrases: &Phrases) -> bool {
        phrases.0.iter().any(|it| self.contain(it))
    }

    fn contain(&self, phrase: &Phrase) -> bool {
        let Phrase { letters: wanted, place, room } = phrase;
        let last = if *place == Where::First { 1 } else { self.letters.len() };
        (0..last.min(self.letters.len())).filter(|it| self.begins[*it]).any(|start| {
            let rest = &self.letters[start..];
            if *place == Where::Anywhere {
                return begins_like(rest, wanted, *room);
            }
            let end = start + wanted.len();
            rest.starts_with(wanted) && self.begins.get(end).is_none_or(|it| *it)
        })
    }
}

/// Phrases of one kind, made ready once.
#[derive(Debug)]
pub struct Phrases(Vec<Phrase>);

#[derive(Debug)]
struct Phrase {
    letters: Vec<char>,
    place: Where,
    /// So many letters may be misread.
    room: usize,
}

/// How a phrase has to stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Where {
    /// At a word's beginning, one letter in five misread, more following.
    Anywhere,
    /// As exactly this word.
    Word,
    /// As exactly this word at the very beginning.
    First,
}

impl Phrases {
    /// Folded phrases between bars. `=` asks for `Where::Word`, as being short does; `^` asks
    /// for `Where::First`.
    pub fn of(list: &str) -> Self {
        Self(list.split('|').map(|it| phrase(it, it.chars().count() / 5)).collect())
    }

    /// One word of daily life in any case, of which there are many alike: a letter may be misread
    /// only where it has eight or more.
    pub fn close(word: &str) -> Self {
        let folded = fold(word.trim());
        let room = usize::from(folded.chars().count() >= 8);
        Self(vec![phrase(&folded, room)])
    }
}

fn phrase(text: &str, room: usize) -> Phrase {
    let letters: Vec<char> = text.chars().filter(|it| it.is_alphanumeric()).map(shape).collect();
    let place = match text.chars().next() {
        Some('^') => Where::First,
        Some('=') => Where::Word,
        _ if letters.len() <= 4 => Where::Word,
        _ => Where::Anywhere,
    };
    let room = room.min(letters.len() / 5);
    Phrase { letters, place, room }
}

/// Whether some beginning of `text` is `wanted` with at most `room` letters changed, lost or added.
fn begins_like(text: &[char], wanted: &[char], room: usize) -> bool {
    let text = &text[..text.len().min(wanted.len() + room)];
    if text.len() + room < wanted.len() {
        return false;
    }
    let mut row: Vec<usize> = (0..=wanted.len()).collect();
    let mut best = row[wanted.len()];
    for (at, letter) in text.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = at + 1;
        for (column, want) in wanted.iter().enumerate() {
            let change = diagonal + usize::from(letter != want);
            diagonal = row[column + 1];
            row[column + 1] = change.min(diagonal + 1).min(row[column] + 1);
        }
        best = best.min(row[wanted.len()]);
    }
    best <= room
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(phrase: &str, text: &str, expected: bool) {
        assert_eq!(
            Words::of(text).contain_any(&Phrases::of(phrase)),
            expected,
            "{phrase} in {text}"
        );
    }

    #[test]
    fn a_long_phrase_is_known_though_misread_or_run_together() {
        check("TOTAL", "Tota!", true);
        check("TOTAL", "T0TALRM", true);
        check("SUBTOTAL", "SubT otal:", true);
        check("TOTAL", "RETAIL", false);
        check("ROUNDING", "Rounded", false);
    }

    #[test]
    fn a_short_phrase_is_known_as_a_whole_word_only() {
        check("SUMA", "SUMAVA", false);
        check("SUMA", "Suma: 5", true);
        check("=CHANGE", "EXCHANGEABLE", false);
        check("^BAR", "Mars Bar", false);
        check("^BAR", "BAR EUR", true);
    }
}
