//! What the ingress asks for.

use std::net::SocketAddr;
use std::path::PathBuf;
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
    /// `METRICS_ADDR`.
    pub metrics_address: SocketAddr,
    /// `WEBHOOKS_IN_FLIGHT_MAX_BYTES`: bodies of requests in memory at once; beyond it, 503.
    pub in_flight_max_bytes: usize,
    /// `META_APP_SECRET`: one or more, separated by commas.
    pub app_secrets: Secret,
    /// `META_VERIFY_TOKEN`.
    pub verify_token: Secret,
    /// `STRIPE_WEBHOOK_SECRET`: one or more, separated by commas; without it Stripe is not heard.
    pub stripe_webhook_secrets: Option<Secret>,
    /// How media is fetched.
    pub graph: GraphSettings,
    /// `SPOOL_DIR`: on a disk that outlives the process.
    pub spool_dir: PathBuf,
    /// `SPOOL_MAX_BYTES`.
    pub spool_max_bytes: u64,
    /// `MEDIA_BUDGET_MS`: how long one webhook may fetch media before it is committed as pending.
    pub media_budget: Duration,
    /// `MEDIA_IN_FLIGHT_MAX_BYTES`: bytes of media in memory at once, of all webhooks together.
    pub media_in_flight_max_bytes: usize,
}

impl IngressSettings {
    /// Reads them, or names the first that is missing or unreadable.
    pub fn from(source: &Source) -> Result<Self, SettingError> {
        Ok(Self {
            database_url: source.secret("DATABASE_URL")?,
            address: source.address("INGRESS_ADDR", "0.0.0.0:8080")?,
            metrics_address: source.address("METRICS_ADDR", "127.0.0.1:9464")?,
            in_flight_max_bytes: source.number("WEBHOOKS_IN_FLIGHT_MAX_BYTES", 32 * 1024 * 1024)?,
            app_secrets: source.secret("META_APP_SECRET")?,
            verify_token: source.secret("META_VERIFY_TOKEN")?,
            stripe_webhook_secrets: source.optional_secret("STRIPE_WEBHOOK_SECRET")?,
            graph: GraphSettings::from(source)?,
            spool_dir: spool_dir(source),
            spool_max_bytes: spool_max_bytes(source)?,
            media_budget: Duration::from_millis(source.number("MEDIA_BUDGET_MS", 900)?),
            media_in_flight_max_bytes: source
                .number("MEDIA_IN_FLIGHT_MAX_BYTES", 64 * 1024 * 1024)?,
        })
    }
}

/// `SPOOL_DIR`.
pub(super) fn spool_dir(source: &Source) -> PathBuf {
    source.text("SPOOL_DIR").unwrap_or_else(|| "./spool".to_owned()).into()
}

/// `SPOOL_MAX_BYTES`.
pub(super) fn spool_max_bytes(source: &Source) -> Result<u64, SettingError> {
    source.number("SPOOL_MAX_BYTES", 4 * 1024 * 1024 * 1024)
}
