//! What was read from each photo: paid for once, kept for every retry.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::{Store, StoreError, Tx};
use crate::domain::ids::MessageId;
use crate::domain::money::{Country, Currency, Decimal};
use crate::domain::reading::{Category, Confidence, Fields, Reading, TaxLine, Usage, Verdict};

/// What one engine made of a photo.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "as few are held at once as there are engines")]
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
                    receipt_date, category, tax_unscaled, tax_scale, country, tax_number,
                    tax_lines, merchant_sure, total_sure, currency_sure, date_sure,
                    category_sure, model, prompt, input_tokens, output_tokens, cost_micro_usd
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
                    tax_number: row.tax_number,
                    tax_lines: row.tax_lines.map_or_else(Vec::new, |it| tax_lines(&it)),
                    country: row.country.as_deref().and_then(Country::parse),
                    confidence: Confidence {
                        merchant: percent(row.merchant_sure),
                        total: percent(row.total_sure),
                        currency: percent(row.currency_sure),
                        date: percent(row.date_sure),
                        category: percent(row.category_sure),
                    },
                }),
                _ => return Err(UNREADABLE),
            };
            let usage = row.model.zip(row.prompt).map(|(model, prompt)| Usage {
                model,
                prompt,
                input_tokens: row.input_tokens.unwrap_or(0),
                output_tokens: row.output_tokens.unwrap_or(0),
                cost_micro_usd: row.cost_micro_usd,
            });
            readings.push(Read::Seen(Reading { engine: row.engine, verdict, usage }));
        }
        Ok(readings)
    }
}

impl Store {
    /// Messages received from `since` on whose photo is here: those after `after`, in their order,
    /// at most `limit`.
    pub async fn photos_since(
        &self,
        since: DateTime<Utc>,
        after: MessageId,
        limit: i64,
    ) -> Result<Vec<MessageId>, StoreError> {
        let ids = sqlx::query_scalar!(
            "select messages.id
             from messages
             join media on media.message_id = messages.id
             where media.state = 'stored'
               and messages.received_at >= $1
               and messages.id > $2
             order by messages.id
             limit $3",
            since,
            after.0,
            limit
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(ids.into_iter().map(MessageId).collect())
    }
}

/// Writes a reading down in place of the one that its engine made before, if it made one.
pub async fn replace_reading(
    tx: &mut Tx,
    message: MessageId,
    read: &Read,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "delete from readings
         where message_id = $1 and engine = $2",
        message.0,
        read.engine()
    )
    .execute(&mut **tx)
    .await?;
    keep_reading(tx, message, read, now).await
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
    let usage = match read {
        Read::Seen(reading) => reading.usage.as_ref(),
        Read::Not { .. } => None,
    };
    let sure = fields.confidence;
    let sure = [sure.merchant, sure.total, sure.currency, sure.date, sure.category];
    let sure = sure.map(|it| it.map(i16::from));
    let done = sqlx::query!(
        "insert into readings (message_id, engine, verdict, reason, merchant, total_unscaled,
                               total_scale, currency, receipt_date, category, tax_unscaled,
                               tax_scale, country, read_at, tax_number, tax_lines,
                               merchant_sure, total_sure, currency_sure, date_sure,
                               category_sure, model, prompt, input_tokens, output_tokens,
                               cost_micro_usd)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,
                 $19, $20, $21, $22, $23, $24, $25, $26)
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
        now,
        fields.tax_number,
        tax_json(&fields.tax_lines),
        sure[0],
        sure[1],
        sure[2],
        sure[3],
        sure[4],
        usage.map(|it| it.model.as_str()),
        usage.map(|it| it.prompt.as_str()),
        usage.map(|it| it.input_tokens),
        usage.map(|it| it.output_tokens),
        usage.and_then(|it| it.cost_micro_usd)
    )
    .execute(&mut **tx)
    .await?;
    match usage {
        Some(usage) if done.rows_affected() == 1 => count_cost(tx, read.engine(), usage, now).await,
        Some(_) | None => Ok(()),
    }
}

/// Counts a reading that was paid for, in its month.
async fn count_cost(
    tx: &mut Tx,
    engine: &str,
    usage: &Usage,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into reading_costs as known (month, engine, model, readings, input_tokens,
                                             output_tokens, cost_micro_usd)
         values (date_trunc('month', $1::timestamptz at time zone 'UTC')::date, $2, $3, 1, $4, $5, $6)
         on conflict (month, engine, model) do update
         set readings = known.readings + 1,
             input_tokens = known.input_tokens + excluded.input_tokens,
             output_tokens = known.output_tokens + excluded.output_tokens,
             cost_micro_usd = known.cost_micro_usd + excluded.cost_micro_usd",
        now,
        engine,
        usage.model,
        usage.input_tokens,
        usage.output_tokens,
        usage.cost_micro_usd
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

/// A percentage in a `smallint` that is checked to be one.
fn percent(sure: Option<i16>) -> Option<u8> {
    sure.and_then(|it| u8::try_from(it).ok())
}

/// Amounts as texts: a JSON number may become a float on its way.
fn tax_json(lines: &[TaxLine]) -> Option<Value> {
    let text = |it: Decimal| it.to_string();
    let line = |it: &TaxLine| json!({ "rate": it.rate.map(text), "net": text(it.net), "tax": text(it.tax) });
    (!lines.is_empty()).then(|| lines.iter().map(line).collect())
}

/// What [`tax_json`] wrote.
fn tax_lines(json: &Value) -> Vec<TaxLine> {
    let amount = |it: &Value| it.as_str().and_then(Decimal::parse_plain);
    let line = |it: &Value| {
        let (net, tax) = (amount(&it["net"])?, amount(&it["tax"])?);
        Some(TaxLine { rate: amount(&it["rate"]), net, tax })
    };
    json.as_array().into_iter().flatten().filter_map(line).collect()
}

const UNREADABLE: StoreError =
    StoreError::Unreadable { table: "readings", column: "verdict or amount" };
