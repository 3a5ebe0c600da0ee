//! What a file is, by its first bytes, and whether a phone would send it. Names and declared types
//! are not believed.

use super::handset::MediumKind;
use super::refusal::Refusal;

/// Meta's limit for photos.
const PHOTO_MAX_BYTES: usize = 5 * 1024 * 1024;

/// The most that is taken of anything.
pub(super) const MAX_BYTES: usize = 16 * 1024 * 1024;

/// All phones together: photos are held in memory.
pub(super) const ALL_MAX_BYTES: usize = 256 * 1024 * 1024;

/// How a file travels: as a photo, which is JPEG or PNG to Meta, or else as a document; and its
/// type.
pub(super) fn kind_of(bytes: &[u8], name: &str) -> Result<(MediumKind, &'static str), Refusal> {
    if bytes.is_empty() {
        return Err(Refusal::EmptyFile);
    }
    if bytes.len() > MAX_BYTES {
        return Err(Refusal::TooLarge);
    }
    let found = match bytes {
        [0xff, 0xd8, 0xff, ..] => (MediumKind::Photo, "image/jpeg"),
        [0x89, b'P', b'N', b'G', ..] => (MediumKind::Photo, "image/png"),
        [b'%', b'P', b'D', b'F', ..] => (MediumKind::Document, "application/pdf"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => {
            (MediumKind::Document, "image/webp")
        }
        [_, _, _, _, b'f', b't', b'y', b'p', brand @ ..] if is_heif(brand) => {
            (MediumKind::Document, "image/heic")
        }
        _ => return Err(Refusal::NeitherPhotoNorPdf { name: name.to_owned() }),
    };
    if found.0 == MediumKind::Photo && bytes.len() > PHOTO_MAX_BYTES {
        return Err(Refusal::PhotoTooLarge { size_bytes: bytes.len() });
    }
    Ok(found)
}

fn is_heif(brand: &[u8]) -> bool {
    [b"heic", b"heix", b"hevc", b"mif1", b"msf1"].iter().any(|it| brand.starts_with(*it))
}

/// A file's name as it may be shown and sent: its last part, short, without control characters.
pub(super) fn plain_name(given: Option<&str>) -> String {
    let last = given.unwrap_or_default().rsplit(['/', '\\']).next().unwrap_or_default();
    let name: String = last.chars().filter(|it| !it.is_control()).take(120).collect();
    if name.trim().is_empty() { "receipt".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], expected: Result<&str, &str>) {
        let found = kind_of(bytes, "a.file");
        let told = found.map(|(_, mime)| mime.to_owned()).map_err(|it| format!("{it:?}"));
        assert_eq!(told.as_deref().map_err(|it| it.split(' ').next().unwrap()), expected);
    }

    #[test]
    fn a_file_is_what_its_first_bytes_say() {
        check(b"\xff\xd8\xff\xe0 and so on", Ok("image/jpeg"));
        check(b"\x89PNG\r\n\x1a\n", Ok("image/png"));
        check(b"%PDF-1.7", Ok("application/pdf"));
        check(b"RIFF\x00\x00\x00\x00WEBPVP8 ", Ok("image/webp"));
        check(b"\x00\x00\x00\x18ftypheic\x00", Ok("image/heic"));
        check(b"\x00\x00\x00\x18ftypmp42\x00", Err("NeitherPhotoNorPdf"));
        check(b"RIFF\x00\x00\x00\x00WAVEfmt ", Err("NeitherPhotoNorPdf"));
        check(b"GIF89a", Err("NeitherPhotoNorPdf"));
        check(b"", Err("EmptyFile"));
    }

    #[test]
    fn a_photo_that_whatsapp_would_not_take_is_too_large_as_a_photo_only() {
        let padded = |head: &[u8], size: usize| [head, &vec![0; size - head.len()]].concat();
        check(&padded(b"\xff\xd8\xff", PHOTO_MAX_BYTES), Ok("image/jpeg"));
        check(&padded(b"\xff\xd8\xff", PHOTO_MAX_BYTES + 1), Err("PhotoTooLarge"));
        check(&padded(b"%PDF", PHOTO_MAX_BYTES + 1), Ok("application/pdf"));
        check(&padded(b"%PDF", MAX_BYTES + 1), Err("TooLarge"));
    }

    #[test]
    fn a_name_is_its_last_part() {
        assert_eq!(plain_name(Some("C:\\photos\\my receipt.jpg")), "my receipt.jpg");
        assert_eq!(plain_name(Some("../../etc/passwd\n")), "passwd");
        assert_eq!(plain_name(Some("/")), "receipt");
        assert_eq!(plain_name(None), "receipt");
    }
}
