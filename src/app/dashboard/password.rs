//! The dashboard's one password: its hash by argon2id, made here and compared here. The password
//! itself is kept nowhere.

use std::io::{IsTerminal, stdin};
use std::sync::Arc;

use anyhow::{Context, bail};
use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};

use crate::clients::Secret;
use crate::settings::SettingError;

/// Shorter ones are guessed.
const LENGTH_MIN: usize = 10;

/// What a password is compared with.
#[derive(Clone)]
pub struct Password(Arc<PasswordHash>);

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password(…)")
    }
}

impl Password {
    /// Reads what `--hash-password` printed.
    pub fn parse(hash: &Secret) -> Result<Self, SettingError> {
        let parsed = PasswordHash::new(hash.reveal()).ok();
        let ours = parsed.filter(|it| it.algorithm.as_str() == "argon2id" && it.hash.is_some());
        ours.map(|it| Self(Arc::new(it))).ok_or_else(|| {
            let problem = "want what `paragon dashboard --hash-password` prints ($argon2id$…); \
                           in .env put it in 'single quotes', for it has $ in it";
            SettingError::unreadable("DASHBOARD_PASSWORD_HASH", problem)
        })
    }

    /// Whether `told` is the password. Takes some 20 ms of a core and 19 MiB: not for a thread
    /// that others wait for.
    pub fn is(&self, told: &str) -> bool {
        Argon2::default().verify_password(told.as_bytes(), &*self.0).is_ok()
    }
}

/// `paragon dashboard --hash-password`: the hash of a password that is typed twice, unseen, or that
/// is the first line of what is piped in.
pub fn ask_and_hash() -> anyhow::Result<String> {
    let password = if stdin().is_terminal() {
        let first = rpassword::prompt_password("Password: ")?;
        if rpassword::prompt_password("Once more: ")? != first {
            bail!("the two are not the same; nothing was made");
        }
        first
    } else {
        let mut line = String::new();
        stdin().read_line(&mut line).context("standard input cannot be read")?;
        line.trim_end_matches(['\n', '\r']).to_owned()
    };
    if password.chars().count() < LENGTH_MIN {
        bail!("the password has fewer than {LENGTH_MIN} characters");
    }
    hash(&password)
}

/// The hash, with a salt of its own.
fn hash(password: &str) -> anyhow::Result<String> {
    let hash: PasswordHash = Argon2::default()
        .hash_password(password.as_bytes())
        .map_err(|error| anyhow::anyhow!("the password cannot be hashed: {error}"))?;
    Ok(hash.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_holds_for_its_password_only_and_has_a_salt() {
        let (one, other) = (hash("correct horse").unwrap(), hash("correct horse").unwrap());
        let password = Password::parse(&Secret::new(&one)).unwrap();
        assert!(password.is("correct horse"));
        assert!(!password.is("correct horsf") && !password.is(""));
        assert_ne!(one, other);
    }

    #[test]
    fn what_is_no_hash_of_ours_is_a_setting_that_cannot_be_read() {
        for bad in ["", "secret", "$argon2id$v=19$m=1", "$pbkdf2$i=1$c2FsdHNhbHQ$aGFzaA"] {
            let error = Password::parse(&Secret::new(bad)).unwrap_err().to_string();
            assert!(error.starts_with("DASHBOARD_PASSWORD_HASH: want"), "{error}");
            assert!(bad.is_empty() || !error.contains(bad), "it shows what was set");
        }
    }
}
