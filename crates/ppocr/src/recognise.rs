//! What pieces of text say: the recognition model on batches of crops, its answer decoded letter
//! by letter (CTC). It knows no language.
#![expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "columns and letters are counted in integers and measured in floats, far below 2^24"
)]

use std::path::Path;

use rten::Model;
use rten_tensor::{AsView, Layout, NdTensor};

use crate::crop::{Crop, HEIGHT};
use crate::{Limit, PpocrError, model, ran};

/// Crops in one run: more save little and take memory.
const BATCH: usize = 8;
/// Narrower crops are filled up to this.
const MIN_WIDTH: usize = 48;
/// Where the model's file keeps its letters.
const LETTERS: &str = "character";

/// The recognition model with its letters.
pub struct Recogniser {
    model: Model,
    letters: Vec<String>,
}

/// One letter as read.
#[derive(Clone, Debug)]
pub struct Letter {
    /// Mostly one character.
    pub text: String,
    /// From 0 to 1.
    pub sure: f32,
    /// Where it stands, as a share of the crop's width.
    pub at: f32,
}

impl Recogniser {
    /// Reads the model's file, and the letters in it.
    pub fn load(file: &Path) -> Result<Self, PpocrError> {
        let model = model(file)?;
        let letters: Vec<String> =
            model.metadata().get(LETTERS).unwrap_or_default().lines().map(str::to_owned).collect();
        if letters.is_empty() {
            return Err(PpocrError::Unusable("it has no letters".into()));
        }
        Ok(Self { model, letters })
    }

    /// What each crop says, in their order. Ends early with an error when `limit` is over.
    pub fn read(&self, crops: &[Crop], limit: Limit) -> Result<Vec<Vec<Letter>>, PpocrError> {
        let mut order: Vec<usize> = (0..crops.len()).collect();
        // Neighbours of one width: little is filled up for nothing.
        order.sort_by_key(|it| crops[*it].width);
        let mut out = vec![Vec::new(); crops.len()];
        for batch in order.chunks(BATCH) {
            limit.check()?;
            let width = batch.iter().map(|it| crops[*it].width).max().unwrap_or(0).max(MIN_WIDTH);
            let output = ran(self.model.run_one(filled(crops, batch, width).view().into(), None))?;
            let likely: NdTensor<f32, 3> = ran(output.try_into())?;
            let [_, columns, classes] = likely.shape();
            if classes != self.letters.len() + 2 {
                let named = self.letters.len();
                let problem = format!("it tells {classes} letters apart and names {named}");
                return Err(PpocrError::Unusable(problem));
            }
            let likely = likely.to_vec();
            for (rows, at) in likely.chunks_exact((columns * classes).max(1)).zip(batch) {
                let share = crops[*at].width as f32 / width as f32;
                out[*at] = self.decode(rows, classes, share);
            }
        }
        Ok(out)
    }

    /// The likeliest letter of each column, repetitions and blanks left out.
    fn decode(&self, likely: &[f32], classes: usize, share: f32) -> Vec<Letter> {
        let columns = likely.len() / classes;
        let mut out = Vec::new();
        let mut before = 0;
        for (column, row) in likely.chunks_exact(classes).enumerate() {
            let (class, sure) = likeliest(row);
            if class != 0 && class != before {
                let at = (column as f32 + 0.5) / columns as f32 / share;
                out.push(Letter { text: self.letter(class), sure, at: at.min(1.0) });
            }
            before = class;
        }
        out
    }

    /// 0 is the blank; the one after the last letter is the space.
    fn letter(&self, class: usize) -> String {
        self.letters.get(class - 1).cloned().unwrap_or_else(|| " ".to_owned())
    }
}

/// Which class, and how likely it is.
fn likeliest(row: &[f32]) -> (usize, f32) {
    let most = row.iter().copied().fold(0.0, f32::max);
    (row.iter().position(|it| *it >= most).unwrap_or(0), most)
}

/// A batch side by side, filled up with grey.
fn filled(crops: &[Crop], batch: &[usize], width: usize) -> NdTensor<f32, 4> {
    let mut data = vec![0.0; batch.len() * 3 * HEIGHT * width];
    for (rows, at) in data.chunks_exact_mut(3 * HEIGHT * width).zip(batch) {
        let crop = &crops[*at];
        for (to, from) in rows.chunks_exact_mut(width).zip(crop.planes.chunks_exact(crop.width)) {
            to[..crop.width].copy_from_slice(from);
        }
    }
    NdTensor::from_data([batch.len(), 3, HEIGHT, width], data)
}
