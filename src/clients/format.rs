//! What bytes are, by their first few. Decodes nothing.

/// A format that a receipt can come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Jpeg,
    Png,
    Webp,
    Heic,
    Pdf,
}

impl Format {
    /// The format of `bytes`; `None` for everything that no receipt comes in.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0xff, 0xd8, 0xff, ..] => Some(Self::Jpeg),
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some(Self::Png),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(Self::Webp),
            [_, _, _, _, b'f', b't', b'y', b'p', brand @ ..] if is_heic(brand) => Some(Self::Heic),
            _ if starts_a_pdf(bytes) => Some(Self::Pdf),
            _ => None,
        }
    }

    /// The one name of this format, for other APIs and for our tables.
    pub fn mime(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Webp => "image/webp",
            Self::Heic => "image/heic",
            Self::Pdf => "application/pdf",
        }
    }

    /// Whether bytes of this format may call themselves `mime`: a picture is no PDF and a PDF no
    /// picture. Any other mime says nothing (phones send PDFs as `application/octet-stream`) and
    /// so excludes nothing.
    pub fn may_be_called(self, mime: &str) -> bool {
        let mime = mime.trim().to_ascii_lowercase();
        match self {
            Self::Pdf => !mime.starts_with("image/"),
            Self::Jpeg | Self::Png | Self::Webp | Self::Heic => {
                !mime.starts_with("application/pdf")
            }
        }
    }
}

fn is_heic(brand: &[u8]) -> bool {
    const BRANDS: [&[u8]; 8] =
        [b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"];
    BRANDS.iter().any(|it| brand.starts_with(it))
}

/// Readers accept a PDF whose header stands somewhere in the first kilobyte.
fn starts_a_pdf(bytes: &[u8]) -> bool {
    bytes[..bytes.len().min(1024)].windows(5).any(|it| it == b"%PDF-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receipt_comes_as_a_picture_or_a_pdf() {
        let check = |bytes: &[u8], format: Format, mime: &str| {
            assert_eq!(Format::of(bytes), Some(format));
            assert_eq!(format.mime(), mime);
        };
        check(b"\xff\xd8\xff\xe0", Format::Jpeg, "image/jpeg");
        check(b"\x89PNG\r\n\x1a\n...", Format::Png, "image/png");
        check(b"RIFF\x10\0\0\0WEBPVP8 ", Format::Webp, "image/webp");
        check(b"\0\0\0\x18ftypheic\0\0\0\0", Format::Heic, "image/heic");
        check(b"%PDF-1.7", Format::Pdf, "application/pdf");
        check(b"\xef\xbb\xbf\n%PDF-1.4", Format::Pdf, "application/pdf");
        for other in [&b""[..], b"\xff\xd8", b"GIF89a", b"<html>", b"MZ", b"\0\0\0\x18ftypmp42"] {
            assert_eq!(Format::of(other), None);
        }
    }

    #[test]
    fn a_pdf_may_begin_anywhere_in_its_first_kilobyte() {
        let after = |blanks: usize| [vec![b' '; blanks], b"%PDF-1.7".to_vec()].concat();
        assert_eq!(Format::of(&after(1024 - 5)), Some(Format::Pdf));
        assert_eq!(Format::of(&after(1024 - 4)), None);
    }

    #[test]
    fn a_pdf_does_not_pass_for_a_photo() {
        assert!(Format::Jpeg.may_be_called("image/jpeg"));
        assert!(Format::Png.may_be_called("image/jpeg"));
        assert!(Format::Jpeg.may_be_called("application/octet-stream"));
        assert!(Format::Pdf.may_be_called("application/pdf; charset=binary"));
        assert!(!Format::Pdf.may_be_called("image/jpeg"));
        assert!(!Format::Jpeg.may_be_called("application/pdf"));
    }
}
