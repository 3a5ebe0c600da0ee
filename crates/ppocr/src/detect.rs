//! Where text stands: the detection model's map of likely text, cut into rotated boxes (the
//! post-processing of "Differentiable Binarization"). It reads nothing.
#![expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "pixels are counted in integers and measured in floats; all stay far below 2^24"
)]

use std::path::Path;

use image::{RgbImage, imageops};
use rten::Model;
use rten_imageproc::{Point as Corner, RetrievalMode, RotatedRect, find_contours, min_area_rect};
use rten_tensor::{AsView, Layout, NdTensor, NdTensorView};

use crate::quad::{Point, Quad};
use crate::{PpocrError, model, ran};

/// The model wants both sides in multiples of this.
const GRID: u32 = 32;
/// More pixels find no more text on receipts, and cost time and memory in proportion.
const MAX_AREA: f32 = 800_000.0;
/// A narrower picture is enlarged, as the model was trained.
const MIN_SIDE: f32 = 480.0;
/// A pixel is text above this. This and the next three are the published settings of the model.
const IS_TEXT: f32 = 0.3;
/// A box is text when its pixels are, on average.
const IS_BOX: f32 = 0.5;
/// The map shows the core of a text; its box is larger by this share of area / perimeter.
const UNCLIP: f32 = 1.6;
/// Smaller boxes are specks, in pixels of the map.
const MIN_HEIGHT: f32 = 3.0;
/// A page of small print has some 300; noise may have thousands, and time is bounded.
const MAX_BOXES: usize = 500;

/// The detection model.
pub struct Detector {
    model: Model,
}

impl Detector {
    /// Reads the model's file.
    pub fn load(file: &Path) -> Result<Self, PpocrError> {
        Ok(Self { model: model(file)? })
    }

    /// The pieces of text in `picture`, in its pixels, in no order.
    pub fn boxes(&self, picture: &RgbImage) -> Result<Vec<Quad>, PpocrError> {
        let (width, height) = map_size(picture.width(), picture.height());
        let small = imageops::resize(picture, width, height, imageops::FilterType::Triangle);
        let input = planes(&small);
        drop(small);
        let output = ran(self.model.run_one(input.view().into(), None))?;
        let map: NdTensor<f32, 4> = ran(output.try_into())?;
        let across = picture.width() as f32 / width as f32;
        let down = picture.height() as f32 / height as f32;
        Ok(quads(&map.slice((0, 0))).into_iter().map(|it| it.scaled(across, down)).collect())
    }
}

/// The size at which the model looks at a picture.
fn map_size(width: u32, height: u32) -> (u32, u32) {
    let (across, down) = (width as f32, height as f32);
    let enlarge = (MIN_SIDE / across.min(down)).max(1.0);
    let reduce = (MAX_AREA / (across * down)).sqrt();
    let scale = enlarge.min(reduce);
    let side = |it: f32| (((it * scale / GRID as f32).round() as u32) * GRID).max(GRID);
    (side(across), side(down))
}

/// Blue, green and red planes from −1 to 1, as the models were trained.
fn planes(picture: &RgbImage) -> NdTensor<f32, 4> {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let pixels = picture.as_raw();
    let mut data = Vec::with_capacity(3 * width * height);
    for channel in [2, 1, 0] {
        let plane = pixels.iter().skip(channel).step_by(3);
        data.extend(plane.map(|it| f32::from(*it) / 127.5 - 1.0));
    }
    NdTensor::from_data([1, 3, height, width], data)
}

/// The boxes in a map of likelihoods.
fn quads(map: &NdTensorView<f32, 2>) -> Vec<Quad> {
    let mask = mask(map);
    let mut found: Vec<(f32, Quad)> = Vec::new();
    for outline in find_contours(mask.view(), RetrievalMode::List).iter() {
        let points: Vec<_> = outline.iter().map(|it| it.to_f32()).collect();
        let Some(rect) = min_area_rect(&points) else { continue };
        if rect.width().min(rect.height()) < MIN_HEIGHT || likelihood(map, &rect) < IS_BOX {
            continue;
        }
        let (across, down) = (rect.width(), rect.height());
        let grown = across * down * UNCLIP / (across + down);
        let rect = rect.expanded(grown, grown);
        let corners = rect.corners().map(|it: Corner<f32>| Point { x: it.x, y: it.y });
        found.push((rect.area(), Quad::upright(corners)));
    }
    found.sort_by(|a, b| b.0.total_cmp(&a.0));
    found.into_iter().take(MAX_BOXES).map(|it| it.1).collect()
}

/// Which pixels are text, made a pixel wider to the right and below, so that broken letters join.
fn mask(map: &NdTensorView<f32, 2>) -> NdTensor<bool, 2> {
    let [rows, columns] = map.shape();
    let likely = |row: usize, column: usize| map[[row, column]] > IS_TEXT;
    NdTensor::from_fn([rows, columns], |[row, column]| {
        let (above, before) = (row.saturating_sub(1), column.saturating_sub(1));
        likely(row, column) || likely(above, column) || likely(row, before) || likely(above, before)
    })
}

/// The mean of the map within a box.
fn likelihood(map: &NdTensorView<f32, 2>, rect: &RotatedRect) -> f32 {
    let corners = rect.corners();
    let [rows, columns] = map.shape();
    let range = |values: [f32; 4], most: usize| {
        let least = values.into_iter().fold(f32::MAX, f32::min).max(0.0) as usize;
        let end = values.into_iter().fold(0.0, f32::max).ceil() as usize + 1;
        least.min(most)..end.min(most)
    };
    let (mut sum, mut count) = (0.0, 0.0);
    for row in range(corners.map(|it| it.y), rows) {
        for column in range(corners.map(|it| it.x), columns) {
            if rect.contains(Corner::from_yx(row as f32, column as f32)) {
                sum += map[[row, column]];
                count += 1.0;
            }
        }
    }
    if count > 0.0 { sum / count } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_looked_at_in_a_bounded_size() {
        assert_eq!(map_size(4_000, 3_000), (1_024, 768));
        assert_eq!(map_size(800, 600), (800, 608));
        assert_eq!(map_size(200, 400), (480, 960));
        assert_eq!(map_size(1, 1), (480, 480));
        let (width, height) = map_size(50_000, 10);
        assert!(width * height <= 5_000_000, "{width} × {height}");
    }

    #[test]
    fn likely_pixels_become_a_box_and_a_speck_does_not() {
        let map = NdTensor::from_fn([100, 200], |[row, column]| {
            let text = (40..50).contains(&row) && (20..120).contains(&column);
            let speck = row == 80 && column == 150;
            if text || speck { 0.9 } else { 0.01 }
        });
        let found = quads(&map.view());
        assert_eq!(found.len(), 1);
        let (width, height) = (found[0].width(), found[0].height());
        assert!((105.0..125.0).contains(&width) && (18.0..30.0).contains(&height), "{found:?}");
    }
}
