//! The engine that this machine has: PP-OCRv6 where its models are, else Tesseract. It chooses
//! once, at the start, and falls back on nothing in the middle of a photo.

use std::path::Path;
use std::time::Duration;

use super::{Engine, EngineError, Page, Ppocr, Tesseract};
use crate::reading::picture::Picture;

/// An engine on this machine.
#[derive(Clone, Debug)]
pub enum LocalEngine {
    /// PP-OCRv6 in this process.
    Ppocr(Ppocr),
    /// The program `tesseract`.
    Tesseract(Tesseract),
}

impl LocalEngine {
    /// PP-OCRv6 with the models in `folder`. A reading may take up to `limit`.
    pub fn ppocr(folder: &Path, limit: Duration) -> Result<Self, EngineError> {
        Ppocr::find(folder, limit).map(Self::Ppocr)
    }

    /// The languages that it was told to read, as `eng+ces`; `None` where it needs not be told.
    pub fn languages(&self) -> Option<&str> {
        match self {
            Self::Ppocr(_) => None,
            Self::Tesseract(engine) => Some(engine.languages()),
        }
    }

    /// The `tesseract` on PATH. A reading may take up to `limit`.
    pub async fn tesseract(limit: Duration) -> Result<Self, EngineError> {
        Tesseract::find(limit).await.map(Self::Tesseract)
    }
}

impl Engine for LocalEngine {
    fn name(&self) -> &'static str {
        match self {
            Self::Ppocr(engine) => engine.name(),
            Self::Tesseract(engine) => engine.name(),
        }
    }

    async fn page(&self, picture: &Picture) -> Result<Page, EngineError> {
        match self {
            Self::Ppocr(engine) => engine.page(picture).await,
            Self::Tesseract(engine) => engine.page(picture).await,
        }
    }
}
