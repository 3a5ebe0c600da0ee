//! PP-OCRv6 (small) by rten, in pure Rust: where text stands in a picture, which way is up, what it
//! says, in rows from top to bottom. Bounded in pixels, pieces and time; it opens no file but the
//! models and keeps nothing of what it reads. It understands no word.
//!
//! The models are two files of their own, `PP-OCRv6_det_small.onnx` and `PP-OCRv6_rec_small.onnx`
//! (Apache-2.0, by the PaddleOCR authors), as the PyPI package `rapidocr` 3.10.0 ships them.

mod quad;
mod detect;
mod crop;
mod recognise;
mod layout;
mod turn;

use std::fmt;
use std::path::Path;
use std::time::{Duration, Instant};

pub use image;
use image::RgbImage;
use rten::{Model, ModelOptions};

use crop::Crop;
use detect::Detector;
use layout::Piece;
use quad::Quad;
use recognise::Recogniser;

/// The detection model's file.
pub const DETECTION: &str = "PP-OCRv6_det_small.onnx";
/// The recognition model's file.
pub const RECOGNITION: &str = "PP-OCRv6_rec_small.onnx";

/// The two models, loaded.
pub struct Ppocr {
    detector: Detector,
    recogniser: Recogniser,
}

/// One word, as read.
#[derive(Clone, PartialEq, Eq)]
pub struct Word {
    /// Its letters; never empty.
    pub text: String,
    /// How sure the model is of it, in percent.
    pub sure: u8,
    /// Pixels from the left of the upright picture.
    pub left: u32,
    /// Pixels from the top.
    pub top: u32,
    /// Pixels across, at least 1.
    pub width: u32,
    /// Pixels down, at least 1.
    pub height: u32,
}

/// Shows its length and confidence only: what a picture says is nobody's news.
impl fmt::Debug for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Word({} letters, {} %)", self.text.chars().count(), self.sure)
    }
}

/// Why a picture was not read.
#[derive(Debug, thiserror::Error)]
pub enum PpocrError {
    /// One of the two files is not in the folder.
    #[error("the file {0} is missing")]
    Missing(&'static str),
    /// A file is there and is not the model that it should be.
    #[error("the model cannot be used: {0}")]
    Unusable(String),
    /// It took longer than it may.
    #[error("reading took longer than {} s", .0.as_secs())]
    TookTooLong(Duration),
    /// The runtime failed: shapes and operators, never a picture's contents.
    #[error("rten: {0}")]
    Failed(String),
}

/// When a reading has to be over.
#[derive(Clone, Copy)]
struct Limit {
    begun: Instant,
    within: Duration,
}

impl Limit {
    fn check(self) -> Result<(), PpocrError> {
        if self.begun.elapsed() > self.within {
            return Err(PpocrError::TookTooLong(self.within));
        }
        Ok(())
    }
}

impl Ppocr {
    /// Loads the models from `folder`: some 100 ms and 60 MB.
    pub fn load(folder: &Path) -> Result<Self, PpocrError> {
        for name in [DETECTION, RECOGNITION] {
            if !folder.join(name).is_file() {
                return Err(PpocrError::Missing(name));
            }
        }
        let detector = Detector::load(&folder.join(DETECTION))?;
        let recogniser = Recogniser::load(&folder.join(RECOGNITION))?;
        Ok(Self { detector, recogniser })
    }

    /// The words of `picture`, row by row from top to bottom, each row from left to right. Turned
    /// by a quarter or a half, it is turned upright first. Blocks for seconds of CPU. `within` is
    /// measured between the steps of the work, of which each takes less than some two seconds.
    pub fn read(&self, picture: &RgbImage, within: Duration) -> Result<Vec<Vec<Word>>, PpocrError> {
        let limit = Limit { begun: Instant::now(), within };
        let boxes = self.detector.boxes(picture)?;
        limit.check()?;
        Ok(layout::rows(self.upright(picture, boxes, limit)?))
    }

    /// What each of `boxes` says.
    fn pieces(
        &self,
        picture: &RgbImage,
        boxes: Vec<Quad>,
        limit: Limit,
    ) -> Result<Vec<Piece>, PpocrError> {
        let crops: Vec<Crop> = boxes.iter().map(|it| Crop::of(picture, it)).collect();
        let letters = self.recogniser.read(&crops, limit)?;
        let pieces = boxes.into_iter().zip(letters);
        Ok(pieces.map(|(quad, letters)| Piece { quad, letters }).collect())
    }
}

/// Shows nothing of some 30 MB of numbers.
impl fmt::Debug for Ppocr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ppocr").finish_non_exhaustive()
    }
}

fn model(file: &Path) -> Result<Model, PpocrError> {
    let mut options = ModelOptions::with_all_ops();
    options.prepack_weights(true);
    options.load_file(file).map_err(|error| PpocrError::Unusable(error.to_string()))
}

fn ran<T, E: fmt::Display>(result: Result<T, E>) -> Result<T, PpocrError> {
    result.map_err(|error| PpocrError::Failed(error.to_string()))
}
