//! Photos that are all different and that say which they are: behind the end of the picture, where no
//! decoder looks, stands their number.

use std::io::Cursor;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType;

const RECEIPT: &[u8] = include_bytes!("../../../demo/photos/cafe.jpg");

/// The paid engine's API makes larger pictures smaller, and so does Paragon before it sends them.
const LONG_EDGE: u32 = 1500;

/// Digits of a number.
const MARK: usize = 20;

/// A photo of a receipt as `WhatsApp` sends it, some 220 kB, without its number.
pub fn receipt() -> image::ImageResult<Vec<u8>> {
    let picture = image::load_from_memory(RECEIPT)?;
    let picture = picture.resize(LONG_EDGE, LONG_EDGE, FilterType::Triangle).into_rgb8();
    let mut bytes = Cursor::new(Vec::new());
    JpegEncoder::new_with_quality(&mut bytes, 85).encode_image(&picture)?;
    Ok(bytes.into_inner())
}

/// Bytes that begin like a JPEG, and that nobody can make smaller.
pub fn noise(bytes: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let next = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    });
    let mut noise: Vec<u8> = next.flatten().take(bytes - MARK).collect();
    noise[..4].copy_from_slice(b"\xff\xd8\xff\xe0");
    noise
}

/// What stands behind the photo with this number.
pub fn mark(number: usize) -> String {
    format!("{number:0MARK$}")
}

/// The number of the photo that ends the base64 text.
pub fn number_of(base64: &[u8]) -> Option<usize> {
    // A group of four characters is three bytes; the last may be filled up.
    let groups = MARK.div_ceil(3) + 2;
    let tail = STANDARD.decode(base64.get(base64.len().checked_sub(4 * groups)?..)?).ok()?;
    let mark = tail.get(tail.len().checked_sub(MARK)?..)?;
    std::str::from_utf8(mark).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_photo_in_base64_says_its_number_however_long_it_is() {
        for length in 60..70 {
            let photo = [noise(length), mark(4_711).into_bytes()].concat();
            assert_eq!(number_of(STANDARD.encode(photo).as_bytes()), Some(4_711), "{length}");
        }
        assert_eq!(number_of(b""), None);
        assert_eq!(number_of(STANDARD.encode(noise(200)).as_bytes()), None);
    }
}
