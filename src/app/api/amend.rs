//! What an entry is to become, as a program says it: members that are left out stay as they are. Whether
//! an entry can be so is asked in `app/correction.rs`.

use chrono::NaiveDate;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::ToSchema;

use super::refusal::Refusal;
use crate::domain::money::{Currency, Money};
use crate::domain::reading::Category;
use crate::store::entry_revisions::Wanted;

/// What an entry is to become. A member that is left out stays as it is; `null` makes it unknown.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Correction {
    /// `revision` of the entry as it was looked at: if it has been changed since, the answer is 409.
    /// Left out: whatever it is now is changed.
    pub revision: Option<i64>,
    /// Where it was paid: 2 to 120 characters.
    #[serde(default, skip_serializing_if = "Given::is_left_out")]
    #[schema(value_type = Option<String>)]
    merchant: Given<String>,
    /// The day on the receipt, 1990 to today.
    #[serde(default, skip_serializing_if = "Given::is_left_out")]
    #[schema(value_type = Option<NaiveDate>)]
    date: Given<NaiveDate>,
    /// What was paid, in minor units, above zero. One that is known cannot become unknown.
    #[schema(minimum = 1)]
    total_minor: Option<i64>,
    /// ISO 4217; with `total_minor`, where it is another than before.
    #[schema(min_length = 3, max_length = 3)]
    currency: Option<String>,
    /// The tax within the total, in minor units.
    #[serde(default, skip_serializing_if = "Given::is_left_out")]
    #[schema(value_type = Option<i64>)]
    tax_minor: Given<i64>,
    /// For what; one of the categories.
    #[serde(default, skip_serializing_if = "Given::is_left_out")]
    #[schema(value_type = Option<String>)]
    category: Given<String>,
}

/// A member of a correction: `null` is another thing than nothing.
#[derive(Clone, Default)]
enum Given<T> {
    #[default]
    LeftOut,
    Is(Option<T>),
}

impl<T> Given<T> {
    fn is_left_out(&self) -> bool {
        matches!(self, Self::LeftOut)
    }

    fn or(self, standing: Option<T>) -> Option<T> {
        match self {
            Self::LeftOut => standing,
            Self::Is(wanted) => wanted,
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Given<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Option::deserialize(from).map(Self::Is)
    }
}

impl<T: Serialize> Serialize for Given<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::LeftOut => to.serialize_none(),
            Self::Is(wanted) => wanted.serialize(to),
        }
    }
}

impl Correction {
    /// The entry as it is wanted, by what it is.
    pub fn applied(&self, standing: &Wanted, known: Option<Currency>) -> Result<Wanted, Refusal> {
        let invalid = |text: &str| Refusal::Invalid(text.to_owned());
        let currency = match &self.currency {
            None => known,
            Some(code) => {
                Some(Currency::parse(code).ok_or(invalid("currency: want ISO 4217, as EUR"))?)
            }
        };
        let money = |minor: i64| {
            let currency = currency.ok_or(invalid("currency: it is unknown; give it too"))?;
            Ok::<_, Refusal>(Money { minor, currency })
        };
        let total = match self.total_minor.or(standing.total.map(|it| it.minor)) {
            Some(minor) => Some(money(minor)?),
            None => None,
        };
        if currency != known && self.total_minor.is_none() {
            return Err(invalid("currency: want total_minor with it"));
        }
        // What was printed as tax is not a part of another amount.
        let fits = |tax: &Money| {
            total.is_some_and(|it| it.currency == tax.currency && tax.minor < it.minor)
        };
        let tax = match self.tax_minor {
            Given::Is(minor) => minor.map(money).transpose()?,
            Given::LeftOut => standing.tax.filter(fits),
        };
        let category = match self.category {
            Given::LeftOut => standing.category,
            Given::Is(None) => None,
            Given::Is(Some(ref word)) => {
                Some(Category::parse(word).ok_or(invalid("category: there is no such one"))?)
            }
        };
        Ok(Wanted {
            merchant: self.merchant.clone().or(standing.merchant.clone()),
            date: self.date.clone().or(standing.date),
            total,
            tax,
            category,
        })
    }
}
