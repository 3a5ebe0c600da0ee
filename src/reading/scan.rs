//! What a sender sent, opened: a picture, or a document of pages. HEIC and PDF are opened by
//! programs of their own (libheif, poppler) under limits, so that a hostile file harms no worker.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::spawn_blocking;

use super::engines::{EngineError, Page};
use super::picture::{NotAPicture, Picture};
use super::{pdf, program};

/// How long a converter may take for one file.
const WITHIN: Duration = Duration::from_secs(30);
/// The program of libheif, in its newer and its older name.
const HEIF_PROGRAMS: [&str; 2] = ["heif-dec", "heif-convert"];
const NO_HEIF: &str = "HEIC pictures need the program heif-convert: install libheif-examples \
     (Debian, Ubuntu) or libheif (brew)";

/// A file that can be read.
#[derive(Clone, Debug)]
pub enum Scan {
    /// One picture.
    Picture(Picture),
    /// The first pages of a document.
    Document(Document),
}

/// The first pages of a PDF: their text where it has some, else their pictures.
#[derive(Clone, Debug)]
pub enum Document {
    /// Its own text, which no engine needs to read.
    Text(Page),
    /// Pages that were scanned.
    Pictures(Vec<Picture>),
}

impl Scan {
    /// Opens what the first bytes say that it is; the sender's word for it is not asked. Decodes
    /// no JPEG, PNG or WebP, only looks at their headers.
    pub async fn open(bytes: impl Into<Arc<[u8]>>) -> Result<Self, EngineError> {
        let bytes = bytes.into();
        let opened = {
            let bytes = Arc::clone(&bytes);
            // A panic in a decoder is the picture's fault: it is broken, for us.
            let open = spawn_blocking(move || Picture::open(bytes)).await;
            open.unwrap_or(Err(NotAPicture::Broken))
        };
        match opened {
            Ok(picture) => Ok(Self::Picture(picture)),
            Err(NotAPicture::Heic) => {
                from_heic(&bytes).await.map(Self::Picture).map_err(of_the_file)
            }
            Err(NotAPicture::Pdf) => {
                pdf::open(&bytes, WITHIN).await.map(Self::Document).map_err(of_the_file)
            }
            Err(other) => Err(other.into()),
        }
    }
}

/// A converter that is missing or does not end concerns this file, not every photo.
fn of_the_file(error: EngineError) -> EngineError {
    match error {
        EngineError::NotInstalled(what) => NotAPicture::NoConverter(what).into(),
        EngineError::TimedOut(_) => NotAPicture::TooSlow.into(),
        EngineError::Failed(_) | EngineError::Unreadable(_) => error,
    }
}

/// The first picture of a HEIC file, upright.
async fn from_heic(bytes: &[u8]) -> Result<Picture, EngineError> {
    let failed = |error: std::io::Error| EngineError::Failed(format!("no room: {}", error.kind()));
    let folder = tempfile::tempdir().map_err(failed)?;
    let (from, to) = (folder.path().join("in.heic"), folder.path().join("out.jpg"));
    tokio::fs::write(&from, bytes).await.map_err(failed)?;
    let mut missing = EngineError::NotInstalled(NO_HEIF);
    for program in HEIF_PROGRAMS {
        let mut command = program::bounded(program);
        command.args(["-q", "92"]).arg(&from).arg(&to);
        match program::run(command, &[], WITHIN, NO_HEIF).await {
            Err(error @ EngineError::NotInstalled(_)) => missing = error,
            Err(error) => return Err(error),
            Ok(_) => {
                // A file of several pictures becomes several files.
                let first = folder.path().join("out-1.jpg");
                let found = tokio::fs::read(&to).await;
                let jpeg = match found {
                    Ok(jpeg) => jpeg,
                    Err(_) => tokio::fs::read(&first).await.map_err(|_| NotAPicture::Broken)?,
                };
                return Ok(Picture::open(jpeg)?.turned_already());
            }
        }
    }
    Err(missing)
}
