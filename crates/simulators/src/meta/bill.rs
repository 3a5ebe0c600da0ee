//! What Meta charges for: each message that arrived, once, at the price class that its statuses
//! told. Service messages are free up to an allowance for each number and month, as reported for
//! October 2026. No price is known here.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::Meta;
use super::messages::Sent;

/// Service messages of a number that are free in a month, as reported.
pub(crate) const FREE_SERVICE_MESSAGES: usize = 1_000;

/// What a message is charged as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pricing {
    /// Whether it costs anything.
    pub billable: bool,
    /// `regular`, `free_customer_service`.
    pub kind: &'static str,
    /// `service`, `utility`, `marketing`.
    pub category: String,
}

impl Pricing {
    /// Of the next message of `category` from `number` at `now`, after those that were `sent`.
    pub(crate) fn next(
        free_service_messages: usize,
        sent: &[Sent],
        number: &str,
        category: &str,
        now: DateTime<Utc>,
    ) -> Self {
        let alike = |it: &&Sent| {
            it.phone_number_id == number && it.category == category && month(it.at) == month(now)
        };
        let free =
            category == "service" && sent.iter().filter(alike).count() < free_service_messages;
        let kind = if free { "free_customer_service" } else { "regular" };
        Self { billable: !free, kind, category: category.to_owned() }
    }

    pub(crate) fn as_json(&self) -> Value {
        json!({
            "billable": self.billable,
            "pricing_model": "PMP",
            "category": self.category,
            "type": self.kind,
        })
    }
}

/// One line of the bill: number, month, category and kind of price.
pub type BillLine = (String, String, String, String);

/// Which messages have arrived, and so are on the bill, each once.
#[derive(Default)]
pub(crate) struct Bill(HashMap<String, (BillLine, bool)>);

impl Bill {
    pub(crate) fn arrived(&mut self, sent: &Sent, at: DateTime<Utc>) {
        let pricing = &sent.pricing;
        let line = (
            sent.phone_number_id.clone(),
            month(at),
            pricing.category.clone(),
            pricing.kind.to_owned(),
        );
        self.0.entry(sent.wamid.clone()).or_insert((line, pricing.billable));
    }
}

impl Meta {
    /// From now on so many service messages of a number are free in a month.
    pub fn free_service_messages(&self, count: usize) {
        self.vendor().state.memory().free_service_messages = count;
    }

    /// The bill: for each line how many messages cost something and how many were free. In order.
    pub fn bill(&self) -> Vec<(BillLine, i64, i64)> {
        let mut sums: HashMap<BillLine, (i64, i64)> = HashMap::new();
        for (line, billable) in self.vendor().state.memory().bill.0.values() {
            let sum = sums.entry(line.clone()).or_default();
            if *billable {
                sum.0 += 1;
            } else {
                sum.1 += 1;
            }
        }
        let mut bill: Vec<_> =
            sums.into_iter().map(|(line, (paid, free))| (line, paid, free)).collect();
        bill.sort();
        bill
    }
}

/// `2026-11`
fn month(at: DateTime<Utc>) -> String {
    at.format("%Y-%m").to_string()
}
