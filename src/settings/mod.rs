//! What the environment says, read once at the start; the only home of `std::env`. A missing or
//! unreadable setting is one line that names the variable; the program ends with code 78 before it
//! listens. Each program asks only for what it needs.

mod source;
mod ingress;
mod worker;
mod events;
mod api;
mod admin;
mod doctor;

pub use admin::{
    AccountSettings, AdminSettings, AuditSettings, DashboardSettings, ForgetSettings, Party,
    ReminderSettings,
};
pub use api::ApiSettings;
pub use doctor::DoctorSettings;
pub use events::EventSettings;
pub use ingress::IngressSettings;
pub use source::{SecretFile, SettingError, Source};
pub use worker::{EngineName, ReadingSettings, WorkerSettings};

use crate::clients::Secret;
use crate::clients::whatsapp::MediaHosts;
use crate::telemetry::TelemetrySettings;

/// Exit code of a program that was set up wrongly (`EX_CONFIG` of sysexits.h).
pub const EXIT_CONFIG: u8 = 78;

/// Postgres's notices and actix's birth announcements are nobody's news.
const QUIET_LIBRARIES: &str = "info,sqlx=warn,actix_server=warn";

/// The same for a command that answers on stdout: warnings only, unless `RUST_LOG` asks for more.
pub fn quiet_telemetry(source: &Source) -> TelemetrySettings {
    let filter = source.text("RUST_LOG").unwrap_or_else(|| "warn".to_owned());
    TelemetrySettings { filter, ..telemetry(source) }
}

/// The same for a command whose answer already says what is wrong: nothing, unless `RUST_LOG` asks.
pub fn silent_telemetry(source: &Source) -> TelemetrySettings {
    let filter = source.text("RUST_LOG").unwrap_or_else(|| "off".to_owned());
    TelemetrySettings { filter, ..telemetry(source) }
}

/// Reads the settings of logs and traces; none is required.
pub fn telemetry(source: &Source) -> TelemetrySettings {
    TelemetrySettings {
        filter: source.text("RUST_LOG").unwrap_or_else(|| QUIET_LIBRARIES.to_owned()),
        otlp_endpoint: source.text("OTEL_EXPORTER_OTLP_ENDPOINT"),
    }
}

/// How Meta's Graph API is reached.
#[derive(Clone, Debug)]
pub struct GraphSettings {
    /// `GRAPH_API_URL`, version included.
    pub url: String,
    /// `WA_TOKEN`.
    pub token: Secret,
    /// `WA_TOKEN_FILE`, where the token is held in a file: read again while the program runs.
    pub token_file: Option<SecretFile>,
    /// `MEDIA_HOSTS`: where the token may go besides.
    pub media_hosts: MediaHosts,
    /// `MEDIA_MAX_BYTES`: larger photos are not taken.
    pub media_max_bytes: usize,
}

impl GraphSettings {
    fn from(source: &Source) -> Result<Self, SettingError> {
        let hosts = source
            .text("MEDIA_HOSTS")
            .unwrap_or_else(|| "lookaside.fbsbx.com,*.fbcdn.net,*.whatsapp.net".to_owned());
        Ok(Self {
            url: source
                .text("GRAPH_API_URL")
                .unwrap_or_else(|| "https://graph.facebook.com/v26.0".to_owned()),
            token: source.secret("WA_TOKEN")?,
            token_file: source.secret_file("WA_TOKEN"),
            media_hosts: MediaHosts::parse(&hosts)
                .map_err(|error| SettingError::unreadable("MEDIA_HOSTS", error))?,
            media_max_bytes: source.number("MEDIA_MAX_BYTES", 16 * 1024 * 1024)?,
        })
    }
}

/// How Stripe is reached.
#[derive(Clone, Debug)]
pub struct StripeSettings {
    /// `STRIPE_SECRET_KEY`.
    pub key: Secret,
    /// `STRIPE_SECRET_KEY_FILE`: read again while the program runs.
    pub key_file: Option<SecretFile>,
    /// `STRIPE_API_URL`.
    pub url: String,
}

impl StripeSettings {
    fn from(source: &Source) -> Result<Self, SettingError> {
        Ok(Self {
            key: source.secret("STRIPE_SECRET_KEY")?,
            key_file: source.secret_file("STRIPE_SECRET_KEY"),
            url: source
                .text("STRIPE_API_URL")
                .unwrap_or_else(|| "https://api.stripe.com".to_owned()),
        })
    }
}
