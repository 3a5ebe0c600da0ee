//! What `paragon`'s commands ask for: the database and nothing of Meta, Stripe or Anthropic.

use super::{SettingError, Source};
use crate::clients::Secret;

/// The settings of `paragon migrate` and `paragon status`.
#[derive(Clone, Debug)]
pub struct AdminSettings {
    /// `DATABASE_URL`.
    pub database_url: Secret,
}

impl AdminSettings {
    /// Reads them.
    pub fn from(source: &Source) -> Result<Self, SettingError> {
        Ok(Self { database_url: source.secret("DATABASE_URL")? })
    }
}
