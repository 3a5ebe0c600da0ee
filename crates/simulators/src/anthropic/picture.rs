//! What can be told of a picture without decoding it: its format and its edges. Enough to refuse
//! what Anthropic refuses.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// The bytes of a request's first picture.
pub(crate) fn first(request: &Value) -> Option<Vec<u8>> {
    let messages = request["messages"].as_array()?;
    let mut blocks = messages.iter().filter_map(|it| it["content"].as_array()).flatten();
    let picture = blocks.find(|it| it["type"] == "image")?;
    STANDARD.decode(picture["source"]["data"].as_str()?).ok()
}

/// Media type by the first bytes, if it is one that the API takes.
pub(crate) fn media_type(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some("image/png"),
        [b'G', b'I', b'F', b'8', ..] => Some("image/gif"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        _ => None,
    }
}

/// Width and height in pixels as the header declares them; `None` where it cannot be told.
pub(crate) fn edges(bytes: &[u8]) -> Option<(u32, u32)> {
    match media_type(bytes)? {
        "image/jpeg" => jpeg(bytes),
        "image/png" => Some((big(bytes.get(16..20)?), big(bytes.get(20..24)?))),
        "image/gif" => Some((little(bytes.get(6..8)?), little(bytes.get(8..10)?))),
        _ => webp(bytes),
    }
}

/// Walks the segments up to the start of frame.
fn jpeg(bytes: &[u8]) -> Option<(u32, u32)> {
    let mut rest = bytes.get(2..)?;
    loop {
        let marker = match rest {
            // Any number of 0xff may fill the space before a marker.
            [0xff, 0xff, ..] => {
                rest = &rest[1..];
                continue;
            }
            [0xff, marker, ..] => *marker,
            _ => return None,
        };
        let length = usize::try_from(big(rest.get(2..4)?)).ok()?;
        match marker {
            0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf => {
                return Some((big(rest.get(7..9)?), big(rest.get(5..7)?)));
            }
            _ => rest = rest.get(2 + length..)?,
        }
    }
}

fn webp(bytes: &[u8]) -> Option<(u32, u32)> {
    match bytes.get(12..16)? {
        b"VP8X" => Some((1 + little(bytes.get(24..27)?), 1 + little(bytes.get(27..30)?))),
        b"VP8 " => {
            let edge = |bytes: &[u8]| little(bytes) & 0x3fff;
            Some((edge(bytes.get(26..28)?), edge(bytes.get(28..30)?)))
        }
        b"VP8L" => {
            let bits = little(bytes.get(21..25)?);
            Some((1 + (bits & 0x3fff), 1 + ((bits >> 14) & 0x3fff)))
        }
        _ => None,
    }
}

fn big(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |sum, byte| (sum << 8) | u32::from(*byte))
}

fn little(bytes: &[u8]) -> u32 {
    bytes.iter().rev().fold(0, |sum, byte| (sum << 8) | u32::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], expected: Option<(u32, u32)>) {
        assert_eq!(edges(bytes), expected);
    }

    #[test]
    fn a_jpegs_edges_are_found_behind_other_segments() {
        let frame = [0xff, 0xc2, 0, 11, 8, 0x1f, 0x41, 0x00, 0x07, 1, 1, 0x11, 0];
        let before = [0xff, 0xd8, 0xff, 0xe0, 0, 4, 0xff, 0xc0, 0xff];
        check(&[&before[..], &frame].concat(), Some((7, 8001)));
        check(&before, None);
    }

    #[test]
    fn the_other_formats_say_it_in_their_first_bytes() {
        let png = [&b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"[..], &[0, 0, 1, 2, 0, 0, 0, 3]].concat();
        check(&png, Some((258, 3)));
        check(b"GIF89a\x02\x01\x03\x00", Some((258, 3)));
        let vp8x = [&b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0"[..], &[1, 1, 0, 2, 0, 0]].concat();
        check(&vp8x, Some((258, 3)));
        check(b"%PDF-1.7", None);
    }
}
