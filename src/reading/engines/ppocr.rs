//! PP-OCRv6 in this process, by the crate of that name: off the async threads, with a time limit.
//! The models are files of their own (`make models`); see docs/reading.md.

use std::{fmt, path::Path, sync::Arc, time::Duration};

use ppocr::PpocrError;
use tokio::task::spawn_blocking;

use super::{Bounds, Engine, EngineError, Line, Page, Word};
use crate::reading::picture::Picture;

/// Pixels of the photo that pieces of text are cut from: letters of a larger one are larger than
/// the model wants them.
const PIXELS: u64 = 4_000_000;
const MISSING: &str =
    "the models of PP-OCRv6 are not in OCR_MODELS_DIR (`make models` fetches them)";

/// The models, loaded once and shared.
#[derive(Clone)]
pub struct Ppocr {
    models: Arc<ppocr::Ppocr>,
    limit: Duration,
}

impl Ppocr {
    /// Loads the models from `folder`, in some 100 ms. A reading may take up to `limit`.
    pub fn find(folder: &Path, limit: Duration) -> Result<Self, EngineError> {
        Ok(Self { models: Arc::new(ppocr::Ppocr::load(folder)?), limit })
    }
}

impl fmt::Debug for Ppocr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ppocr").field("limit", &self.limit).finish_non_exhaustive()
    }
}

impl Engine for Ppocr {
    fn name(&self) -> &'static str {
        "ppocr"
    }

    /// The work goes on to its end when the future is dropped, within the limit: arithmetic
    /// cannot be interrupted.
    async fn page(&self, picture: &Picture) -> Result<Page, EngineError> {
        let (models, picture, limit) = (Arc::clone(&self.models), picture.clone(), self.limit);
        let read = spawn_blocking(move || Ok(models.read(&picture.colour(PIXELS)?, limit)?)).await;
        let rows = read.unwrap_or_else(|_| Err(EngineError::Failed("abandoned".into())))?;
        let line =
            |row: Vec<ppocr::Word>| Line { words: row.into_iter().map(Word::from).collect() };
        Ok(Page { lines: rows.into_iter().map(line).collect() })
    }
}

impl From<ppocr::Word> for Word {
    fn from(word: ppocr::Word) -> Self {
        let ppocr::Word { text, sure, left, top, width, height } = word;
        Self { text, sure, bounds: Bounds { left, top, width, height } }
    }
}

impl From<PpocrError> for EngineError {
    fn from(error: PpocrError) -> Self {
        match error {
            PpocrError::Missing(_) => Self::NotInstalled(MISSING),
            PpocrError::TookTooLong(limit) => Self::TimedOut(limit),
            PpocrError::Unusable(_) | PpocrError::Failed(_) => Self::Failed(error.to_string()),
        }
    }
}
