//! What the ingress asks for.

use std::net::SocketAddr;
use std::time::Duration;

use super::{GraphSettings, SettingError, Source};
use crate::clients::Secret;
use crate::pipeline::ingress::verify::AppSecrets;

/// The settings of `ingress`.
#[derive(Clone, Debug)]
pub struct IngressSettings {
    /// `DATABASE_URL`.
    pub database_url: Secret,
    /// `INGRESS_ADDR`.
    pub address: SocketAddr,
    /// `META_APP_SECRET`: one or more.
    pub app_secrets: AppSecrets,
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
        let app_secrets = source.required("META_APP_SECRET")?;
        Ok(Self {
            database_url: source.secret("DATABASE_URL")?,
            address: source.address("INGRESS_ADDR", "0.0.0.0:8080")?,
            app_secrets: AppSecrets::parse(&app_secrets)
                .ok_or_else(|| SettingError::unreadable("META_APP_SECRET", "holds only commas"))?,
            verify_token: source.secret("META_VERIFY_TOKEN")?,
            graph: GraphSettings::from(source)?,
            media_budget: Duration::from_millis(source.number("MEDIA_BUDGET_MS", 900)?),
        })
    }
}
