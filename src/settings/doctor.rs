//! What `paragon doctor` looks at: everything, and nothing of it is required. What is missing or
//! unreadable is a finding.

use std::path::PathBuf;

use super::{GraphSettings, ReadingSettings, SettingError, Source, StripeSettings};
use crate::clients::Secret;
use crate::domain::ids::{AccountId, PhoneNumberId};
use crate::domain::language::Language;

/// A setting, or what is wrong with it.
pub type Found<T> = Result<T, SettingError>;

/// The settings of `paragon doctor`.
#[derive(Debug)]
pub struct DoctorSettings {
    /// `DATABASE_URL`.
    pub database_url: Found<Secret>,
    /// How Meta is reached.
    pub graph: Found<GraphSettings>,
    /// `WABA_ID`.
    pub account: Found<AccountId>,
    /// `PHONE_NUMBER_ID`.
    pub number: Found<PhoneNumberId>,
    /// `META_APP_SECRET`.
    pub app_secrets: Found<Secret>,
    /// `META_VERIFY_TOKEN`.
    pub verify_token: Found<Secret>,
    /// How Stripe is reached.
    pub stripe: Found<StripeSettings>,
    /// Who reads photos.
    pub reading: Found<ReadingSettings>,
    /// `REPLY_TEMPLATE`.
    pub reply_template: String,
    /// `REPLY_LANGUAGE`.
    pub language: Found<Language>,
    /// `SPOOL_DIR`.
    pub spool_dir: PathBuf,
    /// `SPOOL_MAX_BYTES`.
    pub spool_max_bytes: Found<u64>,
}

impl DoctorSettings {
    /// Reads them.
    pub fn from(source: &Source) -> Self {
        Self {
            database_url: source.secret("DATABASE_URL"),
            graph: GraphSettings::from(source),
            account: super::admin::account(source),
            number: super::admin::number(source),
            app_secrets: source.secret("META_APP_SECRET"),
            verify_token: source.secret("META_VERIFY_TOKEN"),
            stripe: StripeSettings::from(source),
            reading: ReadingSettings::from(source),
            reply_template: super::worker::reply_template(source),
            language: super::worker::language(source),
            spool_dir: super::ingress::spool_dir(source),
            spool_max_bytes: super::ingress::spool_max_bytes(source),
        }
    }
}
