//! What many messages cost at the operator's own price. No price is known here: Meta's differ by
//! country, category and month.

use anyhow::bail;

use crate::domain::money::{Currency, Decimal};

/// The price of one message.
#[derive(Clone, Copy)]
pub struct Price {
    each: Decimal,
    currency: Currency,
}

impl Price {
    /// Reads `0.0315 EUR`; up to four decimals.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let wanted = "--price: want a price and its currency, such as '0.0315 EUR'";
        let Some((number, code)) = text.trim().rsplit_once(' ') else { bail!("{wanted}") };
        let (Ok(each), Some(currency)) = (Decimal::parse(number), Currency::parse(code)) else {
            bail!("{wanted}")
        };
        if each.is_negative() {
            bail!("{wanted}");
        }
        Ok(Self { each, currency })
    }

    /// The price of `count` messages, exactly.
    pub fn times(self, count: usize) -> String {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        let Some(unscaled) = self.each.unscaled().checked_mul(count) else {
            return format!("more than can be said in {}", self.currency.code());
        };
        format!("{} {}", Decimal::new(unscaled, self.each.scale()), self.currency.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_multiplied_exactly() {
        assert_eq!(Price::parse("0.0315 EUR").unwrap().times(1000), "31.5000 EUR");
        assert_eq!(Price::parse("0,45 CZK").unwrap().times(3), "1.35 CZK");
        for bad in ["0.0315", "EUR", "-1 EUR", "1 XX", "cheap EUR"] {
            assert!(Price::parse(bad).is_err(), "{bad}");
        }
    }
}
