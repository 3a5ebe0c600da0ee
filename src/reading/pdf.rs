//! The first pages of a PDF, by poppler's programs: their words with places where the document has
//! text, else a picture of each. Later pages are not looked at.

use std::time::Duration;

use super::engines::{Bounds, EngineError, Line, Page, Word};
use super::picture::{NotAPicture, Picture};
use super::program;
use super::scan::Document;

/// An invoice says what it costs on its first pages.
const PAGES: u32 = 3;
/// Fewer words are a stamp on a scan, not its text.
const TEXT: usize = 10;
/// Pixels of a page's longer side, as sharp as the engines want it.
const LONG_EDGE: &str = "1800";
/// A point of the page in parts of our own, so that small print keeps its place in whole numbers.
const PARTS: f64 = 4.0;
const NO_POPPLER: &str = "PDF documents need the programs pdftotext and pdftoppm: install \
     poppler-utils (Debian, Ubuntu) or poppler (brew)";

/// Opens the document's first pages.
pub async fn open(bytes: &[u8], within: Duration) -> Result<Document, EngineError> {
    let mut command = program::bounded("pdftotext");
    command.args(["-q", "-bbox", "-l", &PAGES.to_string(), "-", "-"]);
    let ended = program::run(command, bytes, within, NO_POPPLER).await?;
    if ended.code != Some(0) {
        return Err(refused(bytes).into());
    }
    let text = String::from_utf8_lossy(&ended.output);
    let page = Page { lines: lines(words(&text)) };
    if page.lines.iter().map(|it| it.words.len()).sum::<usize>() >= TEXT {
        return Ok(Document::Text(page));
    }
    let count = u32::try_from(text.matches("<page ").count()).unwrap_or(PAGES).min(PAGES);
    let mut pictures = Vec::new();
    for number in 1..=count {
        pictures.push(picture(bytes, number, within).await?);
    }
    Ok(Document::Pictures(pictures))
}

async fn picture(bytes: &[u8], number: u32, within: Duration) -> Result<Picture, EngineError> {
    let mut command = program::bounded("pdftoppm");
    let number = number.to_string();
    command.args(["-q", "-f", &number, "-l", &number, "-scale-to", LONG_EDGE]);
    command.args(["-jpeg", "-jpegopt", "quality=92", "-"]);
    let ended = program::run(command, bytes, within, NO_POPPLER).await?;
    if ended.code != Some(0) {
        return Err(refused(bytes).into());
    }
    Ok(Picture::open(ended.output)?)
}

/// Poppler does not tell the one from the other where it has to be quiet, and the file does: a reader
/// without a password opens what is merely encrypted against changes.
fn refused(bytes: &[u8]) -> NotAPicture {
    const ENCRYPTED: &[u8] = b"/Encrypt";
    if bytes.windows(ENCRYPTED.len()).any(|it| it == ENCRYPTED) {
        NotAPicture::Locked
    } else {
        NotAPicture::Broken
    }
}

/// Every `<word xMin="…" yMin="…" xMax="…" yMax="…">…</word>`; each page below the one before.
fn words(text: &str) -> Vec<Word> {
    let mut out = Vec::new();
    let (mut above, mut height) = (0.0, 0.0);
    for row in text.lines().map(str::trim) {
        if let Some(page) = row.strip_prefix("<page ") {
            above += height;
            height = number(page, "height").unwrap_or(0.0).clamp(0.0, 20_000.0);
        }
        let Some(word) = row.strip_prefix("<word ") else { continue };
        let side = |name| number(word, name);
        let (Some(left), Some(top), Some(right), Some(bottom)) =
            (side("xMin"), side("yMin"), side("xMax"), side("yMax"))
        else {
            continue;
        };
        let text = word.split_once('>').and_then(|it| it.1.strip_suffix("</word>"));
        let text = plain(text.unwrap_or_default());
        if !text.is_empty() {
            let bounds = Bounds {
                left: whole(left),
                top: whole(above + top),
                width: whole(right - left),
                height: whole(bottom - top),
            };
            out.push(Word { text, sure: 100, bounds });
        }
    }
    out
}

fn number(attributes: &str, name: &str) -> Option<f64> {
    let (_, rest) = attributes.split_once(&format!("{name}=\""))?;
    rest.split('"').next()?.parse().ok().filter(|it: &f64| it.is_finite())
}

#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped into range first"
)]
fn whole(points: f64) -> u32 {
    (points * PARTS).clamp(0.0, 1_000_000.0) as u32
}

/// Without the five entities of XML.
fn plain(text: &str) -> String {
    let entities =
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")];
    entities.iter().fold(text.trim().to_owned(), |text, (from, to)| text.replace(from, to))
}

/// Words on one height are one row, from left to right.
fn lines(mut words: Vec<Word>) -> Vec<Line> {
    words.sort_by_key(|it| (it.bounds.top + it.bounds.height / 2, it.bounds.left));
    let mut out: Vec<Line> = Vec::new();
    for word in words {
        let middle = word.bounds.top + word.bounds.height / 2;
        let row = out.last_mut().filter(|it| {
            it.words.first().is_some_and(|first| {
                middle < first.bounds.top + first.bounds.height && middle > first.bounds.top
            })
        });
        match row {
            Some(row) => row.words.push(word),
            None => out.push(Line { words: vec![word] }),
        }
    }
    for line in &mut out {
        line.words.sort_by_key(|it| it.bounds.left);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_with_places_become_rows() {
        let text = "<page width=\"100\" height=\"200\">\n\
            <word xMin=\"60.5\" yMin=\"10\" xMax=\"80\" yMax=\"18\">4.11</word>\n\
            <word xMin=\"5\" yMin=\"10.4\" xMax=\"30\" yMax=\"18\">A&amp;B&lt;</word>\n\
            <word xMin=\"5\" yMin=\"30\" xMax=\"30\" yMax=\"38\">below</word>\n\
            <word yMin=\"nonsense\">x</word>\n</page>\n\
            <page width=\"100\" height=\"200\">\n\
            <word xMin=\"5\" yMin=\"10\" xMax=\"30\" yMax=\"18\">second</word>";
        let rows = lines(words(text));
        let texts: Vec<Vec<&str>> =
            rows.iter().map(|it| it.words.iter().map(|it| it.text.as_str()).collect()).collect();
        assert_eq!(texts, [vec!["A&B<", "4.11"], vec!["below"], vec!["second"]]);
    }
}
