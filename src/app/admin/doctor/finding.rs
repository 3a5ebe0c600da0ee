//! What a question came to, and how it is shown.

use serde_json::{Value, json};

use crate::settings::SettingError;

/// What a question came to: how it is, or what is wrong and what to do.
pub struct Finding {
    about: &'static str,
    state: Result<String, Ailment>,
}

/// What is wrong, and what to do.
pub struct Ailment {
    what: String,
    remedy: String,
}

impl Finding {
    /// All is well: `how`.
    pub fn well(about: &'static str, how: impl Into<String>) -> Self {
        Self { about, state: Ok(how.into()) }
    }

    /// It is not.
    #[expect(clippy::needless_pass_by_value, reason = "a text or an error, as it comes")]
    pub fn ill(about: &'static str, what: impl ToString, remedy: impl Into<String>) -> Self {
        Self { about, state: Err(Ailment { what: what.to_string(), remedy: remedy.into() }) }
    }

    /// It could not be asked, for want of a setting.
    pub fn unset(about: &'static str, error: &SettingError) -> Self {
        Self::ill(about, error, "set it where doctor runs, as ingress and worker have it")
    }

    /// Whether nothing is to be done.
    pub fn is_well(&self) -> bool {
        self.state.is_ok()
    }

    /// For a terminal.
    pub fn line(&self) -> String {
        match &self.state {
            Ok(how) => format!("✓ {}: {how}\n", self.about),
            Err(Ailment { what, remedy }) => format!("✗ {}: {what}\n    → {remedy}\n", self.about),
        }
    }

    /// For a script.
    pub fn json(&self) -> Value {
        match &self.state {
            Ok(how) => json!({ "about": self.about, "well": true, "found": how }),
            Err(Ailment { what, remedy }) => {
                json!({ "about": self.about, "well": false, "found": what, "remedy": remedy })
            }
        }
    }
}
