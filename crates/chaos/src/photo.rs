//! Photos that are all different and that say which they are: a real one, of a size that the paid engine
//! takes as it is, with the number of its message behind its end, where no decoder looks.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType;
use serde_json::{Value, json};

use crate::story::What;

const RECEIPT: &[u8] = include_bytes!("../../../demo/photos/cafe.jpg");
const CAT: &[u8] = include_bytes!("../../../demo/photos/cat.jpg");
const MARK: &[u8] = b" chaos ";

/// The API makes larger pictures smaller, and so does Paragon before it sends them.
const LONG_EDGE: u32 = 1500;

/// The two pictures.
pub struct Photos {
    receipt: Vec<u8>,
    cat: Vec<u8>,
}

impl Photos {
    /// Takes some hundred milliseconds.
    pub fn develop() -> image::ImageResult<Self> {
        Ok(Self { receipt: fitted(RECEIPT)?, cat: fitted(CAT)? })
    }

    /// The photo of message `number`.
    pub fn of(&self, what: What, number: usize) -> Vec<u8> {
        let picture = if what.is_receipt() { &self.receipt } else { &self.cat };
        [picture, MARK, number.to_string().as_bytes()].concat()
    }
}

fn fitted(photo: &[u8]) -> image::ImageResult<Vec<u8>> {
    let picture = image::load_from_memory(photo)?;
    let picture = picture.resize(LONG_EDGE, LONG_EDGE, FilterType::Triangle).into_rgb8();
    let mut bytes = Cursor::new(Vec::new());
    JpegEncoder::new_with_quality(&mut bytes, 85).encode_image(&picture)?;
    Ok(bytes.into_inner())
}

/// The number of the message whose photo this is.
pub fn number(bytes: &[u8]) -> Option<usize> {
    let tail = bytes.get(bytes.len().saturating_sub(32)..)?;
    let at = tail.windows(MARK.len()).position(|it| it == MARK)?;
    std::str::from_utf8(&tail[at + MARK.len()..]).ok()?.parse().ok()
}

/// What the paid engine sees on it. `date` is printed on every receipt.
pub fn reading(what: What, date: &str) -> Value {
    let total = match what {
        What::Receipt(pence) => Some(format!("{}.{:02}", pence / 100, pence % 100)),
        What::Unsure => None,
        What::Cat | What::Text | What::Sticker | What::Reaction => {
            return json!({ "is_receipt": false });
        }
    };
    json!({
        "is_receipt": true, "merchant": "The Copper Kettle", "total": total, "currency": "GBP",
        "date": date, "category": "meals", "tax": null, "country": "GB",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_photo_says_whose_it_is() {
        let photos = Photos::develop().unwrap();
        assert_eq!(number(&photos.of(What::Receipt(1), 9_876)), Some(9_876));
        assert_ne!(photos.of(What::Cat, 1), photos.of(What::Receipt(1), 1));
        assert_eq!(number(RECEIPT), None);
    }
}
