//! What `paragon`'s commands ask for, each only what it needs.

use super::{GraphSettings, SettingError, Source};
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
        let account = source.required("WABA_ID")?;
        Ok(Self {
            graph: GraphSettings::from(source)?,
            account: AccountId::parse(&account).ok_or_else(|| {
                SettingError::unreadable("WABA_ID", "want the account's id, digits only")
            })?,
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
        let number = source.required("PHONE_NUMBER_ID")?;
        Ok(Self {
            database_url,
            number: PhoneNumberId::parse(&number).ok_or_else(|| {
                SettingError::unreadable("PHONE_NUMBER_ID", "want Meta's id of the number")
            })?,
            language: super::worker::language(source)?,
        })
    }
}
