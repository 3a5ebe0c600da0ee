//! What adds up, what is believed, what stays unknown. A wrong total is worse than none: evidence
//! for an amount is counted, evidence against it is held against it, and a close call is no call.

use std::collections::BTreeSet;

use super::fields::{Believed, Text, labels::Label, percent, total::Evidence};
use crate::domain::money::Decimal;

/// Sums may be this far apart where cash is rounded.
const SMALLEST_COIN: Decimal = Decimal::new(5, 2);
/// Below this nothing is believed.
const BELIEVED: i32 = 5;
/// By so much the best must lead.
const LEAD: i32 = 2;

/// How often a total is right whose evidence weighs so much more than the next one's; see
/// docs/reading.md.
const SURE: &[(i32, u8)] = &[(2, 80), (3, 86), (4, 90), (5, 95), (7, 97), (9, 98), (12, 99)];

/// The total, if the evidence carries one.
pub fn total(evidence: &Evidence) -> Option<Believed<Decimal>> {
    let mut scored: Vec<(i32, Decimal)> =
        candidates(evidence).into_iter().map(|it| (score(evidence, it), it)).collect();
    scored.sort();
    let (best, value) = scored.pop()?;
    let second = scored.pop().map_or(0, |(score, _)| score);
    let weight = best.min(best - second.max(0));
    (best >= BELIEVED && best - second >= LEAD)
        .then(|| Believed { value, sure: percent(weight, SURE) })
}

/// Whether anything on it speaks for a payment: amounts together with the words of a receipt.
pub fn is_a_receipt(text: &Text) -> bool {
    let amounts = text.evidence.printed.iter().filter(|it| !it.is_zero()).count();
    let kinds: BTreeSet<String> =
        text.rows.iter().filter_map(|it| it.says).map(|it| format!("{it:?}")).collect();
    let named = text.rows.iter().any(|it| NAMES.split('|').any(|name| it.folded.contains(name)));
    let signed = text.rows.iter().flat_map(|it| &it.amounts).any(|it| it.signed);
    let worded = kinds.len() + 2 * usize::from(named) + usize::from(signed);
    (amounts >= 1 && worded >= 2) || (amounts >= 4 && worded >= 1) || worded >= 5
}

/// What receipts call themselves, folded.
const NAMES: &str = "RECEIPT|TAX INVOICE|INVOICE NO|CASH BILL|UCTENKA|UCTENKY|DANOVY DOKLAD|\
    PARAGON|QUITTUNG|KASSENBON|RECHNUNG|BELEG-NR|HOA DON|FAHRSCHEIN|FAHRKARTE|PARKSCHEIN|JIZDENKA|FAKTURA|SCONTRINO|FACTURE|DPH|MWST";

fn candidates(evidence: &Evidence) -> BTreeSet<Decimal> {
    let said = [Label::Due, Label::Total, Label::Card, Label::Subtotal, Label::Cash];
    let mut out: BTreeSet<Decimal> = evidence.with(&said).map(|it| it.value).collect();
    out.extend(handed_over(evidence));
    out.extend(taxed(evidence));
    out.retain(|it| !it.is_negative() && !it.is_zero());
    out
}

fn score(evidence: &Evidence, value: Decimal) -> i32 {
    let labels = by_label(evidence, value);
    let arithmetic = by_payment(evidence, value) + by_sums(evidence, value);
    let printed = evidence.printed.iter().filter(|it| **it == value).count();
    let mentions = evidence.labelled.iter().filter(|it| it.value == value).count();
    let elsewhere = i32::from(printed > mentions);
    let never_printed = i32::from(printed == 0);
    labels + arithmetic + elsewhere + i32::from(is_rounded(evidence, value)) * 2
        - never_printed
        - against(evidence, value, arithmetic)
}

/// The word beside it, and its being said twice.
fn by_label(evidence: &Evidence, value: Decimal) -> i32 {
    let mine = || evidence.with(&[Label::Due, Label::Total]).filter(|it| it.value == value);
    let best = mine()
        .map(|it| {
            let word = if it.label == Label::Due { 5 } else { 4 };
            word + i32::from(it.clean) - i32::from(it.doubtful) - i32::from(!it.beside)
        })
        .max();
    let again = if mine().count() > 1 { 2 } else { 0 };
    best.unwrap_or(0) + again
}

/// What was handed over, less what was handed back; what the card was charged.
fn by_payment(evidence: &Evidence, value: Decimal) -> i32 {
    let change_is_none = evidence.with(&[Label::Change]).all(|it| it.value.is_zero());
    let exact = evidence.with(&[Label::Cash]).any(|it| it.value == value);
    let card = evidence.with(&[Label::Card]).filter(|it| it.value == value).count();
    let cash = match (handed_over(evidence).contains(&value), exact) {
        (true, _) => 4,
        (false, true) if change_is_none => 3,
        (false, true) => 1,
        (false, false) => 0,
    };
    cash + match card {
        0 => 0,
        1 => 3,
        _ => 5,
    }
}

/// The items, the tax, the rounding.
fn by_sums(evidence: &Evidence, value: Decimal) -> i32 {
    let sum = evidence.items.iter().try_fold(Decimal::new(0, 0), |sum, it| sum.plus(*it));
    let items = match evidence.items.len() {
        0 => 0,
        1 => 2,
        _ => 4,
    };
    let items = if sum == Some(value) { items } else { 0 };
    let taxed = if taxed(evidence).contains(&value) { 3 } else { 0 };
    let paid = handed_over(evidence).contains(&value);
    let rounded = match (rounded(evidence).contains(&value), paid) {
        (true, true) => 4,
        (true, false) => 2,
        (false, _) => 0,
    };
    let net = if net_and_tax(evidence).contains(&value) { 3 } else { 0 };
    items + taxed.max(net) + rounded
}

/// Other amounts that claim the same place. Arithmetic that holds makes them lighter.
fn against(evidence: &Evidence, value: Decimal, arithmetic: i32) -> i32 {
    let rival = evidence.with(&[Label::Due, Label::Total]).any(|it| {
        it.value != value && !it.value.is_zero() && !rounding_apart(evidence, it.value, value)
    });
    let paid = handed_over(evidence);
    let paid_otherwise = !paid.is_empty() && !paid.contains(&value);
    let card_otherwise = evidence.with(&[Label::Card]).any(|it| it.value > value)
        && !evidence.with(&[Label::Card]).any(|it| it.value == value);
    let net = net_and_tax(evidence);
    let sums_otherwise = !net.is_empty()
        && !net.iter().any(|it| near(*it, value) || rounding_apart(evidence, *it, value));
    let cash = || evidence.with(&[Label::Cash]);
    let paid_less = cash().count() > 0 && cash().all(|it| it.value < value);
    let exceeded =
        evidence.items.iter().chain(&nets(evidence)).any(|it| *it > value && !near(*it, value))
            && !evidence.with(&[Label::Discount]).any(|it| !it.value.is_zero());
    let weight = if arithmetic >= 4 { 1 } else { 3 };
    i32::from(rival) * weight
        + i32::from(paid_otherwise) * weight
        + i32::from(is_superseded(evidence, value)) * 4
        + i32::from(paid_less) * weight
        + i32::from(exceeded) * 3
        + i32::from(card_otherwise) * weight.min(2)
        + i32::from(sums_otherwise) * weight.min(2)
}

fn nets(evidence: &Evidence) -> Vec<Decimal> {
    evidence.with(&[Label::Net]).filter_map(|it| it.value.abs()).collect()
}

/// A total whose rounding leads to what was paid, or to another total below it.
fn is_superseded(evidence: &Evidence, value: Decimal) -> bool {
    let mut after = handed_over(evidence);
    let totals = || evidence.with(&[Label::Due, Label::Total]);
    let mine = totals().find(|it| it.value == value).map(|it| it.row);
    after.extend(totals().filter(|it| mine.is_some_and(|row| it.row > row)).map(|it| it.value));
    let mut roundings = evidence.with(&[Label::Rounding]).filter(|it| !it.value.is_zero());
    roundings.any(|it| {
        [value.plus(it.value), value.minus(it.value)].iter().flatten().any(|it| after.contains(it))
    })
}

fn near(one: Decimal, other: Decimal) -> bool {
    one.minus(other).and_then(Decimal::abs).is_some_and(|it| it <= SMALLEST_COIN)
}

/// The last of several totals, apart from an earlier one by a rounding that is printed between.
fn is_rounded(evidence: &Evidence, value: Decimal) -> bool {
    let totals = || evidence.with(&[Label::Due, Label::Total]);
    let Some(mine) = totals().rfind(|it| it.value == value) else { return false };
    let rounding = |from: usize| {
        evidence.with(&[Label::Rounding]).any(|it| (from..mine.row).contains(&it.row))
    };
    totals().any(|it| {
        it.row < mine.row
            && it.value != value
            && rounding_apart(evidence, it.value, value)
            && rounding(it.row)
    })
}

/// Every cash less every change, where that leaves something.
fn handed_over(evidence: &Evidence) -> Vec<Decimal> {
    let mut out = Vec::new();
    for cash in evidence.with(&[Label::Cash]) {
        for change in evidence.with(&[Label::Change]).filter(|it| !it.value.is_zero()) {
            let back = change.value.abs().and_then(|it| cash.value.minus(it));
            out.extend(back.filter(|it| !it.is_negative() && !it.is_zero()));
        }
    }
    out
}

/// The tax table summed up.
fn taxed(evidence: &Evidence) -> Vec<Decimal> {
    let zero = Decimal::new(0, 0);
    let rows = &evidence.tax_rows;
    let all = rows.iter().try_fold(zero, |sum, it| sum.plus(it.net)?.plus(it.tax));
    let each = evidence.tax_rows.iter().filter_map(|it| it.net.plus(it.tax));
    let mut out: Vec<Decimal> = each.collect();
    out.extend(all);
    out.retain(|it| !it.is_zero());
    out
}

/// Subtotal or net amount and what is added to it: tax, rounding, less the discount.
fn net_and_tax(evidence: &Evidence) -> Vec<Decimal> {
    let zero = Decimal::new(0, 0);
    let mut out = Vec::new();
    for net in evidence.with(&[Label::Net]) {
        for tax in evidence.with(&[Label::Tax]).filter(|it| it.value < net.value) {
            let rounding = evidence.with(&[Label::Rounding]).next().map_or(zero, |it| it.value);
            out.extend(net.value.plus(tax.value).and_then(|it| it.plus(rounding)));
        }
    }
    out
}

/// Subtotals and totals after their rounding, tax or discount.
fn rounded(evidence: &Evidence) -> Vec<Decimal> {
    let mut out = Vec::new();
    for base in evidence.with(&[Label::Subtotal, Label::Total, Label::Due]) {
        if base.label == Label::Subtotal {
            out.push(base.value);
        }
        for step in evidence.with(&[Label::Rounding, Label::Tax]).filter(|it| !it.value.is_zero()) {
            out.extend(base.value.plus(step.value));
            out.extend(base.value.minus(step.value).filter(|_| step.label == Label::Rounding));
        }
        for less in evidence.with(&[Label::Discount]).filter(|it| !it.value.is_zero()) {
            out.extend(less.value.abs().and_then(|it| base.value.minus(it)));
        }
    }
    out
}

/// Whether two amounts differ by no more than a rounding that is printed.
fn rounding_apart(evidence: &Evidence, one: Decimal, other: Decimal) -> bool {
    let Some(difference) = one.minus(other).and_then(Decimal::abs) else { return false };
    let mut roundings = evidence.with(&[Label::Rounding]);
    roundings.any(|it| it.value.abs() == Some(difference) || difference <= SMALLEST_COIN)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::{
        domain::{money::Country, reading::Verdict},
        reading::{Hints, engines::Page, fields::category::Categories, understand},
    };

    fn hints(home: Option<Country>) -> Hints {
        let categories = Arc::new(Categories::built_in());
        Hints { today: "2026-11-23".parse().unwrap(), home, categories }
    }

    fn check(country: &str, text: &str, expected: Option<&str>) {
        let hints = hints(Country::parse(country));
        let Verdict::Receipt(fields) = understand(&Page::from_text(text), &hints) else {
            panic!("not a receipt: {text}");
        };
        assert_eq!(fields.total.map(|it| it.to_string()), expected.map(str::to_owned), "{text}");
    }

    #[test]
    fn a_total_is_believed_by_its_evidence() {
        check("CZ", "Mléko 20,00\nRohlík 5,00\nCelkem 25,00 Kč", Some("25.00"));
        check(
            "MY",
            "TAX INVOICE\nTotal 31.47\nRounding -0.02\nCASH 50.00\nCHANGE 18.55",
            Some("31.45"),
        );
        check(
            "MY",
            "RECEIPT\nTotal 29.26\nRounding 0.04\nTotal Rounded 29.30\nCash 50.00\nChange 20.70",
            Some("29.30"),
        );
        check("DE", "SUMME EUR 23,84\nKartenzahlung EUR 23,84", Some("23.84"));
        check(
            "CZ",
            "Účtenka\nK úhradě: 1 250,- Kč\nHotovost 2 000,- Kč\nVráceno 750,- Kč",
            Some("1250"),
        );
    }

    #[test]
    fn the_largest_number_is_not_the_total() {
        check("MY", "RECEIPT\nMilk 3.00\nCash 100.00", None);
        check(
            "MY",
            "TAX INVOICE\nTOTAL 52.00\nGST Summary Amount Tax\nTOTAL 873.87 4.43",
            Some("52.00"),
        );
    }

    #[test]
    fn a_total_that_the_arithmetic_denies_stays_unknown() {
        check("MY", "RECEIPT\nTotal 738.78\nFinal Total 733.70\nCash 766.99\nChange 1.30", None);
        check(
            "MY",
            "RECEIPT\nTotal (Excluding GST) 95.17\nTotal GST 5.71\nTotal Sales (Inclusive of GST) 100.20\nCash 101.00",
            None,
        );
    }

    #[test]
    fn a_book_and_a_chat_are_no_receipts() {
        let hints = hints(None);
        for text in [
            "It was the best of times,\nit was the worst of times, 1775",
            "Today\n11:59\n797011 is your verification code.",
            "",
            "See you at 18:30? The total of it all was 3.50 apples",
        ] {
            assert_eq!(understand(&Page::from_text(text), &hints), Verdict::NotAReceipt, "{text}");
        }
    }
}
