//! Entries as lines of CSV, for `/entries.csv` and `paragon export` alike. A name that a spreadsheet
//! would take for a formula is made a text. Amounts are plain decimals with a point, times RFC 3339.

use crate::domain::money::Money;
use crate::domain::reading::Category;
use crate::store::pages::entries::Entry;

/// The columns: an interface, so more may follow and none is renamed.
pub const HEADER: [&str; 13] = [
    "id",
    "state",
    "date",
    "merchant",
    "category",
    "total",
    "currency",
    "tax",
    "customer",
    "booked_at",
    "confirmed_at",
    "duplicate_of",
    "message",
];

/// What a cell begins with that a spreadsheet calculates, in both widths.
const FORMULAS: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

/// The cells of one entry, in the order of [`HEADER`]. What is unknown is empty.
pub fn cells(entry: &Entry) -> [String; 13] {
    let amount = |it: Option<Money>| it.map_or_else(String::new, |it| it.decimal().to_string());
    [
        entry.id.0.to_string(),
        entry.state.as_str().to_owned(),
        entry.date.map_or_else(String::new, |it| it.to_string()),
        no_formula(entry.merchant.as_deref().unwrap_or_default()),
        entry.category.map_or("", Category::as_str).to_owned(),
        amount(entry.total),
        entry.currency.map_or("", |it| it.code()).to_owned(),
        amount(entry.tax),
        no_formula(&entry.customer),
        entry.booked_at.to_rfc3339(),
        entry.confirmed_at.map_or_else(String::new, |it| it.to_rfc3339()),
        entry.duplicate_of.map_or_else(String::new, |it| it.0.to_string()),
        entry.message.to_string(),
    ]
}

/// Some lines as bytes.
pub fn lines<const N: usize, S: AsRef<[u8]>>(
    rows: impl IntoIterator<Item = [S; N]>,
) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer.write_record(row)?;
    }
    writer.into_inner().map_err(|error| error.into_error().into())
}

/// The text behind an apostrophe where it begins like a formula: spreadsheets then show it.
fn no_formula(text: &str) -> String {
    if text.starts_with(FORMULAS) { format!("'{text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_a_formula_becomes_a_text_and_others_stay() {
        assert_eq!(no_formula("=HYPERLINK(\"http://x\")"), "'=HYPERLINK(\"http://x\")");
        assert_eq!(no_formula("＝1+1"), "'＝1+1");
        assert_eq!(no_formula("-5 Degrees Bar"), "'-5 Degrees Bar");
        assert_eq!(no_formula("Café = Bar"), "Café = Bar");
    }

    #[test]
    fn a_name_with_commas_quotes_and_line_ends_stays_one_cell() {
        let bytes = lines([["a,b", "c\"d", "e\nf"]]).unwrap();
        assert_eq!(String::from_utf8(bytes).unwrap(), "\"a,b\",\"c\"\"d\",\"e\nf\"\n");
    }
}
