//! Pieces of text put into rows, and cut into words. A crumpled or tilted row stays one row: each
//! piece looks for its neighbour where its own line leads. It reads no words.
#![expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "boxes are measured in floats and told in whole pixels, far below 2^24"
)]

use crate::Word;
use crate::quad::Quad;
use crate::recognise::Letter;

/// Pieces read with less confidence are noise: logos, folds, pictures.
const READ: f32 = 0.5;
/// Neighbours' middles differ by less than this share of the lower one's height.
const SAME_ROW: f32 = 0.5;
/// A gap this many times as wide as the usual step from letter to letter parts two words.
const GAP: f32 = 2.2;

/// A piece of text with its place.
pub struct Piece {
    /// Where it stands.
    pub quad: Quad,
    /// What it says.
    pub letters: Vec<Letter>,
}

impl Piece {
    /// The mean confidence of its letters, from 0 to 1.
    pub fn sure(&self) -> f32 {
        let sum: f32 = self.letters.iter().map(|it| it.sure).sum();
        let count: f32 = self.letters.iter().map(|_| 1.0).sum();
        if count > 0.0 { sum / count } else { 0.0 }
    }
}

/// Rows from top to bottom, words from left to right.
pub fn rows(mut pieces: Vec<Piece>) -> Vec<Vec<Word>> {
    pieces.retain(|it| it.sure() >= READ);
    let slope = slope(&pieces);
    pieces.sort_by(|a, b| a.quad.begin().x.total_cmp(&b.quad.begin().x));
    let mut rows: Vec<Vec<Piece>> = Vec::new();
    for piece in pieces {
        match neighbour(&rows, &piece, slope) {
            Some(at) => rows[at].push(piece),
            None => rows.push(vec![piece]),
        }
    }
    let level = |row: &Vec<Piece>| {
        row.first().map_or(0.0, |it| it.quad.begin().y - slope * it.quad.begin().x)
    };
    rows.sort_by(|a, b| level(a).total_cmp(&level(b)));
    let words = rows.iter().map(|row| row.iter().flat_map(words).collect::<Vec<_>>());
    words.filter(|it| !it.is_empty()).collect()
}

/// How far the page's rows fall to the right: the middle one of its wide pieces.
fn slope(pieces: &[Piece]) -> f32 {
    let wide = pieces.iter().filter(|it| it.quad.width() > 3.0 * it.quad.height());
    let mut slopes: Vec<f32> = wide
        .map(|it| {
            let (begin, end) = (it.quad.begin(), it.quad.end());
            (end.y - begin.y) / (end.x - begin.x).max(1.0)
        })
        .collect();
    slopes.sort_by(f32::total_cmp);
    slopes.get(slopes.len() / 2).copied().unwrap_or(0.0)
}

/// The row whose last piece leads to this one; the nearest, where several do.
fn neighbour(rows: &[Vec<Piece>], piece: &Piece, slope: f32) -> Option<usize> {
    let begin = piece.quad.begin();
    let fits = |(at, row): (usize, &Vec<Piece>)| {
        let last = row.last()?;
        let end = last.quad.end();
        let gap = begin.x - end.x;
        let off = (end.y + slope * gap - begin.y).abs();
        let lower = last.quad.height().min(piece.quad.height());
        // Boxes overlap a little; a piece above or below another one overlaps it much.
        let beside = gap > -lower;
        (beside && off < lower * SAME_ROW).then_some((at, off + gap.max(0.0) / 20.0))
    };
    let found = rows.iter().enumerate().filter_map(fits);
    found.min_by(|a, b| a.1.total_cmp(&b.1)).map(|it| it.0)
}

/// The words of a piece, parted where a space was read or a gap stands.
fn words(piece: &Piece) -> Vec<Word> {
    let mut out = Vec::new();
    let mut word: Vec<&Letter> = Vec::new();
    let step = usual_step(&piece.letters);
    for letter in &piece.letters {
        let blank = letter.text.trim().is_empty();
        let far = word.last().is_some_and(|it| letter.at - it.at > step * GAP);
        if blank || far {
            out.extend(joined(piece, &word, step));
            word.clear();
        }
        if !blank {
            word.push(letter);
        }
    }
    out.extend(joined(piece, &word, step));
    out
}

/// The middle one of the steps from letter to letter.
fn usual_step(letters: &[Letter]) -> f32 {
    let mut steps: Vec<f32> = letters.windows(2).map(|it| it[1].at - it[0].at).collect();
    steps.sort_by(f32::total_cmp);
    steps.get(steps.len() / 2).copied().unwrap_or(1.0)
}

fn joined(piece: &Piece, letters: &[&Letter], step: f32) -> Option<Word> {
    let (first, last) = (letters.first()?, letters.last()?);
    let text: String = letters.iter().map(|it| it.text.as_str()).collect();
    let least = letters.iter().map(|it| it.sure).fold(1.0, f32::min);
    let mean: f32 =
        letters.iter().map(|it| it.sure).sum::<f32>() / letters.iter().map(|_| 1.0).sum::<f32>();
    // One doubtful letter makes a word doubtful, a long one less so.
    let sure = ((mean + least) * 50.0).clamp(0.0, 100.0) as u8;
    let share = |at: f32| at.clamp(0.0, 1.0);
    let corners = [
        piece.quad.at(share(first.at - step / 2.0), 0.0),
        piece.quad.at(share(last.at + step / 2.0), 1.0),
    ];
    let pixel = |it: f32| it.max(0.0).round() as u32;
    let (left, top) = (pixel(corners[0].x), pixel(corners[0].y.min(corners[1].y)));
    let width = pixel(corners[1].x).saturating_sub(left).max(1);
    Some(Word { text, sure, left, top, width, height: pixel(piece.quad.height()).max(1) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quad::Point;

    fn piece(text: &str, left: f32, top: f32) -> Piece {
        let count: f32 = text.chars().map(|_| 1.0).sum();
        let right = left + count * 10.0;
        let corners = [(left, top), (right, top), (right, top + 20.0), (left, top + 20.0)];
        let letters = (0_u8..).zip(text.chars()).map(|(at, it)| Letter {
            text: it.to_string(),
            sure: 0.9,
            at: (f32::from(at) + 0.5) / count,
        });
        Piece { quad: Quad(corners.map(|(x, y)| Point { x, y })), letters: letters.collect() }
    }

    fn texts(pieces: Vec<Piece>) -> Vec<String> {
        let text =
            |row: &Vec<Word>| row.iter().map(|it| it.text.as_str()).collect::<Vec<_>>().join(" ");
        rows(pieces).iter().map(text).collect()
    }

    #[test]
    fn pieces_side_by_side_are_one_row() {
        let found = texts(vec![
            piece("12.50", 300.0, 43.0),
            piece("CASH", 10.0, 71.0),
            piece("TOTAL RM", 10.0, 40.0),
            piece("20.00", 300.0, 69.0),
        ]);
        assert_eq!(found, ["TOTAL RM 12.50", "CASH 20.00"]);
    }

    #[test]
    fn a_tilted_page_keeps_its_rows() {
        let tilted = |text: &str, left: f32, row: f32| {
            let mut it = piece(text, left, row * 30.0);
            let fall = |point: Point| Point { y: point.y + point.x * 0.1, ..point };
            it.quad = Quad(it.quad.0.map(fall));
            it
        };
        let found = texts(vec![
            tilted("Bread", 0.0, 0.0),
            tilted("1.50", 500.0, 0.0),
            tilted("Butter", 0.0, 1.0),
            tilted("2.50", 500.0, 1.0),
        ]);
        assert_eq!(found, ["Bread 1.50", "Butter 2.50"]);
    }

    #[test]
    fn a_word_has_its_own_place_and_confidence() {
        let mut one = piece("AB 12", 100.0, 0.0);
        one.letters[4].sure = 0.5;
        let words = rows(vec![one]).remove(0);
        assert_eq!(words.iter().map(|it| it.text.as_str()).collect::<Vec<_>>(), ["AB", "12"]);
        assert_eq!((words[0].left, words[1].left), (100, 130));
        assert_eq!((words[0].sure, words[1].sure), (90, 60));
    }

    #[test]
    fn noise_is_left_out() {
        let mut noise = piece("~~~", 0.0, 0.0);
        noise.letters.iter_mut().for_each(|it| it.sure = 0.2);
        assert!(texts(vec![noise]).is_empty());
    }
}
