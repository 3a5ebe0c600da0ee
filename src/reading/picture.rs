//! A photo under limits: what it is by its first bytes, its size before its pixels, upright as
//! the camera was held, scaled and encoded for whoever reads it.
//! Nothing here is async and nothing is kept: run it off the async threads. PDF and HEIC are named,
//! not decoded: `scan` opens them.

use std::{fmt, io::Cursor, sync::Arc};

use image::{
    DynamicImage, GrayImage, ImageDecoder, ImageFormat, ImageReader, Limits, RgbImage,
    codecs::jpeg::JpegEncoder, imageops, metadata::Orientation,
};

/// More than any phone's camera makes, in pixels.
const MAX_PIXELS: u64 = 50_000_000;
/// Fewer pixels on a side hold no text.
const MIN_SIDE: u32 = 16;
/// What decoding may take, in bytes: 50 megapixels in colour, and room for the decoder.
const MAX_ALLOC: u64 = 256 * 1024 * 1024;

/// Why bytes are not a picture that can be read. Asking again will not help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAPicture {
    /// Zero bytes.
    #[error("the file is empty")]
    Empty,
    /// A PDF document, which is opened otherwise.
    #[error("the file is a PDF document and no picture")]
    Pdf,
    /// A PDF document with a password.
    #[error("the document is locked with a password")]
    Locked,
    /// The format of iPhones, which is opened otherwise.
    #[error("the file is a HEIC picture, which has to be converted first")]
    Heic,
    /// None of these, by its first bytes.
    #[error("the file is neither a JPEG, PNG, WebP or HEIC picture nor a PDF document")]
    UnknownFormat,
    /// Its header says more pixels than we decode.
    #[error("the picture has {width} × {height} pixels, which is too many")]
    TooLarge {
        /// Pixels across.
        width: u32,
        /// Pixels down.
        height: u32,
    },
    /// Its header says fewer pixels than a letter has.
    #[error("the picture has {width} × {height} pixels, which is too few")]
    TooSmall {
        /// Pixels across.
        width: u32,
        /// Pixels down.
        height: u32,
    },
    /// The program that opens such files is not on this machine: says what to install.
    #[error("{0}")]
    NoConverter(&'static str),
    /// Opening it took longer than any honest file does.
    #[error("opening the file took too long")]
    TooSlow,
    /// Cut short or damaged.
    #[error("the file is damaged")]
    Broken,
}

/// What a reader of pictures can take.
#[derive(Clone, Copy, Debug)]
pub struct Fit {
    /// Pixels of the longer side.
    pub long_edge: u32,
    /// Bytes of the file itself (3 bytes are 4 in base64).
    pub bytes: usize,
}

impl Fit {
    /// The Messages API: 1,568 px (more is scaled down there), 5 MB counted on base64.
    pub const ANTHROPIC: Self = Self { long_edge: 1_568, bytes: 5_000_000 / 4 * 3 };
}

/// A picture made to fit: its bytes and what they are.
#[derive(Clone)]
pub struct Fitted {
    /// The file.
    pub bytes: Arc<[u8]>,
    /// `image/jpeg`, `image/png` or `image/webp`.
    pub media_type: &'static str,
}

/// Whether the bytes are a PDF document, by the first of them.
pub fn is_pdf(bytes: &[u8]) -> bool {
    sniff(bytes) == Err(NotAPicture::Pdf)
}

/// A picture whose header has been read: format, size and orientation are known and allowed.
/// Cheap to clone.
#[derive(Clone)]
pub struct Picture {
    bytes: Arc<[u8]>,
    format: ImageFormat,
    orientation: Orientation,
    width: u32,
    height: u32,
}

impl Picture {
    /// Looks at the first bytes and the header; decodes nothing.
    pub fn open(bytes: impl Into<Arc<[u8]>>) -> Result<Self, NotAPicture> {
        let bytes = bytes.into();
        let format = sniff(&bytes)?;
        let mut decoder = decoder(&bytes, format)?;
        let (width, height) = decoder.dimensions();
        if u64::from(width) * u64::from(height) > MAX_PIXELS || decoder.total_bytes() > MAX_ALLOC {
            return Err(NotAPicture::TooLarge { width, height });
        }
        if width.min(height) < MIN_SIDE {
            return Err(NotAPicture::TooSmall { width, height });
        }
        let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
        drop(decoder);
        Ok(Self { bytes, format, orientation, width, height })
    }

    /// Pixels of the longer side, as stored.
    pub fn long_edge(&self) -> u32 {
        self.width.max(self.height)
    }

    /// The same, for one that was turned upright already, whatever its EXIF still says.
    #[must_use]
    pub fn turned_already(self) -> Self {
        Self { orientation: Orientation::NoTransforms, ..self }
    }

    /// The bytes that it was opened from.
    pub fn original(&self) -> &[u8] {
        &self.bytes
    }

    /// The picture for a reader with limits: the very bytes where format, orientation and size
    /// already fit (nothing is decoded then), else a new JPEG.
    pub fn fit(&self, fit: Fit) -> Result<Fitted, NotAPicture> {
        let upright = self.orientation == Orientation::NoTransforms;
        if upright && self.long_edge() <= fit.long_edge && self.bytes.len() <= fit.bytes {
            let bytes = Arc::clone(&self.bytes);
            return Ok(Fitted { bytes, media_type: self.format.to_mime_type() });
        }
        let mut edge = fit.long_edge;
        let mut picture = shrunk(self.upright()?, edge).to_rgb8();
        loop {
            for quality in [85, 70] {
                let bytes = jpeg(&picture, quality)?;
                if bytes.len() <= fit.bytes || edge < 64 {
                    return Ok(Fitted { bytes: bytes.into(), media_type: "image/jpeg" });
                }
            }
            edge = edge / 4 * 3;
            picture = shrunk(DynamicImage::ImageRgb8(picture), edge).to_rgb8();
        }
    }

    /// Grey, upright, no side longer than `long_edge`: what a local engine reads.
    pub fn grey(&self, long_edge: u32) -> Result<GrayImage, NotAPicture> {
        Ok(shrunk(self.upright()?, long_edge).into_luma8())
    }

    /// In colour, upright, of at most so many pixels: a long receipt keeps its width.
    pub fn colour(&self, pixels: u64) -> Result<RgbImage, NotAPicture> {
        let upright = self.upright()?;
        let (width, height) = (u64::from(upright.width()), u64::from(upright.height()));
        let long = width.max(height);
        // The longer side at which the area is right.
        let fitting = (pixels * long / width.min(height).max(1)).isqrt();
        let long_edge = u32::try_from(fitting).unwrap_or(u32::MAX);
        Ok(shrunk(upright, long_edge).into_rgb8())
    }

    /// All pixels, turned as the camera was held, transparency on white.
    fn upright(&self) -> Result<DynamicImage, NotAPicture> {
        let decoder = decoder(&self.bytes, self.format)?;
        let mut picture = DynamicImage::from_decoder(decoder).map_err(|_| NotAPicture::Broken)?;
        picture.apply_orientation(self.orientation);
        Ok(if picture.color().has_alpha() { on_white(&picture) } else { picture })
    }
}

/// Shows its size and format only: a picture stays out of logs.
impl fmt::Debug for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Picture({}×{}, {:?})", self.width, self.height, self.format)
    }
}

/// Shows its size only.
impl fmt::Debug for Fitted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fitted({} bytes, {})", self.bytes.len(), self.media_type)
    }
}

/// What the first bytes say; the sender's word for it (the mime type) is not asked.
fn sniff(bytes: &[u8]) -> Result<ImageFormat, NotAPicture> {
    let brand = bytes.get(4..12).unwrap_or_default();
    match bytes {
        [] => Err(NotAPicture::Empty),
        [0xff, 0xd8, 0xff, ..] => Ok(ImageFormat::Jpeg),
        [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, ..] => Ok(ImageFormat::Png),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Ok(ImageFormat::WebP),
        _ if HEIC_BRANDS.contains(&brand) => Err(NotAPicture::Heic),
        // Readers accept a PDF whose header stands somewhere in the first kilobyte.
        _ if bytes[..bytes.len().min(1024)].windows(5).any(|it| it == b"%PDF-") => {
            Err(NotAPicture::Pdf)
        }
        _ => Err(NotAPicture::UnknownFormat),
    }
}

const HEIC_BRANDS: [&[u8]; 6] =
    [b"ftypheic", b"ftypheix", b"ftyphevc", b"ftypmif1", b"ftypmsf1", b"ftypheim"];

fn decoder(bytes: &[u8], format: ImageFormat) -> Result<impl ImageDecoder + '_, NotAPicture> {
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_ALLOC);
    reader.limits(limits);
    reader.into_decoder().map_err(|_| NotAPicture::Broken)
}

fn shrunk(picture: DynamicImage, long_edge: u32) -> DynamicImage {
    if picture.width().max(picture.height()) <= long_edge {
        return picture;
    }
    picture.resize(long_edge, long_edge, imageops::FilterType::Triangle)
}

fn on_white(picture: &DynamicImage) -> DynamicImage {
    let flat = |channel: u8, alpha: u8| {
        let mixed = (u16::from(channel) * u16::from(alpha) + 255 * (255 - u16::from(alpha))) / 255;
        u8::try_from(mixed).unwrap_or(u8::MAX)
    };
    let mut out = RgbImage::new(picture.width(), picture.height());
    for (to, from) in out.pixels_mut().zip(picture.to_rgba8().pixels()) {
        let [r, g, b, alpha] = from.0;
        to.0 = [flat(r, alpha), flat(g, alpha), flat(b, alpha)];
    }
    DynamicImage::ImageRgb8(out)
}

fn jpeg(picture: &RgbImage, quality: u8) -> Result<Vec<u8>, NotAPicture> {
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, quality)
        .encode_image(picture)
        .map_err(|_| NotAPicture::Broken)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{ImageEncoder, Luma, Rgb, codecs::png::PngEncoder};

    fn png(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        let picture = RgbImage::from_fn(width, height, |x, _| {
            if x < width / 2 { Rgb([255, 0, 0]) } else { Rgb([0, 0, 0]) }
        });
        picture.write_to(&mut bytes, ImageFormat::Png).unwrap();
        bytes.into_inner()
    }

    /// A JPEG whose EXIF says: turned a quarter clockwise.
    fn turned_jpeg(width: u32, height: u32) -> Vec<u8> {
        let mut exif = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0".to_vec();
        let mut bytes = Vec::new();
        let mut encoder = JpegEncoder::new_with_quality(&mut bytes, 90);
        encoder.set_exif_metadata(std::mem::take(&mut exif)).unwrap();
        let picture = RgbImage::from_fn(width, height, |x, _| {
            if x < width / 2 { Rgb([255, 255, 255]) } else { Rgb([0, 0, 0]) }
        });
        encoder.encode_image(&picture).unwrap();
        bytes
    }

    fn check(bytes: &[u8], expected: NotAPicture) {
        assert_eq!(Picture::open(bytes).map(|_| ()), Err(expected));
    }

    #[test]
    fn what_is_no_picture_says_what_it_is() {
        check(b"", NotAPicture::Empty);
        check(b"%PDF-1.7\n", NotAPicture::Pdf);
        check(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", NotAPicture::Heic);
        check(b"Dear customer, this is a text named .jpg", NotAPicture::UnknownFormat);
        check(b"\xff\xd8\xff\xe0", NotAPicture::Broken);
        check(&png(8, 8)[..20], NotAPicture::Broken);
        check(&png(1, 1), NotAPicture::TooSmall { width: 1, height: 1 });
    }

    #[test]
    fn a_picture_cut_short_is_broken_when_it_is_decoded() {
        let whole = png(300, 300);
        let picture = Picture::open(&whole[..whole.len() / 2]).unwrap();
        assert_eq!(picture.grey(1_000).map(|_| ()), Err(NotAPicture::Broken));
    }

    #[test]
    fn a_bomb_is_refused_by_its_header() {
        let mut bytes = Vec::new();
        PngEncoder::new(&mut bytes)
            .write_image(&vec![0; 8_000 * 8_000], 8_000, 8_000, image::ExtendedColorType::L8)
            .unwrap();
        assert!(bytes.len() < 1_000_000, "a small file");
        check(&bytes, NotAPicture::TooLarge { width: 8_000, height: 8_000 });
    }

    #[test]
    fn a_picture_that_fits_is_passed_on_byte_for_byte() {
        let bytes = png(100, 50);
        let fitted = Picture::open(bytes.clone()).unwrap().fit(Fit::ANTHROPIC).unwrap();
        assert_eq!((&*fitted.bytes, fitted.media_type), (&*bytes, "image/png"));
    }

    #[test]
    fn a_large_picture_is_made_to_fit() {
        let fit = Fit { long_edge: 200, bytes: 3_000 };
        let fitted = Picture::open(png(900, 300)).unwrap().fit(fit).unwrap();
        let again = Picture::open(fitted.bytes).unwrap();
        assert!(again.original().len() <= 3_000 && again.long_edge() <= 200);
        assert_eq!(fitted.media_type, "image/jpeg");
    }

    #[test]
    fn a_phone_held_sideways_gives_an_upright_picture() {
        let picture = Picture::open(turned_jpeg(80, 40)).unwrap();
        let grey = picture.grey(1_000).unwrap();
        assert_eq!(grey.dimensions(), (40, 80));
        assert!(grey.get_pixel(20, 5).0 > Luma([200]).0 && grey.get_pixel(20, 75).0 < [50]);
        let fitted = picture.fit(Fit::ANTHROPIC).unwrap();
        let upright = Picture::open(fitted.bytes).unwrap();
        assert_eq!((upright.width, upright.height), (40, 80));
    }
}
