//! Which way is up. A page that lies on its side has tall boxes; one that stands on its head is
//! hardly read. A few pieces read another way round decide; the difference is never close.

use image::{RgbImage, imageops};

use crate::layout::Piece;
use crate::quad::Quad;
use crate::{Limit, Ppocr, PpocrError};

/// Pieces that are read to tell which way is up.
const SAMPLE: usize = 6;
/// Upright text is read more surely than this, text on its head less.
const UPRIGHT: f32 = 0.85;

/// A picture turned, with the text that is in it.
struct Turned {
    picture: RgbImage,
    boxes: Vec<Quad>,
    sure: f32,
}

impl Ppocr {
    /// The pieces of text of `picture`, read the way round that gives sense.
    pub(crate) fn upright(
        &self,
        picture: &RgbImage,
        boxes: Vec<Quad>,
        limit: Limit,
    ) -> Result<Vec<Piece>, PpocrError> {
        if lies_on_its_side(&boxes) {
            let one = self.turned(imageops::rotate90(picture), limit)?;
            let other = self.turned(imageops::rotate270(picture), limit)?;
            let best = if one.sure > other.sure { one } else { other };
            return self.pieces(&best.picture, best.boxes, limit);
        }
        let pieces = self.pieces(picture, boxes, limit)?;
        let sure = sureness(&pieces);
        if pieces.is_empty() || sure >= UPRIGHT {
            return Ok(pieces);
        }
        let turned = self.turned(imageops::rotate180(picture), limit)?;
        if turned.sure <= sure {
            return Ok(pieces);
        }
        self.pieces(&turned.picture, turned.boxes, limit)
    }

    /// How surely the longest pieces are read in a picture that was turned.
    fn turned(&self, picture: RgbImage, limit: Limit) -> Result<Turned, PpocrError> {
        let boxes = self.detector.boxes(&picture)?;
        let mut longest = boxes.clone();
        longest.sort_by(|a, b| b.width().total_cmp(&a.width()));
        longest.truncate(SAMPLE);
        let sure = sureness(&self.pieces(&picture, longest, limit)?);
        Ok(Turned { picture, boxes, sure })
    }
}

/// The mean confidence of the longest pieces, from 0 to 1.
fn sureness(pieces: &[Piece]) -> f32 {
    let mut longest: Vec<&Piece> = pieces.iter().collect();
    longest.sort_by(|a, b| b.quad.width().total_cmp(&a.quad.width()));
    let sure = longest.into_iter().take(SAMPLE).map(Piece::sure);
    let (sum, count) = sure.fold((0.0, 0.0), |(sum, count), it| (sum + it, count + 1.0));
    if count > 0.0 { sum / count } else { 0.0 }
}

/// Whether over half of the boxes are clearly taller than wide.
fn lies_on_its_side(boxes: &[Quad]) -> bool {
    let tall = boxes.iter().filter(|it| it.height() > 1.3 * it.width()).count();
    tall * 2 > boxes.len()
}
