//! A token, key or password that goes to its owner and to nobody else: it never shows itself.

use std::fmt;
use std::sync::Arc;

use reqwest::header::HeaderValue;

/// A secret text. `Debug` masks it; there is no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Arc<str>);

/// The secret cannot be a token; what it was is not told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a token: it is empty or holds white space, control characters or letters beyond ASCII"
)]
pub struct NotAToken;

impl Secret {
    /// Takes any text; white space around it is dropped, for files end with a newline.
    pub fn new(text: impl AsRef<str>) -> Self {
        Self(text.as_ref().trim().into())
    }

    /// The text itself: for the wire and for comparing, never for a log.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// `prefix` and the secret as a header that libraries will not print.
    pub(super) fn header(&self, prefix: &str) -> Result<HeaderValue, NotAToken> {
        if self.0.is_empty() || !self.0.bytes().all(|it| it.is_ascii_graphic()) {
            return Err(NotAToken);
        }
        let text = format!("{prefix}{}", self.0);
        let mut value = HeaderValue::try_from(text).map_err(|_| NotAToken)?;
        value.set_sensitive(true);
        Ok(value)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_never_shows_itself() {
        let secret = Secret::new("EAAG-token\n");
        assert_eq!(format!("{secret:?}"), "Secret(…)");
        assert_eq!(format!("{:?}", secret.header("Bearer ").unwrap()), "Sensitive");
        assert_eq!(secret.reveal(), "EAAG-token");
    }

    #[test]
    fn what_would_break_a_header_is_no_token() {
        for bad in ["  \n", "a b", "a\r\nX-Evil: 1", "žluťoučký"] {
            assert_eq!(Secret::new(bad).header("Bearer "), Err(NotAToken));
        }
    }
}
