//! Where events go, and what they are signed with.

use super::{SecretFile, SettingError, Source};
use crate::clients::event_endpoint::{EndpointUrl, Signer};
use crate::clients::{PublicUrl, Secret};

/// How events are delivered.
#[derive(Clone, Debug)]
pub struct EventSettings {
    /// `EVENT_URLS`, each once.
    pub urls: Vec<EndpointUrl>,
    /// `EVENT_SECRET`.
    pub signer: Signer,
    /// `EVENT_SECRET_FILE`: read again while the program runs.
    pub secret_file: Option<SecretFile>,
    /// `API_URL`: where links to photos lead.
    pub api_url: Option<PublicUrl>,
}

impl EventSettings {
    /// Reads them; `None` where there is no endpoint.
    pub fn from(source: &Source) -> Result<Option<Self>, SettingError> {
        let Some(list) = source.text("EVENT_URLS") else { return Ok(None) };
        let mut urls = Vec::new();
        for text in list.split(',').map(str::trim).filter(|it| !it.is_empty()) {
            let url = EndpointUrl::parse(text)
                .map_err(|error| SettingError::unreadable("EVENT_URLS", error))?;
            if !urls.contains(&url) {
                urls.push(url);
            }
        }
        let secret: Secret = source.secret("EVENT_SECRET")?;
        let signer = Signer::parse(&secret)
            .map_err(|error| SettingError::unreadable("EVENT_SECRET", error))?;
        let secret_file = source.secret_file("EVENT_SECRET");
        let api_url = super::api::public_url(source)?;
        Ok((!urls.is_empty()).then_some(Self { urls, signer, secret_file, api_url }))
    }
}
