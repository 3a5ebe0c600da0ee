//! Where settings come from: the environment, then a `.env` in this folder or above.

use std::collections::HashMap;
use std::fmt::Display;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::clients::{NotAClient, Secret};

/// A setting that the program cannot do without, or cannot read. Never shows a secret's value.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{variable}: {problem}")]
pub struct SettingError {
    variable: &'static str,
    problem: String,
}

impl SettingError {
    /// `variable` is set, and `problem` says what is wrong with it.
    pub fn unreadable(variable: &'static str, problem: impl Display) -> Self {
        Self { variable, problem: problem.to_string() }
    }

    /// A client cannot be made of what `url` and `key` say.
    pub fn of_client(url: &'static str, key: &'static str) -> impl FnOnce(NotAClient) -> Self {
        move |error| match error {
            NotAClient::Url(error) => Self::unreadable(url, error),
            NotAClient::Token(error) => Self::unreadable(key, error),
        }
    }

    fn missing(variable: &'static str) -> Self {
        let problem = format!(
            "not set; set it, or {variable}_FILE to a file that holds it (see .env.example)"
        );
        Self { variable, problem }
    }
}

/// A file that holds a secret, to be read again and again.
#[derive(Clone, Debug)]
pub struct SecretFile(PathBuf);

impl SecretFile {
    /// What it holds now; `None` while it cannot be read or is empty, as when it is being written.
    pub fn read(&self) -> Option<Secret> {
        let held = std::fs::read_to_string(&self.0).ok()?;
        (!held.trim().is_empty()).then(|| Secret::new(held))
    }
}

/// A snapshot of the environment.
#[derive(Clone, Default)]
pub struct Source(HashMap<String, String>);

/// Shows how many, never what: secrets are among them.
impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Source({} variables)", self.0.len())
    }
}

impl Source {
    /// The environment, completed by `.env` where there is one. The environment wins.
    pub fn environment() -> Result<Self, SettingError> {
        let mut values = HashMap::new();
        match dotenvy::dotenv_iter() {
            Ok(lines) => {
                for line in lines {
                    // The error itself quotes the line, and perhaps a secret in it.
                    let (name, value) = line.map_err(|_| broken_env())?;
                    values.insert(name, value);
                }
            }
            Err(error) if error.not_found() => {}
            Err(_) => return Err(broken_env()),
        }
        values.extend(std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        }));
        Ok(Self(values))
    }

    /// Settings given in the program: the demo's.
    pub fn given<N: Into<String>, V: Into<String>>(
        values: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        Self(values.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }

    /// A setting that may be absent. An empty one counts as absent.
    pub fn text(&self, name: &str) -> Option<String> {
        self.0.get(name).map(|it| it.trim()).filter(|it| !it.is_empty()).map(str::to_owned)
    }

    /// A setting, itself or as the contents of the file that `NAME_FILE` names.
    pub fn optional(&self, name: &'static str) -> Result<Option<String>, SettingError> {
        if let Some(value) = self.text(name) {
            return Ok(Some(value));
        }
        let Some(path) = self.text(&format!("{name}_FILE")) else { return Ok(None) };
        let held = std::fs::read_to_string(Path::new(&path)).map_err(|error| {
            SettingError::unreadable(name, format!("{name}_FILE names {path}: {error}"))
        })?;
        let value = held.trim();
        if value.is_empty() {
            let problem = format!("{name}_FILE names {path}, which is empty");
            return Err(SettingError::unreadable(name, problem));
        }
        Ok(Some(value.to_owned()))
    }

    /// The file that holds a secret, where it is one that is held in a file: it may change while the
    /// program runs.
    pub fn secret_file(&self, name: &str) -> Option<SecretFile> {
        if self.text(name).is_some() {
            return None;
        }
        self.text(&format!("{name}_FILE")).map(|path| SecretFile(path.into()))
    }

    /// A setting that the program cannot do without.
    pub fn required(&self, name: &'static str) -> Result<String, SettingError> {
        self.optional(name)?.ok_or_else(|| SettingError::missing(name))
    }

    /// A number, `default` when absent.
    pub fn number<N: FromStr>(&self, name: &'static str, default: N) -> Result<N, SettingError> {
        let Some(text) = self.text(name) else { return Ok(default) };
        text.parse().map_err(|_| {
            SettingError::unreadable(name, format!("want a whole number, found {text:?}"))
        })
    }

    /// An address to listen on, `default` when absent.
    pub fn address(&self, name: &'static str, default: &str) -> Result<SocketAddr, SettingError> {
        let text = self.text(name).unwrap_or_else(|| default.to_owned());
        text.parse().map_err(|_| {
            SettingError::unreadable(
                name,
                format!("want IP:PORT such as {default}, found {text:?}"),
            )
        })
    }

    /// A secret that the program cannot do without.
    pub fn secret(&self, name: &'static str) -> Result<Secret, SettingError> {
        self.required(name).map(Secret::new)
    }

    /// A secret that may be absent.
    pub fn optional_secret(&self, name: &'static str) -> Result<Option<Secret>, SettingError> {
        Ok(self.optional(name)?.map(Secret::new))
    }
}

fn broken_env() -> SettingError {
    SettingError::unreadable(
        ".env",
        "cannot be read: is a quote not closed, or a line not NAME=value?",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_setting_is_one_line_that_names_it() {
        let error = Source::default().required("META_APP_SECRET").unwrap_err();
        assert_eq!(
            error.to_string(),
            "META_APP_SECRET: not set; set it, or META_APP_SECRET_FILE to a file that holds it (see .env.example)"
        );
    }

    #[test]
    fn a_secret_may_stand_in_a_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "s3cret\n").unwrap();
        let source = Source::given([("WA_TOKEN_FILE", file.path().to_str().unwrap())]);
        assert_eq!(source.required("WA_TOKEN").unwrap(), "s3cret");
        let source = Source::given([("WA_TOKEN_FILE", "/nowhere/at/all")]);
        assert!(
            source
                .required("WA_TOKEN")
                .unwrap_err()
                .to_string()
                .starts_with("WA_TOKEN: WA_TOKEN_FILE")
        );
    }

    #[test]
    fn what_cannot_be_read_says_what_was_wanted() {
        let source = Source::given([("ECHO_WAIT_S", "soon"), ("INGRESS_ADDR", "8080")]);
        let said = |error: SettingError| error.to_string();
        assert_eq!(
            said(source.number::<u64>("ECHO_WAIT_S", 60).unwrap_err()),
            "ECHO_WAIT_S: want a whole number, found \"soon\""
        );
        assert!(
            said(source.address("INGRESS_ADDR", "0.0.0.0:8080").unwrap_err()).contains("IP:PORT")
        );
    }
}
