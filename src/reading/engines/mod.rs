//! Engines that make text of a picture, here on this machine. One trait, so that a better engine
//! takes the place of another without a word changed elsewhere. They understand nothing of receipts.

pub mod ppocr;
pub mod tesseract;
pub mod local;

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

use super::picture::{NotAPicture, Picture};
use crate::domain::retry::Verdict;

pub use self::ppocr::Ppocr;
pub use local::LocalEngine;
pub use tesseract::Tesseract;

/// Picture → lines with boxes and confidences.
pub trait Engine: Send + Sync {
    /// Its name in `OCR_ENGINES`, logs and stored readings.
    fn name(&self) -> &'static str;

    /// The text of `picture`, upright, rows from top to bottom. Bounded in time; dropping the
    /// future ends the work.
    fn page(&self, picture: &Picture) -> impl Future<Output = Result<Page, EngineError>> + Send;
}

/// Why an engine has no text to give.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The engine is not on this machine: every photo will fail. Says what to install.
    #[error("{0}")]
    NotInstalled(&'static str),
    /// It took longer than it may. The machine may be busy: try again.
    #[error("reading took longer than {} s", .0.as_secs())]
    TimedOut(Duration),
    /// It ended badly, and may not next time.
    #[error("the engine failed: {0}")]
    Failed(String),
    /// There is nothing to read, and there will not be.
    #[error(transparent)]
    Unreadable(#[from] NotAPicture),
}

impl EngineError {
    /// What becomes of a job that fails with it, when no other engine is left to ask.
    pub fn verdict(&self) -> Verdict {
        match self {
            Self::NotInstalled(_) => Verdict::Halt,
            Self::TimedOut(_) | Self::Failed(_) => Verdict::Retry,
            Self::Unreadable(_) => Verdict::GiveUp,
        }
    }
}

/// All text of a picture.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Page {
    /// Rows from top to bottom, words from left to right.
    pub lines: Vec<Line>,
}

/// One printed row.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Line {
    /// Its words, from left to right.
    pub words: Vec<Word>,
}

/// One word, as read.
#[derive(Clone, Serialize, Deserialize)]
pub struct Word {
    /// Its letters; never empty.
    pub text: String,
    /// How sure the engine is of it, in percent.
    pub sure: u8,
    /// Where it stands, in pixels of the upright picture.
    pub bounds: Bounds,
}

/// A box in pixels, from the upper left corner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounds {
    /// Pixels from the left.
    pub left: u32,
    /// Pixels from the top.
    pub top: u32,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
}

/// Shows its length and confidence: what a photo says stays out of logs.
impl fmt::Debug for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Word({} letters, {} %)", self.text.chars().count(), self.sure)
    }
}

impl Page {
    /// How well it could be read: the mean confidence of its letters, in percent, leaving out
    /// words of one or two signs (noise gives many of them). 0 when there is no word.
    pub fn legibility(&self) -> u64 {
        let words = self.lines.iter().flat_map(|it| &it.words);
        let (mut sum, mut letters) = (0, 0);
        for word in words {
            let count = word.text.chars().filter(|it| it.is_alphanumeric()).count();
            if let (3.., Ok(count)) = (count, u64::try_from(count)) {
                sum += count * u64::from(word.sure);
                letters += count;
            }
        }
        sum.checked_div(letters).unwrap_or(0)
    }

    /// How many letters and digits stand in words of three or more.
    pub fn letters(&self) -> usize {
        let words = self.lines.iter().flat_map(|it| &it.words);
        words
            .map(|it| it.text.chars().filter(|it| it.is_alphanumeric()).count())
            .filter(|it| *it >= 3)
            .sum()
    }

    /// A page from plain text, each letter in a cell of its own, for tests and fuzzing.
    #[cfg(any(test, fuzzing))]
    pub fn from_text(text: &str) -> Self {
        let mut lines = Vec::new();
        for (row, line) in (0..).zip(text.lines()) {
            let mut words: Vec<Word> = Vec::new();
            let mut gap = true;
            for (column, letter) in (0..).zip(line.chars()) {
                if letter == ' ' {
                    gap = true;
                } else if let (Some(word), false) = (words.last_mut(), gap) {
                    word.text.push(letter);
                    word.bounds.width += 10;
                } else {
                    let bounds = Bounds { left: column * 10, top: row * 30, width: 10, height: 20 };
                    words.push(Word { text: letter.to_string(), sure: 95, bounds });
                    gap = false;
                }
            }
            if !words.is_empty() {
                lines.push(Line { words });
            }
        }
        Self { lines }
    }
}
