//! What `paragon`'s commands ask for, each only what it needs.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::{GraphSettings, SettingError, Source, StripeSettings};
use crate::clients::Secret;
use crate::domain::ids::{AccountId, PhoneNumberId};
use crate::domain::language::Language;

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

/// The settings of `paragon audit`.
#[derive(Clone, Debug)]
pub struct AuditSettings {
    /// `DATABASE_URL`.
    pub database_url: Secret,
    /// `SPOOL_DIR`: of an ingress on this machine; it need not be there.
    pub spool_dir: PathBuf,
}

impl AuditSettings {
    /// Reads them.
    pub fn from(source: &Source) -> Result<Self, SettingError> {
        Ok(Self {
            database_url: source.secret("DATABASE_URL")?,
            spool_dir: super::ingress::spool_dir(source),
        })
    }
}

/// The settings of `paragon templates submit` and `sync`.
#[derive(Clone, Debug)]
pub struct AccountSettings {
    /// How Meta is reached.
    pub graph: GraphSettings,
    /// `WABA_ID`: the account that templates belong to.
    pub account: AccountId,
    /// `DATABASE_URL`, where what Meta tells is to be kept.
    pub database_url: Option<Secret>,
}

impl AccountSettings {
    /// Reads them.
    pub fn from(source: &Source) -> Result<Self, SettingError> {
        Ok(Self {
            account: account(source)?,
            graph: GraphSettings::from(source)?,
            database_url: source.optional_secret("DATABASE_URL")?,
        })
    }
}

/// The settings of `paragon remind`.
#[derive(Clone, Debug)]
pub struct ReminderSettings {
    /// `DATABASE_URL`.
    pub database_url: Secret,
    /// `PHONE_NUMBER_ID`: the number that reminders leave from.
    pub number: PhoneNumberId,
    /// `REPLY_LANGUAGE`: of the template, unless said otherwise.
    pub language: Language,
}

impl ReminderSettings {
    /// Reads them.
    pub fn from(source: &Source) -> Result<Self, SettingError> {
        let database_url = source.secret("DATABASE_URL")?;
        Ok(Self {
            database_url,
            number: number(source)?,
            language: super::worker::language(source)?,
        })
    }
}

/// Whom a command may do without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Party {
    /// Meta.
    Meta,
    /// Stripe.
    Stripe,
}

/// The settings of `paragon forget`.
#[derive(Clone, Debug)]
pub struct ForgetSettings {
    /// `DATABASE_URL`.
    pub database_url: Secret,
    /// How Meta is reached, unless it is left out.
    pub graph: Option<GraphSettings>,
    /// How Stripe is reached, unless it is left out.
    pub stripe: Option<StripeSettings>,
    /// `SPOOL_DIR`: of an ingress on this machine; it need not be there.
    pub spool_dir: PathBuf,
}

impl ForgetSettings {
    /// Reads them, but for those of `left_out`.
    pub fn from(source: &Source, left_out: &[Party]) -> Result<Self, SettingError> {
        let wants = |party| !left_out.contains(&party);
        Ok(Self {
            database_url: source.secret("DATABASE_URL")?,
            graph: wants(Party::Meta).then(|| GraphSettings::from(source)).transpose()?,
            stripe: wants(Party::Stripe).then(|| StripeSettings::from(source)).transpose()?,
            spool_dir: super::ingress::spool_dir(source),
        })
    }
}

/// `WABA_ID`.
pub(super) fn account(source: &Source) -> Result<AccountId, SettingError> {
    let wrong = || SettingError::unreadable("WABA_ID", "want the account's id, digits only");
    AccountId::parse(&source.required("WABA_ID")?).ok_or_else(wrong)
}

/// `PHONE_NUMBER_ID`.
pub(super) fn number(source: &Source) -> Result<PhoneNumberId, SettingError> {
    let wrong = || SettingError::unreadable("PHONE_NUMBER_ID", "want Meta's id of the number");
    PhoneNumberId::parse(&source.required("PHONE_NUMBER_ID")?).ok_or_else(wrong)
}

/// The settings of `paragon dashboard`.
#[derive(Clone, Debug)]
pub struct DashboardSettings {
    /// `DATABASE_URL`.
    pub database_url: Secret,
    /// `DASHBOARD_ADDR`.
    pub address: SocketAddr,
    /// `DASHBOARD_PASSWORD_HASH`: without one nobody is asked who they are.
    pub password_hash: Option<Secret>,
}

impl DashboardSettings {
    /// Reads them. An address that other machines reach demands a password.
    pub fn from(source: &Source) -> Result<Self, SettingError> {
        let address = source.address("DASHBOARD_ADDR", "127.0.0.1:8090")?;
        let password_hash = source.optional_secret("DASHBOARD_PASSWORD_HASH")?;
        if password_hash.is_none() && !address.ip().is_loopback() {
            let problem = format!(
                "not set, and other machines reach DASHBOARD_ADDR {address}; \
                 make one with `paragon dashboard --hash-password`, or listen on 127.0.0.1"
            );
            return Err(SettingError::unreadable("DASHBOARD_PASSWORD_HASH", problem));
        }
        Ok(Self { database_url: source.secret("DATABASE_URL")?, address, password_hash })
    }
}
