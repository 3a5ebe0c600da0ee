//! Others' APIs: wire types in, domain types out, errors by cause. Nothing here knows of our
//! tables, our queue or our clock, and no wire type leaves the client that it belongs to.

mod base_url;
mod format;
pub mod http;
mod retry_after;
mod secret;
mod bearer;
pub mod whatsapp;
pub mod stripe;
pub mod anthropic;
pub mod front_door;
pub mod event_endpoint;

pub use base_url::{NotABaseUrl, PublicUrl};
pub use bearer::Bearer;
pub use http::{Http, HttpError};
pub use secret::{NotAToken, Secret};

use base_url::BaseUrl;

/// A client cannot be made of these settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAClient {
    /// Of its address.
    #[error("its URL: {0}")]
    Url(#[from] NotABaseUrl),
    /// Of its token or key.
    #[error("its key: {0}")]
    Token(#[from] NotAToken),
}
