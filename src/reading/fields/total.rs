//! What speaks for which total: labels, what was handed over and back, what the card was
//! charged, the items, the tax table. It collects; `truth` judges. Never "the largest number".

use super::{
    labels::{Label, label},
    place::Place,
    rows::{Form, Printed, Row},
};
use crate::domain::money::{Currency, Decimal};

/// An item read with less confidence, in percent, says nothing about the total.
const READ: u8 = 50;

/// An amount with the word beside it.
#[derive(Clone, Debug)]
pub struct Labelled {
    /// What the word says.
    pub label: Label,
    /// How much.
    pub value: Decimal,
    /// In which row.
    pub row: usize,
    /// As it was printed, in full and well read.
    pub clean: bool,
    /// Hardly read.
    pub doubtful: bool,
    /// The word and the amount stand in one row.
    pub beside: bool,
}

/// One row of a tax table whose numbers add up.
#[derive(Clone, Copy, Debug)]
pub struct TaxRow {
    /// Without tax.
    pub net: Decimal,
    /// The tax.
    pub tax: Decimal,
    /// Whether the sum of both is printed too.
    pub gross_printed: bool,
    /// In percent, where the row says it.
    pub rate: Option<Decimal>,
}

/// All that speaks for or against a total.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// Amounts with a label, outside the tax table, from top to bottom.
    pub labelled: Vec<Labelled>,
    /// Amounts of the rows above the first total, each the last in its row.
    pub items: Vec<Decimal>,
    /// Rows of the tax table.
    pub tax_rows: Vec<TaxRow>,
    /// Taxes with the rate beside them, in hundredths of a percent.
    pub rated: Vec<(Decimal, i64)>,
    /// Every amount with decimals on the paper.
    pub printed: Vec<Decimal>,
}

impl Evidence {
    /// The amounts with one of these labels.
    pub fn with(&self, labels: &[Label]) -> impl DoubleEndedIterator<Item = &Labelled> {
        self.labelled.iter().filter(move |it| labels.contains(&it.label))
    }
}

/// Collects the evidence of all rows.
pub fn evidence(rows: &[Row], place: &Place) -> Evidence {
    let mut out = Evidence::default();
    let mut in_table = false;
    let mut seen_total = false;
    for (at, row) in rows.iter().enumerate() {
        out.printed.extend(row.plain().map(|it| it.value));
        let says = row.says;
        out.rated.extend(rated(row, says));
        if says == Some(Label::TaxTable) {
            in_table = true;
            out.tax_rows.extend(tax_row(row));
            continue;
        }
        if in_table && leaves_table(row, says) {
            in_table = false;
        }
        if in_table || has_tax_columns(row) {
            out.tax_rows.extend(tax_row(row));
            continue;
        }
        let found = labelled(rows, at, place);
        seen_total |= found.iter().any(|it| ends_items(it.label));
        if !seen_total && found.is_empty() {
            let last = row.plain().next_back().filter(|it| it.sure >= READ);
            out.items.extend(last.map(|it| it.value));
        }
        out.labelled.extend(found);
    }
    out
}

/// `enthaltene MwSt 19% 7,34`
fn rated(row: &Row, says: Option<Label>) -> Option<(Decimal, i64)> {
    let tax = says? == Label::Tax || row.folded.contains("MWST") || row.folded.contains("VAT");
    let rate = rate(row)?.in_currency(Currency::EUR).ok()?.minor;
    let amount = row.plain().next_back()?.value;
    (tax && (100..=3_000).contains(&rate)).then_some((amount, rate))
}

/// The number before the first percent sign.
fn rate(row: &Row) -> Option<Decimal> {
    let before = row.folded.split('%').next().filter(|it| it.len() < row.folded.len())?;
    let digits = |it: &char| it.is_ascii_digit() || ".,".contains(*it);
    let rate: Vec<char> = before.trim_end().chars().rev().take_while(digits).collect();
    let rate: String = rate.into_iter().rev().collect();
    Decimal::parse(&rate).ok()
}

fn ends_items(label: Label) -> bool {
    matches!(
        label,
        Label::Due | Label::Total | Label::Subtotal | Label::Net | Label::Cash | Label::Card
    )
}

/// The tax table ends where money changes hands, or where there is only text.
fn leaves_table(row: &Row, says: Option<Label>) -> bool {
    matches!(says, Some(Label::Cash | Label::Card | Label::Change | Label::Due))
        || (row.amounts.is_empty() && row.has_words())
}

/// Net, tax and gross side by side, adding up.
fn has_tax_columns(row: &Row) -> bool {
    let bare = row.plain().filter(|it| it.lead.trim().is_empty()).count();
    bare >= 2 && row.plain().count() >= 3 && tax_row(row).is_some_and(|it| it.gross_printed)
}

/// Three amounts of which two make the third, else a net amount and a tax that may be its tax.
fn tax_row(row: &Row) -> Option<TaxRow> {
    let values: Vec<Decimal> = row.plain().map(|it| it.value).collect();
    for (at, a) in values.iter().enumerate() {
        for (b_at, b) in values.iter().enumerate().skip(at + 1) {
            let sum = a.plus(*b)?;
            let (net, tax) = if a > b { (*a, *b) } else { (*b, *a) };
            let printed =
                values.iter().enumerate().any(|(c, it)| c != at && c != b_at && *it == sum);
            if printed && !tax.is_zero() && !tax.is_negative() {
                return Some(TaxRow { net, tax, gross_printed: true, rate: rate(row) });
            }
        }
    }
    match values[..] {
        [.., net, tax] if may_be_tax(net, tax) => {
            Some(TaxRow { net, tax, gross_printed: false, rate: rate(row) })
        }
        _ => None,
    }
}

/// Between nothing and 30 % of the net amount.
fn may_be_tax(net: Decimal, tax: Decimal) -> bool {
    let Some(tenfold) = (0..9).try_fold(tax, |sum, _| sum.plus(tax)) else {
        return false;
    };
    let Some(threefold) = net.plus(net).and_then(|it| it.plus(net)) else {
        return false;
    };
    !tax.is_negative() && !net.is_negative() && tenfold <= threefold
}

/// Every amount of the row with the label before it; a label without an amount takes the
/// lone amount of the next row.
fn labelled(rows: &[Row], at: usize, place: &Place) -> Vec<Labelled> {
    let row = &rows[at];
    let mut out = Vec::new();
    let mut current = None;
    for printed in usable(row, place) {
        let said = label(&printed.lead);
        current = said.or(current);
        if said.is_none()
            && printed.lead.chars().any(|it| it.is_ascii_alphabetic())
            && out.is_empty()
        {
            continue;
        }
        let clean = printed.form == Form::Plain && printed.sure >= 80;
        let doubtful = printed.sure < 60;
        if let Some(label) = current
            && let Some(value) = mended(printed, label)
        {
            out.push(Labelled { label, value, row: at, clean, doubtful, beside: true });
        }
    }
    if out.is_empty() && row.amounts.is_empty() {
        out.extend(below(rows, at, place));
    }
    keep_last_of_each(out)
}

/// In `SUMME 3 28,81` and `Total 5 12.00 12.00` the last amount counts.
fn keep_last_of_each(found: Vec<Labelled>) -> Vec<Labelled> {
    let mut out: Vec<Labelled> = Vec::new();
    for one in found {
        match out.last_mut() {
            Some(last) if last.label == one.label => *last = one,
            _ => out.push(one),
        }
    }
    out
}

/// Amounts that may be money: those with decimals; without, only beside a currency.
fn usable<'a>(row: &'a Row, place: &'a Place) -> impl Iterator<Item = &'a Printed> {
    let whole_too = place.habit().no_decimals;
    let lone = row.amounts.len() == 1;
    row.amounts.iter().filter(move |it| {
        it.form != Form::Whole || it.signed || whole_too || (lone && it.lost_point.is_some())
    })
}

/// A tax of 571 in a currency with decimals is one of 5.71, a change of 005 is 0.05.
fn mended(printed: &Printed, label: Label) -> Option<Decimal> {
    let small = matches!(label, Label::Tax | Label::Change | Label::Rounding);
    match printed.form {
        Form::Whole if small && !printed.signed => printed.lost_point,
        Form::Whole if !printed.signed && printed.lost_point.is_some() => None,
        Form::Plain | Form::Whole | Form::Mended => Some(printed.value),
    }
}

fn below(rows: &[Row], at: usize, place: &Place) -> Option<Labelled> {
    let said = rows[at].says?;
    let next = rows.get(at + 1)?;
    let alone = next.folded.chars().filter(char::is_ascii_alphabetic).count() <= 3;
    let mut amounts = usable(next, place);
    let (Some(one), None, true) = (amounts.next(), amounts.next(), alone) else {
        return None;
    };
    let worthy = matches!(said, Label::Due | Label::Total);
    worthy.then_some(Labelled {
        label: said,
        value: one.value,
        row: at,
        clean: false,
        doubtful: one.sure < 60,
        beside: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reading::{engines::Page, fields::rows::rows};

    fn check(text: &str, expected: &[(Label, &str)]) {
        let place = Place::in_country("MY");
        let mut rows = rows(&Page::from_text(text));
        for row in &mut rows {
            row.find_amounts(&place);
        }
        let found = evidence(&rows, &place);
        let found: Vec<(Label, String)> =
            found.labelled.iter().map(|it| (it.label, it.value.to_string())).collect();
        let expected: Vec<(Label, String)> =
            expected.iter().map(|(label, value)| (*label, (*value).to_owned())).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn each_amount_goes_with_the_words_before_it() {
        check("Item Count 1  Change Amt 44,10", &[(Label::Change, "44.10")]);
        check("Total Qty : 5  Sub-Total : 21.00", &[(Label::Subtotal, "21.00")]);
        check(
            "Total Saving 0.00  Total 77.20",
            &[(Label::Discount, "0.00"), (Label::Total, "77.20")],
        );
        check("Milk 2.00", &[]);
        check("TOTAL\nRM 12.50", &[(Label::Total, "12.50")]);
    }

    #[test]
    fn the_tax_table_is_not_mistaken_for_the_total() {
        check("GST Summary  Amount  Tax\nSR 6%  23.58  1.42\nTotal:  23.58  1.42", &[]);
        check("SR 6  7,395.09  443.71  7,838.80", &[]);
    }
}
