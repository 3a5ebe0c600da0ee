//! What the ingress asks for.

use std::net::SocketAddr;
use std::time::Duration;

use super::{GraphSettings, SettingError, Source};
use crate::clients::Secret;

/// The settings of `ingress`.
#[derive(Clone, Debug)]
pub struct IngressSettings {
    /// `DATABASE_URL`.
    pub database_url: Secret,
    /// `INGRESS_ADDR`.
    pub address: SocketAddr,
    /// `META_APP_SECRET`: one or more, separated by commas.
    pub app_secrets: Secret,
    /// `META_VERIFY_TOKEN`.
    pub verify_token: Secret,
    /// How media is fetched.
    pub graph: GraphSettings,
    /// `MEDIA_BUDGET_MS`: how long one webhook may fetch media before it is committed as pending.
    pub media_budget: Duration,
}

impl IngressSettings {
    /// Reads them, or names the first that is missing or unreadable.
    pub fn from(source: &Source) -> Result<Self, SettingError> {
        Ok(Self {
            database_url: source.secret("DATABASE_URL")?,
            address: source.address("INGRESS_ADDR", "0.0.0.0:8080")?,
            app_secrets: source.secret("META_APP_SECRET")?,
            verify_token: source.secret("META_VERIFY_TOKEN")?,
            graph: GraphSettings::from(source)?,
            media_budget: Duration::from_millis(source.number("MEDIA_BUDGET_MS", 900)?),
        })
    }
}
