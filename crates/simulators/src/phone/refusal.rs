//! What the phone says when something cannot be sent: what is wrong, and what to do. Nothing was
//! sent then.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use serde_json::json;

/// Why nothing was sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    NoSuchPhone,
    NoSuchSample,
    NoSuchMessage,
    NoSuchButton,
    Unreadable(&'static str),
    EmptyFile,
    NeitherPhotoNorPdf { name: String },
    PhotoTooLarge { size_bytes: usize },
    TooLarge,
    Full,
}

impl Refusal {
    fn status(&self) -> StatusCode {
        match self {
            Self::NoSuchPhone | Self::NoSuchSample | Self::NoSuchMessage | Self::NoSuchButton => {
                StatusCode::NOT_FOUND
            }
            Self::Unreadable(_) | Self::EmptyFile => StatusCode::BAD_REQUEST,
            Self::NeitherPhotoNorPdf { .. } => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::PhotoTooLarge { .. } | Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Full => StatusCode::INSUFFICIENT_STORAGE,
        }
    }

    fn words(&self) -> String {
        match self {
            Self::NoSuchPhone => "There is no phone of that number here.".to_owned(),
            Self::NoSuchSample => "The demo has no photo of that name.".to_owned(),
            Self::NoSuchMessage => "That message is not in this chat.".to_owned(),
            Self::NoSuchButton => "That button is not under this message.".to_owned(),
            Self::Unreadable(wanted) => {
                format!("This request could not be read; wanted: {wanted}.")
            }
            Self::EmptyFile => "This file is empty. Choose another one.".to_owned(),
            Self::NeitherPhotoNorPdf { name } => format!(
                "“{name}” is neither a photo (JPEG, PNG, WebP, HEIC) nor a PDF. Choose another one."
            ),
            Self::PhotoTooLarge { size_bytes } => format!(
                "WhatsApp takes photos of up to 5 MB, and this one has {:.1} MB. Choose a smaller \
                 one.",
                megabytes(*size_bytes)
            ),
            Self::TooLarge => {
                "The demo takes files of up to 16 MB. Choose a smaller one.".to_owned()
            }
            Self::Full => {
                "The demo holds 256 MB of photos, and they are full. Start it again.".to_owned()
            }
        }
    }

    pub(super) fn answer(&self) -> HttpResponse {
        HttpResponse::build(self.status()).json(json!({ "error": self.words() }))
    }
}

#[expect(clippy::cast_precision_loss, clippy::as_conversions, reason = "shown with one decimal")]
fn megabytes(size_bytes: usize) -> f64 {
    size_bytes as f64 / 1e6
}
