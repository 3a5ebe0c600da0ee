//! An entry as answers speak of it.

use std::fmt;

use chrono::NaiveDate;

use crate::domain::ids::EntryId;
use crate::domain::money::{Currency, Money};
use crate::domain::reading::Category;

/// An entry as answers speak of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Which.
    pub id: EntryId,
    /// Whether it counts.
    pub state: EntryState,
    /// Its currency, which may be known where the total is not.
    pub currency: Option<Currency>,
    /// What it says.
    pub summary: EntrySummary,
}

/// Whether an entry counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryState {
    /// Total and currency are known.
    Booked,
    /// They are not.
    Incomplete,
    /// It looks like another one: it does not count until the sender says that it is new.
    Duplicate,
}

impl EntryState {
    /// What it is by its total alone.
    pub fn of(total: Option<Money>) -> Self {
        if total.is_some() { Self::Booked } else { Self::Incomplete }
    }

    /// Our word for it, in SQL and in views.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Booked => "booked",
            Self::Incomplete => "incomplete",
            Self::Duplicate => "duplicate",
        }
    }

    /// Reads [`EntryState::as_str`].
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Booked, Self::Incomplete, Self::Duplicate].into_iter().find(|it| it.as_str() == word)
    }
}

/// What an answer says of an entry. `None` is unknown, and is said to be.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct EntrySummary {
    /// What kind of expense.
    pub category: Option<Category>,
    /// How much, with its currency.
    pub total: Option<Money>,
    /// Where.
    pub merchant: Option<String>,
    /// When.
    pub date: Option<NaiveDate>,
}

/// Shows what is known and the amount; where somebody shops stays out of logs.
impl fmt::Debug for EntrySummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EntrySummary")
            .field("category", &self.category)
            .field("total", &self.total)
            .field("merchant", &self.merchant.as_ref().map(|_| "…"))
            .field("date", &self.date)
            .finish()
    }
}
