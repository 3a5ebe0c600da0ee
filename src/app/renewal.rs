//! Tokens that are held in files are read again while the program runs: a dead one is replaced
//! without a restart. A file that cannot be read changes nothing.

use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::clients::event_endpoint::Signer;
use crate::clients::{Bearer, Secret};
use crate::settings::SecretFile;

/// How often the files are read.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// A token that a file may exchange.
#[derive(Clone, Debug)]
pub struct Renewable {
    /// What it is called in the environment, for the log.
    pub name: &'static str,
    /// Where it is held.
    pub file: SecretFile,
    /// Where it goes.
    pub holder: Holder,
}

/// Who holds a secret that may be exchanged.
#[derive(Clone, Debug)]
pub enum Holder {
    /// The token of calls to one service.
    Bearer(Bearer),
    /// The keys that events are signed with.
    Signer(Signer),
}

impl From<Bearer> for Holder {
    fn from(bearer: Bearer) -> Self {
        Self::Bearer(bearer)
    }
}

impl From<Signer> for Holder {
    fn from(signer: Signer) -> Self {
        Self::Signer(signer)
    }
}

impl Holder {
    /// Takes `secret` from now on. Whether it is another one; or why it cannot be.
    fn exchange(&self, secret: &Secret) -> Result<bool, String> {
        match self {
            Self::Bearer(bearer) => bearer.exchange(secret).map_err(|it| it.to_string()),
            Self::Signer(signer) => signer.exchange(secret).map_err(|it| it.to_string()),
        }
    }
}

impl Renewable {
    /// `None` where the token is not held in a file.
    pub fn new(
        name: &'static str,
        file: Option<SecretFile>,
        holder: impl Into<Holder>,
    ) -> Option<Self> {
        file.map(|file| Self { name, file, holder: holder.into() })
    }

    /// Whether there is another token now.
    fn renew(&self) -> bool {
        let Some(secret) = self.file.read() else { return false };
        match self.holder.exchange(&secret) {
            Ok(is_other) => is_other,
            Err(error) => {
                warn!(
                    "{}: what its file holds now cannot be used; the old one stays: {error}",
                    self.name
                );
                false
            }
        }
    }
}

/// Reads the files again and again, until `stop` is cancelled, and notifies `renewed` of each token
/// that is another.
pub async fn keep_renewing(tokens: Vec<Renewable>, stop: CancellationToken, renewed: &Notify) {
    let mut due = tokio::time::interval(LOOK_EVERY);
    while stop.run_until_cancelled(due.tick()).await.is_some() {
        for token in &tokens {
            if token.renew() {
                info!("{} was renewed from its file", token.name);
                renewed.notify_one();
            }
        }
    }
}
