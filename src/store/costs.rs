//! What sends cost, counted in messages while their statuses come in: so a question about a month
//! does not walk over its messages. Knows no price.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, NaiveDate, Utc};

use super::{StoreError, Tx};
use crate::domain::delivery::Pricing;

/// Messages that have arrived and are priced, to be counted in one go at the end of a transaction:
/// rows that everybody counts in are locked for a moment only, and always in the same order.
#[derive(Debug, Default)]
pub struct Costs(BTreeMap<Line, Sums>);

/// Number, month, category, kind of price.
type Line = (String, NaiveDate, String, String);

#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    billable: i64,
    free: i64,
}

impl Costs {
    /// One message from `number` that arrived at `at`, by Meta's clock.
    pub fn add(&mut self, number: &str, at: DateTime<Utc>, pricing: &Pricing) {
        let day = at.date_naive();
        let month = day.with_day(1).unwrap_or(day);
        let kind = pricing.kind.clone().unwrap_or_else(|| "unknown".to_owned());
        let line = (number.to_owned(), month, pricing.category.clone(), kind);
        let sums = self.0.entry(line).or_default();
        if pricing.billable {
            sums.billable += 1;
        } else {
            sums.free += 1;
        }
    }

    /// Counts them. Call it last in its transaction, once.
    pub async fn count(self, tx: &mut Tx) -> Result<(), StoreError> {
        for ((number, month, category, kind), sums) in self.0 {
            sqlx::query!(
                "insert into costs as known (phone_number_id, month, category, pricing_type,
                                             billable_messages, free_messages)
                 values ($1, $2, $3, $4, $5, $6)
                 on conflict (phone_number_id, month, category, pricing_type) do update
                 set billable_messages = known.billable_messages + $5,
                     free_messages = known.free_messages + $6",
                number,
                month,
                category,
                kind,
                sums.billable,
                sums.free
            )
            .execute(&mut **tx)
            .await?;
        }
        Ok(())
    }
}
