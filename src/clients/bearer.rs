//! The token that goes with every call to one service. It may be exchanged while calls are made: a
//! token that died is replaced without a restart.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use reqwest::header::HeaderValue;

use super::secret::{NotAToken, Secret};

/// A token as an `Authorization` header. Clones are the same token.
#[derive(Clone, Debug)]
pub struct Bearer(Arc<Mutex<HeaderValue>>);

impl Bearer {
    /// Takes `token` as it is.
    pub fn new(token: &Secret) -> Result<Self, NotAToken> {
        Ok(Self(Arc::new(Mutex::new(token.header("Bearer ")?))))
    }

    /// What goes on the wire.
    pub(super) fn header(&self) -> HeaderValue {
        self.held().clone()
    }

    /// Takes `token` from now on. Whether it is another one than before.
    pub fn exchange(&self, token: &Secret) -> Result<bool, NotAToken> {
        let new = token.header("Bearer ")?;
        let mut held = self.held();
        let is_other = *held != new;
        *held = new;
        Ok(is_other)
    }

    fn held(&self) -> MutexGuard<'_, HeaderValue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_exchanged_for_all_and_never_shows_itself() {
        let bearer = Bearer::new(&Secret::new("old")).unwrap();
        let elsewhere = bearer.clone();
        assert_eq!(bearer.exchange(&Secret::new("old\n")), Ok(false));
        assert_eq!(bearer.exchange(&Secret::new("new")), Ok(true));
        assert_eq!(elsewhere.header(), "Bearer new");
        assert!(bearer.exchange(&Secret::new("no token")).is_err());
        assert_eq!(elsewhere.header(), "Bearer new");
        assert!(!format!("{bearer:?}").contains("new"));
    }
}
