//! What the look came to, promise by promise, and what is to be done where one is broken.

use serde_json::{Value, json};

use super::look::Looked;
use super::words;
use crate::domain::breach::Breach;

/// What became of one promise.
pub struct Finding<'a> {
    breach: Breach,
    count: i64,
    rows: &'a [i64],
    files: &'a [String],
}

impl<'a> Finding<'a> {
    /// One for each promise.
    pub fn all(looked: &'a Looked) -> Vec<Self> {
        let of = |breach| {
            let rows = looked.rows.get(&breach);
            Self {
                breach,
                count: rows.map_or(0, |it| it.count),
                rows: rows.map_or(&[], |it| it.examples.as_slice()),
                files: looked.files.get(&breach).map_or(&[], Vec::as_slice),
            }
        };
        Breach::ALL.into_iter().map(of).collect()
    }

    /// Whether the promise is kept, or nothing is to be mended.
    pub fn is_well(&self) -> bool {
        self.count == 0 || self.breach.is_only_counted()
    }

    /// For a terminal.
    pub fn line(&self) -> String {
        let (name, count, which) = (self.breach.name(), self.count, self.which());
        let (what, remedy) = (words::what(self.breach), words::remedy(self.breach));
        if count == 0 {
            return format!("✓ {name}: none\n");
        }
        let mark = if self.is_well() { "·" } else { "✗" };
        format!("{mark} {name}: {count} {what}{which}\n    → {remedy}\n")
    }

    fn which(&self) -> String {
        let ids: Vec<String> = self.rows.iter().map(i64::to_string).collect();
        let named: Vec<String> = ids.into_iter().chain(self.files.iter().cloned()).collect();
        if named.is_empty() {
            return String::new();
        }
        let more =
            if i64::try_from(named.len()).is_ok_and(|it| it < self.count) { " …" } else { "" };
        format!(" ({} {}{more})", words::subject(self.breach), named.join(", "))
    }

    /// For a script.
    pub fn json(&self) -> Value {
        let examples = if self.files.is_empty() { json!(self.rows) } else { json!(self.files) };
        let mut told = json!({
            "name": self.breach.name(), "well": self.is_well(), "count": self.count,
            "of": words::subject(self.breach), "examples": examples,
        });
        if self.count > 0 {
            told["found"] = json!(words::what(self.breach));
            told["remedy"] = json!(words::remedy(self.breach));
        }
        told
    }
}
