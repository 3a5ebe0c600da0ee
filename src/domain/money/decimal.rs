//! An exact amount as it stands on paper: digits and where the point is. No currency, no float.

use std::{cmp::Ordering, fmt};

use super::{Currency, Money, NotMoney};

/// More decimals than any currency has.
const MAX_SCALE: u8 = 4;

/// An exact decimal number, such as 1234.50. Equal by value: 12.5 is 12.50.
#[derive(Clone, Copy)]
pub struct Decimal {
    unscaled: i64,
    scale: u8,
}

impl Decimal {
    /// `unscaled` × 10^-`scale`; a scale over 4 counts as 4.
    pub const fn new(unscaled: i64, scale: u8) -> Self {
        Self { unscaled, scale: if scale > MAX_SCALE { MAX_SCALE } else { scale } }
    }

    /// Reads a number in any habit of writing: `1.234,50`, `1,234.50`, `1 234,50`, `12'345.60`,
    /// `12,-`, `12.–`, `45,00-` (negative). One separator before exactly three digits groups
    /// thousands (`146.010`), unless the number begins with 0 (`0.434`).
    pub fn parse(text: &str) -> Result<Self, NotMoney> {
        parse(text, false)
    }

    /// The same for a known currency: in one of three decimals (KWD) `1.234` is a little over one.
    pub fn parse_in(text: &str, currency: Currency) -> Result<Self, NotMoney> {
        parse(text, currency.decimals() == 3)
    }

    /// Reads `1234` or `1234.50` and nothing else: what `Display` writes of amounts not below zero.
    pub fn parse_plain(text: &str) -> Option<Self> {
        let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
        let digits = |it: &str| it.bytes().all(|it| it.is_ascii_digit());
        if whole.is_empty() || !digits(whole) || !digits(decimals) || decimals.len() > 4 {
            return None;
        }
        let unscaled = format!("{whole}{decimals}").parse().ok()?;
        Some(Self::new(unscaled, u8::try_from(decimals.len()).ok()?))
    }

    /// Below zero?
    pub fn is_negative(self) -> bool {
        self.unscaled < 0
    }

    /// Exactly nothing?
    pub fn is_zero(self) -> bool {
        self.unscaled == 0
    }

    /// The digits without the point: 1250 of 12.50.
    pub fn unscaled(self) -> i64 {
        self.unscaled
    }

    /// How many decimals were written.
    pub fn scale(self) -> u8 {
        self.scale
    }

    /// The sum; `None` when it is too large to hold.
    pub fn plus(self, other: Self) -> Option<Self> {
        let scale = self.scale.max(other.scale);
        let sum = self.at_scale(scale) + other.at_scale(scale);
        Some(Self { unscaled: i64::try_from(sum).ok()?, scale })
    }

    /// The difference; `None` when it is too large to hold.
    pub fn minus(self, other: Self) -> Option<Self> {
        self.plus(Self { unscaled: other.unscaled.checked_neg()?, scale: other.scale })
    }

    /// Without its sign; `None` for the one number that has no opposite.
    pub fn abs(self) -> Option<Self> {
        Some(Self { unscaled: self.unscaled.checked_abs()?, scale: self.scale })
    }

    /// Exactly this amount in minor units of `currency`. Decimals that the currency does not
    /// have must be zeros: nothing is rounded.
    pub fn in_currency(self, currency: Currency) -> Result<Money, NotMoney> {
        let wanted = currency.decimals();
        let minor = if self.scale <= wanted {
            self.at_scale(wanted)
        } else {
            let surplus = 10_i128.pow(u32::from(self.scale - wanted));
            let unscaled = i128::from(self.unscaled);
            if unscaled % surplus != 0 {
                return Err(NotMoney::TooPrecise);
            }
            unscaled / surplus
        };
        let minor = i64::try_from(minor).map_err(|_| NotMoney::TooLarge)?;
        Ok(Money { minor, currency })
    }

    /// The unscaled number at another, larger scale. At most 19 + 4 digits: never overflows.
    fn at_scale(self, scale: u8) -> i128 {
        i128::from(self.unscaled) * 10_i128.pow(u32::from(scale.saturating_sub(self.scale)))
    }
}

/// Plain: `-1234.50`, the form that [`Decimal::parse`] and machines read.
impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scale = usize::from(self.scale);
        let minus = if self.is_negative() { "-" } else { "" };
        let digits = format!("{:0>width$}", self.unscaled.unsigned_abs(), width = scale + 1);
        let (whole, part) = digits.split_at(digits.len() - scale);
        let point = if scale > 0 { "." } else { "" };
        write!(f, "{minus}{whole}{point}{part}")
    }
}

impl fmt::Debug for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        self.at_scale(MAX_SCALE).cmp(&other.at_scale(MAX_SCALE))
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Decimal {}

fn parse(text: &str, three_decimals: bool) -> Result<Decimal, NotMoney> {
    let text = text.trim();
    let (text, negative) = match text.strip_prefix(['-', '−']) {
        Some(rest) => (rest.trim_start(), true),
        None => (text, false),
    };
    let (text, negative) = match trailing_dashes(text) {
        Some((rest, true)) => (rest, negative),
        Some((_, false)) if negative => return Err(NotMoney::Unreadable),
        Some((rest, false)) => (rest, true),
        None => (text, negative),
    };
    let (pieces, separators) = pieces(text)?;
    let decimals = decimals(&pieces, &separators, three_decimals)?;
    let digits = pieces.concat();
    let unscaled: i64 = digits.parse().map_err(|_| NotMoney::TooLarge)?;
    let scale = u8::try_from(decimals).map_err(|_| NotMoney::Unreadable)?;
    Ok(Decimal { unscaled: if negative { -unscaled } else { unscaled }, scale })
}

/// `12,-` has dashes for the missing decimals (true); `45,00-` is negative (false).
fn trailing_dashes(text: &str) -> Option<(&str, bool)> {
    let rest = text.trim_end_matches(['-', '–', '—', '=', '−']);
    if rest.len() == text.len() {
        return None;
    }
    match rest.strip_suffix([',', '.']) {
        Some(rest) => Some((rest, true)),
        None => Some((rest.trim_end(), false)),
    }
}

/// The runs of digits and the separator between each two of them.
fn pieces(text: &str) -> Result<(Vec<&str>, Vec<char>), NotMoney> {
    let mut separators = Vec::new();
    let pieces: Vec<&str> = text
        .split(|it: char| {
            let split = !it.is_ascii_digit();
            if split {
                separators.push(it);
            }
            split
        })
        .collect();
    if pieces.len() == 1 && text.is_empty() {
        return Err(NotMoney::NoAmount);
    }
    let known = |it: &char| matches!(it, '.' | ',' | ' ' | '\'' | '’' | '\u{a0}' | '\u{202f}');
    if pieces.iter().any(|it| it.is_empty()) || !separators.iter().all(known) {
        return Err(NotMoney::Unreadable);
    }
    Ok((pieces, separators))
}

/// How many digits stand behind the point, once every separator has found its meaning.
fn decimals(pieces: &[&str], separators: &[char], three_decimals: bool) -> Result<usize, NotMoney> {
    let (Some(&last), Some((&end, groups))) = (pieces.last(), separators.split_last()) else {
        return Ok(0);
    };
    let mixed = groups.iter().any(|it| *it != end);
    let grouped = pieces.len() > 1 && well_grouped(pieces);
    let point = matches!(end, '.' | ',');
    let is_point = match last.len() {
        3 if !point || (!groups.is_empty() && !mixed) => false,
        3 => mixed || three_decimals || pieces[0].starts_with('0'),
        1 | 2 | 4 => point,
        _ => false,
    };
    let (whole, group) =
        if is_point { (&pieces[..pieces.len() - 1], groups) } else { (pieces, separators) };
    let one_kind = group.windows(2).all(|it| it[0] == it[1]);
    let sound = if is_point { whole.len() == 1 || well_grouped(whole) } else { grouped };
    let repeats_point = is_point && groups.contains(&end);
    if !sound || !one_kind || repeats_point {
        return Err(NotMoney::Unreadable);
    }
    Ok(if is_point { last.len() } else { 0 })
}

/// 1-3 digits, then threes; or as in India (`1,23,456`): twos, then a last three.
fn well_grouped(pieces: &[&str]) -> bool {
    let Some((first, rest)) = pieces.split_first() else {
        return false;
    };
    let Some((last, middle)) = rest.split_last() else {
        return true;
    };
    let threes = middle.iter().all(|it| it.len() == 3);
    let twos = middle.iter().all(|it| it.len() == 2);
    (1..=3).contains(&first.len()) && last.len() == 3 && (threes || twos)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<&str, NotMoney>) {
        let read = Decimal::parse(text).map(|it| it.to_string());
        assert_eq!(read, expected.map(str::to_owned), "{text}");
    }

    #[test]
    fn a_number_is_read_as_it_was_printed() {
        check("12.50", Ok("12.50"));
        check("12,5", Ok("12.5"));
        check("1.234,50", Ok("1234.50"));
        check("1,234.50", Ok("1234.50"));
        check("1 234,50", Ok("1234.50"));
        check("1.234.567,89", Ok("1234567.89"));
        check("1.234.567", Ok("1234567"));
        check("146.010", Ok("146010"));
        check("12'345.60", Ok("12345.60"));
        check("0.434", Ok("0.434"));
        check("1,234.567", Ok("1234.567"));
        check("12,-", Ok("12"));
        check("1 200,—", Ok("1200"));
        check("-19,735.00", Ok("-19735.00"));
        check("45,00-", Ok("-45.00"));
        check("007", Ok("7"));
    }

    #[test]
    fn what_no_habit_writes_is_not_an_amount() {
        for text in [
            "1.2.3",
            "1,2345,6",
            "12.34.56",
            "1.23,4.5",
            "12:30",
            "1..2",
            ".5",
            "5.",
            "x",
            "--",
            "12,345 67 8",
        ] {
            check(text, Err(NotMoney::Unreadable));
        }
        check("", Err(NotMoney::NoAmount));
        check("92233720368547758080", Err(NotMoney::TooLarge));
    }

    #[test]
    fn no_text_makes_it_panic() {
        let signs = ['1', '0', '9', '.', ',', ' ', '-', '\'', '€', 'x', '–'];
        let mut state = 7_usize;
        for round in 0..20_000 {
            let mut text = String::new();
            for _ in 0..round % 12 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                text.push(signs[(state >> 33) % signs.len()]);
            }
            if let Ok(read) = Decimal::parse(&text) {
                let again = Decimal::parse_in(&read.to_string(), Currency::KWD);
                assert_eq!(again, Ok(read), "{text}");
            }
        }
    }

    #[test]
    fn equal_amounts_are_equal_however_they_were_printed() {
        let parse = |text| Decimal::parse(text).unwrap();
        assert_eq!(parse("12.5"), parse("12,50"));
        assert!(parse("12.49") < parse("12.5"));
        assert_eq!(parse("50.00").minus(parse("18.55")), Some(parse("31.45")));
        assert_eq!(Decimal::new(i64::MAX, 0).plus(Decimal::new(1, 0)), None);
    }
}
