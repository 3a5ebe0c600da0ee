//! What `paragon api` asks for, and where it is reached from outside.

use std::net::SocketAddr;

use super::{SettingError, Source};
use crate::clients::{PublicUrl, Secret};
use crate::domain::ids::PhoneNumberId;
use crate::domain::language::Language;

/// The settings of `paragon api`.
#[derive(Clone, Debug)]
pub struct ApiSettings {
    /// `DATABASE_URL`.
    pub database_url: Secret,
    /// `API_ADDR`.
    pub address: SocketAddr,
    /// `PHONE_NUMBER_ID`: the number that reminders leave from, where a request names none.
    pub number: Option<PhoneNumberId>,
    /// `REPLY_LANGUAGE`: of templates, unless said otherwise.
    pub language: Language,
    /// `API_REQUESTS_PER_MINUTE`, of each key.
    pub requests_per_minute: u32,
}

impl ApiSettings {
    /// Reads them.
    pub fn from(source: &Source) -> Result<Self, SettingError> {
        let number = source.text("PHONE_NUMBER_ID").map(|_| super::admin::number(source));
        if source.text("API_ADDR").is_none() {
            return Err(SettingError::unreadable(
                "API_ADDR",
                "not set; want IP:PORT, such as 127.0.0.1:8100",
            ));
        }
        Ok(Self {
            database_url: source.secret("DATABASE_URL")?,
            address: source.address("API_ADDR", "127.0.0.1:8100")?,
            number: number.transpose()?,
            language: super::worker::language(source)?,
            requests_per_minute: source.number("API_REQUESTS_PER_MINUTE", 600)?,
        })
    }
}

/// `API_URL`: where the API is reached from outside; `None` where links to photos lead nowhere.
pub(super) fn public_url(source: &Source) -> Result<Option<PublicUrl>, SettingError> {
    let url = source.text("API_URL").map(|it| PublicUrl::parse(&it));
    url.transpose().map_err(|error| SettingError::unreadable("API_URL", error))
}
