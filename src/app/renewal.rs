//! Tokens that are held in files are read again while the program runs: a dead one is replaced
//! without a restart. A file that cannot be read changes nothing.

use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::clients::Bearer;
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
    pub bearer: Bearer,
}

impl Renewable {
    /// `None` where the token is not held in a file.
    pub fn new(name: &'static str, file: Option<SecretFile>, bearer: &Bearer) -> Option<Self> {
        file.map(|file| Self { name, file, bearer: bearer.clone() })
    }

    /// Whether there is another token now.
    fn renew(&self) -> bool {
        let Some(secret) = self.file.read() else { return false };
        match self.bearer.exchange(&secret) {
            Ok(is_other) => is_other,
            Err(error) => {
                warn!("{}: what its file holds now is {error}; the old one stays", self.name);
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
