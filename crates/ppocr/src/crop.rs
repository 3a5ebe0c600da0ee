//! A piece of text cut out of a picture and laid level, as high as the recognition model wants it.
#![expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "pixels are counted in integers and measured in floats; all stay far below 2^24"
)]

use image::RgbImage;

use crate::quad::{Point, Quad};

/// Pixels down, fixed by the model.
pub const HEIGHT: usize = 48;
/// No line of a receipt is longer; wide noise is cut off.
const MAX_WIDTH: usize = HEIGHT * 50;

/// A level piece of text: blue, green and red planes from −1 to 1.
pub struct Crop {
    /// Pixels across.
    pub width: usize,
    /// Three planes of `HEIGHT` rows of `width`.
    pub planes: Vec<f32>,
}

impl Crop {
    /// Cuts `quad` out of `picture`.
    pub fn of(picture: &RgbImage, quad: &Quad) -> Self {
        let height = quad.height().max(1.0);
        let ratio = quad.width() / height;
        let width = ((HEIGHT as f32 * ratio).ceil() as usize).clamp(8, MAX_WIDTH);
        // Several samples a pixel where the text is larger than the model wants it.
        let samples = ((height / HEIGHT as f32).round() as usize).clamp(1, 3);
        let mut planes = vec![0.0; 3 * HEIGHT * width];
        for row in 0..HEIGHT {
            for column in 0..width {
                let pixel = mean(picture, quad, (column, row), width, samples);
                for (plane, value) in [pixel[2], pixel[1], pixel[0]].into_iter().enumerate() {
                    planes[(plane * HEIGHT + row) * width + column] = value / 127.5 - 1.0;
                }
            }
        }
        Self { width, planes }
    }
}

/// The mean colour of a pixel of the crop.
fn mean(
    picture: &RgbImage,
    quad: &Quad,
    (column, row): (usize, usize),
    width: usize,
    samples: usize,
) -> [f32; 3] {
    let mut sum = [0.0; 3];
    let step = 1.0 / samples as f32;
    for down in 0..samples {
        for right in 0..samples {
            let x = (column as f32 + (right as f32 + 0.5) * step) / width as f32;
            let y = (row as f32 + (down as f32 + 0.5) * step) / HEIGHT as f32;
            let colour = colour(picture, quad.at(x, y));
            for (sum, one) in sum.iter_mut().zip(colour) {
                *sum += one;
            }
        }
    }
    sum.map(|it| it / (samples * samples) as f32)
}

/// The colour at a place between pixels; beyond the edge, the edge's.
fn colour(picture: &RgbImage, at: Point) -> [f32; 3] {
    let edge = |it: f32, most: u32| it.clamp(0.0, most.saturating_sub(1) as f32);
    let x = edge(at.x - 0.5, picture.width());
    let y = edge(at.y - 0.5, picture.height());
    let (left, top) = (x as u32, y as u32);
    let right = (left + 1).min(picture.width().saturating_sub(1));
    let below = (top + 1).min(picture.height().saturating_sub(1));
    let (across, down) = (x - left as f32, y - top as f32);
    let pixel = |x: u32, y: u32| picture.get_pixel(x, y).0.map(f32::from);
    let upper = [pixel(left, top), pixel(right, top)];
    let lower = [pixel(left, below), pixel(right, below)];
    let mixed = |one: f32, other: f32, share: f32| one + (other - one) * share;
    std::array::from_fn(|it| {
        let above = mixed(upper[0][it], upper[1][it], across);
        mixed(above, mixed(lower[0][it], lower[1][it], across), down)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Rgb;

    #[test]
    fn a_tilted_piece_is_laid_level() {
        // Red above the diagonal of a square, blue below it.
        let picture =
            RgbImage::from_fn(
                100,
                100,
                |x, y| {
                    if y < x { Rgb([255, 0, 0]) } else { Rgb([0, 0, 255]) }
                },
            );
        let quad = Quad([
            Point { x: 20.0, y: 10.0 },
            Point { x: 90.0, y: 80.0 },
            Point { x: 80.0, y: 90.0 },
            Point { x: 10.0, y: 20.0 },
        ]);
        let crop = Crop::of(&picture, &quad);
        let at = |plane: usize, row: usize| crop.planes[(plane * HEIGHT + row) * crop.width + 40];
        assert!(at(2, 10) > 0.9 && at(0, 10) < -0.9, "red above");
        assert!(at(0, 40) > 0.9 && at(2, 40) < -0.9, "blue below");
    }

    #[test]
    fn a_piece_beyond_the_edge_is_cut_all_the_same() {
        let picture = RgbImage::new(1, 1);
        let corners = [(-5.0, -5.0), (900.0, -5.0), (900.0, 3.0), (-5.0, 3.0)];
        let crop = Crop::of(&picture, &Quad(corners.map(|(x, y)| Point { x, y })));
        assert_eq!(crop.width, MAX_WIDTH);
    }
}
