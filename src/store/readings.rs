//! What was read from each photo: paid for once, kept for every retry.

use chrono::{DateTime, Utc};

use super::{Store, StoreError, Tx};
use crate::domain::ids::MessageId;
use crate::domain::money::{Country, Currency, Decimal};
use crate::domain::reading::{Category, Fields, Reading, Verdict};

/// What one engine made of a photo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Read {
    /// It looked at it.
    Seen(Reading),
    /// It cannot, and will not be able to.
    Not {
        /// Which engine.
        engine: String,
        /// In words, for the operator: nothing personal.
        reason: String,
    },
}

impl Read {
    /// Which engine this is from.
    pub fn engine(&self) -> &str {
        match self {
            Self::Seen(reading) => &reading.engine,
            Self::Not { engine, .. } => engine,
        }
    }
}

impl Store {
    /// What engines have made of `message` so far, each once.
    pub async fn readings(&self, message: MessageId) -> Result<Vec<Read>, StoreError> {
        let rows = sqlx::query!(
            "select engine, verdict, reason, merchant, total_unscaled, total_scale, currency,
                    receipt_date, category, tax_unscaled, tax_scale, country
             from readings
             where message_id = $1
             order by read_at",
            message.0
        )
        .fetch_all(&self.pool)
        .await?;
        let mut readings = Vec::with_capacity(rows.len());
        for row in rows {
            let verdict = match row.verdict.as_str() {
                "unreadable" => {
                    let reason = row.reason.unwrap_or_default();
                    readings.push(Read::Not { engine: row.engine, reason });
                    continue;
                }
                "not_a_receipt" => Verdict::NotAReceipt,
                "receipt" => Verdict::Receipt(Fields {
                    merchant: row.merchant,
                    total: decimal(row.total_unscaled, row.total_scale)?,
                    currency: row.currency.as_deref().and_then(Currency::parse),
                    date: row.receipt_date,
                    category: row.category.as_deref().and_then(Category::parse),
                    tax: decimal(row.tax_unscaled, row.tax_scale)?,
                    country: row.country.as_deref().and_then(Country::parse),
                }),
                _ => return Err(UNREADABLE),
            };
            readings.push(Read::Seen(Reading { engine: row.engine, verdict }));
        }
        Ok(readings)
    }
}

/// Writes a reading down. The first one of an engine stands: a later call changes nothing.
pub async fn keep_reading(
    tx: &mut Tx,
    message: MessageId,
    read: &Read,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let (verdict, reason) = match read {
        Read::Seen(reading) => (word(&reading.verdict), None),
        Read::Not { reason, .. } => ("unreadable", Some(reason.as_str())),
    };
    let unknown = Fields::default();
    let fields = match read {
        Read::Seen(Reading { verdict: Verdict::Receipt(fields), .. }) => fields,
        Read::Seen(_) | Read::Not { .. } => &unknown,
    };
    sqlx::query!(
        "insert into readings (message_id, engine, verdict, reason, merchant, total_unscaled,
                                   total_scale, currency, receipt_date, category, tax_unscaled,
                                   tax_scale, country, read_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
             on conflict (message_id, engine) do nothing",
        message.0,
        read.engine(),
        verdict,
        reason,
        fields.merchant,
        fields.total.map(Decimal::unscaled),
        fields.total.map(|it| i16::from(it.scale())),
        fields.currency.map(Currency::code),
        fields.date,
        fields.category.map(Category::as_str),
        fields.tax.map(Decimal::unscaled),
        fields.tax.map(|it| i16::from(it.scale())),
        fields.country.as_ref().map(Country::code),
        now
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

fn word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Receipt(_) => "receipt",
        Verdict::NotAReceipt => "not_a_receipt",
    }
}

fn decimal(unscaled: Option<i64>, scale: Option<i16>) -> Result<Option<Decimal>, StoreError> {
    let Some((unscaled, scale)) = unscaled.zip(scale) else { return Ok(None) };
    let scale = u8::try_from(scale).map_err(|_| UNREADABLE)?;
    Ok(Some(Decimal::new(unscaled, scale)))
}

const UNREADABLE: StoreError =
    StoreError::Unreadable { table: "readings", column: "verdict or amount" };
