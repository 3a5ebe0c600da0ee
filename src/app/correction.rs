//! What an operator or a program wants an entry to be, held against what can be true: one rule for the
//! dashboard's form and the API.

use chrono::NaiveDate;

use crate::domain::reading::Fields;
use crate::store::entry_revisions::Wanted;

/// A member that cannot be as it is wanted, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unbelievable {
    /// Which: merchant, date, total, tax.
    pub what: &'static str,
    /// What is wanted instead.
    pub problem: &'static str,
}

/// Whether an entry that stands as `standing` can become `wanted`. What stands is not argued with: it
/// may have been read by an older version.
pub fn check(wanted: &Wanted, standing: &Wanted, today: NaiveDate) -> Result<(), Unbelievable> {
    let wrong = |what, problem| Err(Unbelievable { what, problem });
    if wanted.total.is_none() && standing.total.is_some() {
        return wrong("total", "it is known, and cannot become unknown; type what was paid");
    }
    if wanted.total.is_some_and(|it| it.minor <= 0) {
        return wrong("total", "want an amount above zero");
    }
    if let Some(tax) = wanted.tax {
        let within =
            wanted.total.is_some_and(|it| tax.currency == it.currency && tax.minor < it.minor);
        if tax.minor < 0 || !within {
            return wrong("tax", "want a part of the total, in the same currency");
        }
    }
    let (merchant, date) = (wanted.merchant.clone(), wanted.date);
    let believed = Fields { merchant, date, ..Fields::default() }.believable(today);
    if believed.merchant != wanted.merchant && wanted.merchant != standing.merchant {
        return wrong("merchant", "want a name of 2 to 120 characters with a letter in it");
    }
    if believed.date != wanted.date && wanted.date != standing.date {
        return wrong("date", "want a day between 1990 and today");
    }
    Ok(())
}
