//! The tax within a total, where the paper prints it and the arithmetic holds. Never computed
//! from a rate, only held against one.

use super::{
    labels::Label,
    total::{Evidence, TaxRow},
};
use crate::domain::money::{Currency, Decimal};
use crate::domain::reading::TaxLine;

/// The tax that goes with `total`: net + tax = total somewhere on the paper, or the sum of a tax
/// table that makes up the total, or the printed tax is what the printed rate makes of it.
/// Unknown otherwise.
pub fn tax(evidence: &Evidence, total: Decimal) -> Option<Decimal> {
    from_table(evidence, total)
        .or_else(|| from_labels(evidence, total))
        .or_else(|| from_rate(evidence, total))
}

/// The rows of the tax table, where they make up `total`; else none.
pub fn lines(evidence: &Evidence, total: Decimal) -> Vec<TaxLine> {
    let rows = &evidence.tax_rows;
    let line = |it: &TaxRow| TaxLine { rate: it.rate, net: it.net, tax: it.tax };
    let zero = Decimal::new(0, 0);
    let sum = rows.iter().try_fold(zero, |sum, it| sum.plus(it.net)?.plus(it.tax));
    if sum.is_some_and(|it| near(it, total)) {
        return rows.iter().map(line).collect();
    }
    let whole = rows.iter().find(|it| it.net.plus(it.tax).is_some_and(|it| near(it, total)));
    whole.map(line).into_iter().collect()
}

fn from_table(evidence: &Evidence, total: Decimal) -> Option<Decimal> {
    let zero = Decimal::new(0, 0);
    let rows = &evidence.tax_rows;
    let one = rows.iter().find(|it| it.net.plus(it.tax).is_some_and(|it| near(it, total)));
    if let Some(row) = one {
        return Some(row.tax);
    }
    let net = rows.iter().try_fold(zero, |sum, it| sum.plus(it.net))?;
    let tax = rows.iter().try_fold(zero, |sum, it| sum.plus(it.tax))?;
    near(net.plus(tax)?, total).then_some(tax)
}

fn from_labels(evidence: &Evidence, total: Decimal) -> Option<Decimal> {
    let nets = || evidence.with(&[Label::Net, Label::Subtotal]);
    let adds_up =
        |tax: &Decimal| nets().any(|net| net.value.plus(*tax).is_some_and(|it| near(it, total)));
    evidence.with(&[Label::Tax]).map(|it| it.value).find(|it| !it.is_zero() && adds_up(it))
}

fn from_rate(evidence: &Evidence, total: Decimal) -> Option<Decimal> {
    let cents = |it: Decimal| it.in_currency(Currency::EUR).ok().map(|it| i128::from(it.minor));
    let all = cents(total)?;
    let fits = |(tax, rate): &&(Decimal, i64)| {
        let rate = i128::from(*rate);
        cents(*tax)
            .is_some_and(|tax| (tax * (10_000 + rate) - all * rate).abs() <= 2 * (10_000 + rate))
    };
    evidence.rated.iter().find(fits).map(|it| it.0)
}

/// But for rounding to the smallest coin.
fn near(one: Decimal, other: Decimal) -> bool {
    let difference = one.minus(other).and_then(Decimal::abs);
    difference.is_some_and(|it| it <= Decimal::new(5, 2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reading::{
        engines::Page,
        fields::{place::Place, rows::rows, total},
    };

    fn check(text: &str, sum: &str, expected: Option<&str>) {
        let place = Place::in_country("DE");
        let mut rows = rows(&Page::from_text(text));
        for row in &mut rows {
            row.find_amounts(&place);
        }
        let found = tax(&total::evidence(&rows, &place), Decimal::parse(sum).unwrap());
        assert_eq!(found.map(|it| it.to_string()), expected.map(str::to_owned), "{text}");
    }

    #[test]
    fn a_tax_is_known_when_it_adds_up() {
        check(
            "MwSt NETTO MwSt UMSATZ\nA 7% 9,44 0,66 10,10\nB 19% 15,68 2,98 18,66",
            "28,76",
            Some("3.64"),
        );
        check("Subtotal 49.06\nGST 2.94\nTOTAL 52.00", "52.00", Some("2.94"));
        check("Subtotal 49.06\nGST 2.49\nTOTAL 52.00", "52.00", None);
        check("TOTAL 45,98\nenthaltene MwSt 19%  7,34", "45.98", Some("7.34"));
        check("TOTAL 45,98\nenthaltene MwSt 19%  7,43", "45.98", None);
        check("TOTAL 52.00", "52.00", None);
    }
}
