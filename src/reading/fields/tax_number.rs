//! The merchant's tax number: behind the word that its country puts before it. It is copied, not
//! checked against a register.

use super::rows::Row;

/// Folded, the longer ones first; spaces and signs in the row do not matter.
const LABELS: &str = "GSTREGISTRATIONNO|GSTREGNO|GSTIDNO|GSTID|GSTREG|GSTNO|GSTTAXNO|SSTREGNO|SSTID|\
    USTIDNR|USTID|UIDNR|STEUERNUMMER|STEUERNR|STNR|VATREGNO|VATNO|VATNUMBER|VATREG|DIC|NIP|MASOTHUE|\
    MST|PIVA|PARTITAIVA|NIF|CIF|SIRET|BTWNR|BTW|ABN|GSTIN|TVA|MVA|OIB|ADOSZAM";
/// The longest there is: `GSTIN`, with 15 signs.
const LONGEST: usize = 15;

/// The first number behind such a word that is long enough to be one.
pub fn tax_number(rows: &[Row]) -> Option<String> {
    rows.iter().find_map(|row| {
        let letters: Vec<char> = row.folded.chars().collect();
        labels(&letters).find_map(|end| number(&letters[end..]))
    })
}

/// Where each label in a row ends.
fn labels(letters: &[char]) -> impl Iterator<Item = usize> {
    let solid: Vec<(usize, char)> =
        letters.iter().copied().enumerate().filter(|it| it.1.is_alphanumeric()).collect();
    let begins = |at: usize| {
        let (place, _) = solid[at];
        place == 0 || !letters[place - 1].is_alphanumeric()
    };
    let found: Vec<usize> = (0..solid.len())
        .filter(|at| begins(*at))
        .filter_map(|at| {
            let fits = |label: &&str| {
                let rest = solid.get(at..at + label.len());
                rest.is_some_and(|rest| rest.iter().map(|it| it.1).eq(label.chars()))
            };
            let label = LABELS.split('|').find(fits)?;
            Some(solid[at + label.len() - 1].0 + 1)
        })
        .collect();
    found.into_iter()
}

/// Letters of a country and digits, with what is printed between them: `DE 128 589 584`,
/// `321/5800/0031`, `CZ12345678`, `525-123-45-67`.
fn number(rest: &[char]) -> Option<String> {
    let text: String = rest.iter().collect();
    let text = text.trim_start_matches(|it: char| !it.is_alphanumeric());
    let text = text.strip_prefix("NO").unwrap_or(text);
    let text = text.trim_start_matches(|it: char| !it.is_alphanumeric());
    let (mut out, mut digits, mut letters) = (String::new(), 0, 0);
    for letter in text.chars() {
        match letter {
            '0'..='9' if digits < LONGEST => digits += 1,
            'A'..='Z' if letters < 3 => letters += 1,
            ' ' | '-' | '/' | '.' if !out.is_empty() => {}
            _ => break,
        }
        // A word after the number is no part of it.
        if letter.is_ascii_alphabetic() && digits >= 7 {
            break;
        }
        out.push(letter);
    }
    let out = out.trim_end_matches(|it: char| !it.is_ascii_digit()).to_owned();
    (7..=LONGEST).contains(&out.chars().filter(char::is_ascii_digit).count()).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reading::{engines::Page, fields::rows::rows};

    fn check(text: &str, expected: Option<&str>) {
        assert_eq!(tax_number(&rows(&Page::from_text(text))).as_deref(), expected, "{text}");
    }

    #[test]
    fn a_tax_number_stands_behind_its_word() {
        check("GST REG NO: 001335787520", Some("001335787520"));
        check("(GST ID No: 000504664064)", Some("000504664064"));
        check("GST Reg. No : 002055098368 Tax", Some("002055098368"));
        check("USt.-ID-Nr. DE 128 589 584", Some("DE 128 589 584"));
        check("Steuernummer:  321/5800/0031", Some("321/5800/0031"));
        check("IČO: 12345678  DIČ: CZ12345678", Some("CZ12345678"));
        check("NIP 525-123-45-67", Some("525-123-45-67"));
        check("VAT No GB 123 4567 89", Some("GB 123 4567 89"));
        check("Ma so thue: 0309129418-115", Some("0309129418-115"));
        check("UID Nr.: DE202748117", Some("DE202748117"));
    }

    #[test]
    fn other_numbers_are_none() {
        check("Tel: 03-1234567890", None);
        check("GST 6% 1.42", None);
        check("VAT 12,50", None);
        check("Dictionary 1234567890", None);
    }
}
