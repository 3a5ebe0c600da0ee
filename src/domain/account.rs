//! What Meta tells of the account and not of a message: how a template stands, what a person wants
//! to be sent. May be told twice and in any order; each carries Meta's time.

use chrono::{DateTime, Utc};

use super::chat::Wish;
use super::sender::Sender;

/// One such piece of news.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccountNews {
    /// Of a template.
    Template(TemplateNews),
    /// Of a person, who used WhatsApp's own switch.
    Preference(Preference),
}

/// News of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateNews {
    /// Meta's id of it, where told.
    pub id: Option<String>,
    /// Its name.
    pub name: String,
    /// Its language's code.
    pub language: String,
    /// Meta's time of it.
    pub at: DateTime<Utc>,
    /// What changed.
    pub change: TemplateChange,
}

/// What changed of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TemplateChange {
    /// Whether it may be sent.
    Status {
        /// Meta's word.
        status: String,
        /// Why, and what Meta recommends.
        reason: Option<String>,
    },
    /// What it is billed as.
    Category {
        /// From now on.
        now: String,
        /// Before, where told.
        before: Option<String>,
    },
    /// What people make of it.
    Quality(String),
}

/// Whether a person wants reminders, as they told WhatsApp.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preference {
    /// Who.
    pub sender: Sender,
    /// What they want.
    pub wish: Wish,
    /// Meta's time of it.
    pub at: DateTime<Utc>,
}
