//! Whether two photos show the same thing, as far as a perceptual hash can tell: taken twice, sent
//! again by another app, compressed anew. Evidence beside what was read, and never without it: two
//! receipts of one till look much alike.

use image::DynamicImage;
use image_hasher::{HashAlg, HasherConfig};

use super::picture::{NotAPicture, Picture};

/// Bits on an edge of the hash.
const EDGE: u32 = 16;

/// Of 256 bits so many may differ: a tenth.
const DIFFER_AT_MOST: u32 = 25;

/// More of a photo than this tells the hash nothing.
const LONG_EDGE: u32 = 512;

/// Whether photos `one` and `other` look the same. Decodes both: some 40 ms of CPU each, to be spent
/// off the async threads.
pub fn look_alike(one: &[u8], other: &[u8]) -> Result<bool, NotAPicture> {
    let hasher =
        HasherConfig::new().hash_alg(HashAlg::DoubleGradient).hash_size(EDGE, EDGE).to_hasher();
    let hash = |bytes: &[u8]| {
        let grey = Picture::open(bytes)?.grey(LONG_EDGE)?;
        Ok(hasher.hash_image(&DynamicImage::ImageLuma8(grey)))
    };
    Ok(hash(one)?.dist(&hash(other)?) <= DIFFER_AT_MOST)
}

#[cfg(test)]
mod tests {
    use image::codecs::jpeg::JpegEncoder;
    use image::imageops::FilterType;

    use super::*;

    const CAFE: &[u8] = include_bytes!("../../demo/photos/cafe.jpg");
    const POTRAVINY: &[u8] = include_bytes!("../../demo/photos/potraviny.jpg");
    const TANKSTELLE: &[u8] = include_bytes!("../../demo/photos/tankstelle.jpg");

    /// As another app would send it on.
    fn sent_on(photo: &[u8], quality: u8) -> Vec<u8> {
        let image = image::load_from_memory(photo).unwrap();
        let small = image.resize(900, 900, FilterType::Triangle);
        let mut bytes = Vec::new();
        JpegEncoder::new_with_quality(&mut bytes, quality).encode_image(&small).unwrap();
        bytes
    }

    #[test]
    fn a_photo_that_was_sent_on_looks_the_same_and_another_receipt_does_not() {
        let photos = [CAFE, POTRAVINY, TANKSTELLE];
        for (place, one) in photos.iter().enumerate() {
            assert!(look_alike(one, &sent_on(one, 50)).unwrap(), "{place}");
            for other in photos.iter().skip(place + 1) {
                assert!(!look_alike(one, &sent_on(other, 80)).unwrap(), "{place}");
            }
        }
    }

    #[test]
    fn what_is_no_picture_looks_like_nothing() {
        assert!(look_alike(CAFE, b"%PDF-1.7").is_err());
    }
}
