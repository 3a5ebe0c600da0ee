//! How an entry is written: as a line of CSV or as a JSON object in a line. Both have the same fields
//! by the same names.

use std::io::Write;

use serde_json::json;

use crate::store::exported::Exported;

/// The fields, in their order.
const FIELDS: [&str; 16] = [
    "entry",
    "state",
    "booked_at",
    "date",
    "merchant",
    "category",
    "amount",
    "amount_minor",
    "currency",
    "tax",
    "tax_minor",
    "customer",
    "confirmed_at",
    "corrections",
    "duplicate_of",
    "photo",
];

/// A form of writing entries.
pub trait Form {
    /// Writes one; `photo` is the file that its photo was written to.
    fn write(&mut self, entry: &Exported, photo: Option<&str>) -> anyhow::Result<()>;
    /// Everything is on its way when this returns.
    fn finish(&mut self) -> anyhow::Result<()>;
}

/// CSV by RFC 4180, with a header.
pub struct Csv<W: Write>(csv::Writer<W>);

impl<W: Write> Csv<W> {
    /// Writes the header.
    pub fn begin(out: W) -> anyhow::Result<Self> {
        let mut out = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(out);
        out.write_record(FIELDS)?;
        Ok(Self(out))
    }

    /// Goes on where another one ended: without a header.
    pub fn go_on(out: W) -> Self {
        Self(csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(out))
    }
}

impl<W: Write> Form for Csv<W> {
    fn write(&mut self, entry: &Exported, photo: Option<&str>) -> anyhow::Result<()> {
        let text = |it: Option<String>| it.unwrap_or_default();
        let time = |it: chrono::DateTime<chrono::Utc>| it.format("%Y-%m-%dT%H:%M:%SZ").to_string();
        self.0.write_record([
            entry.id.0.to_string(),
            entry.state.as_str().to_owned(),
            time(entry.booked_at),
            text(entry.date.map(|it| it.to_string())),
            text(entry.merchant.as_deref().map(harmless)),
            text(entry.category.map(|it| it.as_str().to_owned())),
            text(entry.total.map(|it| it.decimal().to_string())),
            text(entry.total.map(|it| it.minor.to_string())),
            text(entry.currency.map(|it| it.code().to_owned())),
            text(entry.tax.map(|it| it.decimal().to_string())),
            text(entry.tax.map(|it| it.minor.to_string())),
            harmless(&entry.customer.0),
            text(entry.confirmed_at.map(time)),
            entry.corrections.to_string(),
            text(entry.duplicate_of.map(|it| it.0.to_string())),
            photo.unwrap_or_default().to_owned(),
        ])?;
        Ok(())
    }

    fn finish(&mut self) -> anyhow::Result<()> {
        Ok(self.0.flush()?)
    }
}

/// A text that no spreadsheet takes for a formula: what a stranger had printed on a receipt is run by
/// nobody. A cell that begins as a formula does gets an apostrophe before it. Source: OWASP, "CSV
/// Injection".
fn harmless(text: &str) -> String {
    let first = text.trim_start_matches(|it: char| it.is_whitespace() && !it.is_control());
    let is_formula =
        first.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    if is_formula { format!("'{text}") } else { text.to_owned() }
}

/// An object in each line.
pub struct Jsonl<W: Write>(pub W);

impl<W: Write> Form for Jsonl<W> {
    fn write(&mut self, entry: &Exported, photo: Option<&str>) -> anyhow::Result<()> {
        let line = json!({
            "entry": entry.id.0,
            "state": entry.state.as_str(),
            "booked_at": entry.booked_at,
            "date": entry.date,
            "merchant": entry.merchant,
            "category": entry.category.map(crate::domain::reading::Category::as_str),
            "amount": entry.total.map(|it| it.decimal().to_string()),
            "amount_minor": entry.total.map(|it| it.minor),
            "currency": entry.currency.map(crate::domain::money::Currency::code),
            "tax": entry.tax.map(|it| it.decimal().to_string()),
            "tax_minor": entry.tax.map(|it| it.minor),
            "customer": entry.customer.0,
            "confirmed_at": entry.confirmed_at,
            "corrections": entry.corrections,
            "duplicate_of": entry.duplicate_of.map(|it| it.0),
            "photo": photo,
        });
        writeln!(self.0, "{line}")?;
        Ok(())
    }

    fn finish(&mut self) -> anyhow::Result<()> {
        Ok(self.0.flush()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_merchant_that_would_be_a_formula_is_a_text() {
        let check = |text: &str, expected: &str| assert_eq!(harmless(text), expected);
        check("=HYPERLINK(\"http://x\")", "'=HYPERLINK(\"http://x\")");
        check("+420", "'+420");
        check("-1", "'-1");
        check("@SUM(A1)", "'@SUM(A1)");
        check("  =1+1", "'  =1+1");
        check("\t=1", "'\t=1");
        check("＝1+1", "'＝1+1");
        check("Café Slavia = dobře", "Café Slavia = dobře");
        check("", "");
    }
}
