//! What the words before an amount say that it is. Words are compared with room for misread
//! letters: `Tota!`, `SubT otal`, `Töngtien`. It judges no amount.

use std::sync::LazyLock;

use super::fold::{fold, shape};

/// What an amount is said to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Label {
    /// To be paid, beyond doubt: `AMOUNT DUE`, `K ÚHRADĚ`, `TOTAL ROUNDED`.
    Due,
    /// A total, as far as the word goes.
    Total,
    /// Before tax, discount or rounding.
    Subtotal,
    /// Without tax.
    Net,
    /// The tax.
    Tax,
    /// What was handed over.
    Cash,
    /// What the card was charged.
    Card,
    /// What was handed back.
    Change,
    /// To the smallest coin.
    Rounding,
    /// What was taken off, or saved.
    Discount,
    /// Pieces, points: no money.
    Count,
    /// Heads a table of tax rates.
    TaxTable,
}

/// Reads the label in a text; `None` when it says none of them.
pub fn label(text: &str) -> Option<Label> {
    let words = Words::of(text);
    let has = |phrases: &Phrases| phrases.0.iter().any(|it| words.contain(it));
    if has(&TAX_TABLE) {
        return Some(Label::TaxTable);
    }
    if has(&COUNTED) {
        return Some(Label::Count);
    }
    let total = has(&TOTAL);
    let due = has(&DUE);
    if total || due {
        return Some(total_of_what(&has, due));
    }
    let order: [(&Phrases, Label); 9] = [
        (&SUBTOTAL, Label::Subtotal),
        (&CHANGE, Label::Change),
        (&ROUNDING, Label::Rounding),
        (&DISCOUNT, Label::Discount),
        (&CONTAINED, Label::Tax),
        (&NET, Label::Net),
        (&CASH, Label::Cash),
        (&CARD, Label::Card),
        (&TAX, Label::Tax),
    ];
    order.into_iter().find(|(phrases, _)| has(phrases)).map(|(_, label)| label)
}

/// `TOTAL` alone says little: without tax, of the tax, of the discounts?
fn total_of_what(has: &impl Fn(&Phrases) -> bool, due: bool) -> Label {
    if has(&SUBTOTAL) {
        return Label::Subtotal;
    }
    if has(&NET) && !due {
        return Label::Net;
    }
    if has(&DISCOUNT) {
        return Label::Discount;
    }
    let rounded = has(&ROUNDED);
    if has(&ROUNDING) && !rounded {
        return Label::Rounding;
    }
    if has(&CONTAINED) && !due {
        return Label::Tax;
    }
    if has(&INCLUSIVE) || due || rounded {
        return Label::Due;
    }
    if has(&TAX) {
        return Label::Tax;
    }
    Label::Total
}

static TOTAL: LazyLock<Phrases> = LazyLock::new(|| {
    Phrases::of(
        "\
    TOTAL|TOTALE|TOTAAL|CELKEM|CELKOVA CASTKA|SUMME|GESAMT|SUMA|RAZEM|SPOLU|OSSZESEN|\
    TONG CONG|TONG TIEN|TENG CONG|TENG TIEN|TONG SO TIEN|IMPORTO|MONTANT|JUMLAH|AMT PAID|AMOUNT PAID",
    )
});
static DUE: LazyLock<Phrases> = LazyLock::new(|| {
    Phrases::of(
        "\
    GRAND TOTAL|NET TOTAL|FINAL TOTAL|AMOUNT DUE|TOTAL DUE|BALANCE DUE|=DUE|AMOUNT PAYABLE|\
    TOTAL PAYABLE|TOTAL TO PAY|TO PAY|TOTAL AMOUNT|K UHRADE|K PLATBE|NA UHRADU|\
    ZU ZAHLEN|ZAHLBETRAG|ENDBETRAG|RECHNUNGSBETRAG|GESAMTBETRAG|GESAMTSUMME|DO ZAPLATY|\
    SUMA PLN|TE BETALEN|A PAYER|A PAGAR|DA PAGARE|FIZETENDO|THANH TOAN",
    )
});
static SUBTOTAL: LazyLock<Phrases> = LazyLock::new(|| {
    Phrases::of(
        "\
    SUBTOTAL|SUB TOTAL|MEZISOUCET|MEDZISUCET|ZWISCHENSUMME|SOUS TOTAL|TOTAL BEFORE",
    )
});
static NET: LazyLock<Phrases> = LazyLock::new(|| {
    Phrases::of("EXCL|EXCLUDING|EXCLUSIVE|EX GST|BEFORE TAX|BEZ DPH|NETTO|ZAKLAD|=NET")
});
static INCLUSIVE: LazyLock<Phrases> = LazyLock::new(|| {
    Phrases::of("=INCL|=INC|INCLUSIVE|INCLUDE GST|WITH GST|VCETNE|INKL|S DPH|TTC")
});
/// `TOTAL INCLUDES 6% GST`: the amount is the tax.
static CONTAINED: LazyLock<Phrases> =
    LazyLock::new(|| Phrases::of("=INCLUDES|=INCLUDED|ENTHALT|=DAVON|Z TOHO"));
static TAX: LazyLock<Phrases> = LazyLock::new(|| {
    Phrases::of(
        "\
    =DAN|=GST|=VAT|=TAX|=SST|=DPH|=MWST|=MUST|=UST|=PTU|=TVA|=IVA|=BTW|STEUER|MWST.|GST AMT|\
    SALES TAX",
    )
});
static CASH: LazyLock<Phrases> = LazyLock::new(|| {
    Phrases::of(
        "\
    =CASH|TENDERED|TENDER|RECEIVED|=PAID|=PAY|HOTOVOST|HOTOVE|^BAR|GEGEBEN|GOTOWKA|TIEN KHACH|\
    TIEN MAT|ZAPLACENO|PRIJATO",
    )
});
static CARD: LazyLock<Phrases> = LazyLock::new(|| {
    Phrases::of(
        "\
    =VISA|MASTERCARD|MAESTRO|=CARD|=KARTA|KARTOU|=KARTE|EC-KARTE|GIROCARD|KARTENZAHLUNG|\
    BETRAG|DEBIT CARD|CREDIT CARD|KREDITKARTE|PLATEBNI|BEZHOTOV",
    )
});
static CHANGE: LazyLock<Phrases> = LazyLock::new(|| {
    Phrases::of(
        "\
    =CHANGE|VRACENO|VRATIT|NAZPET|VYDANO|RUCKGELD|ZURUCK|WECHSELGELD|RESZTA|TIEN TRA LAI|\
    TRA LAI|TIEN THOI|CHANGE DUE",
    )
});
static ROUNDED: LazyLock<Phrases> = LazyLock::new(|| Phrases::of("ROUNDED|AFTER ROUND|AFTER ADJ"));
static ROUNDING: LazyLock<Phrases> =
    LazyLock::new(|| Phrases::of("ROUNDING|ZAOKROUHLEN|RUNDUNG|ROUND ADJ"));
static DISCOUNT: LazyLock<Phrases> = LazyLock::new(|| {
    Phrases::of(
        "\
    DISCOUNT|=DISC|SAVING|=SAVED|=SLEVA|SLEVY|RABATT|USETRI|PROMOTION|KUPON",
    )
});
static COUNTED: LazyLock<Phrases> = LazyLock::new(|| {
    Phrases::of(
        "\
    =QTY|TOTAL QTY|QUANTITY|TOTAL ITEM|ITEM COUNT|=ITEMS|POCET POLOZEK|=POSTEN|SO LUONG|\
    POINTS|=BODY|KREDITY|PUNKTE|=DIEM",
    )
});
static TAX_TABLE: LazyLock<Phrases> = LazyLock::new(|| {
    Phrases::of(
        "\
    GST SUMMARY|TAX SUMMARY|VAT SUMMARY|SST SUMMARY|GST ANALYSIS|VAT ANALYSIS|TAX CODE|\
    REKAPITULACE|SAZBA DPH|MWST NETTO|NETTO MWST|NETTO UST|UST NETTO|STEUER NETTO|\
    SUMMARY AMOUNT|CODE AMOUNT|GST RM|ZAKLAD DPH|NETTO BRUTTO|VAT RATE",
    )
});

/// A text with its words run together, so that a gap in the wrong place does not matter.
struct Words {
    letters: Vec<char>,
    begins: Vec<bool>,
}

impl Words {
    fn of(text: &str) -> Self {
        let mut letters = Vec::new();
        let mut begins = Vec::new();
        let mut fresh = true;
        for letter in fold(text).chars() {
            let inside = letter.is_alphanumeric() || (!fresh && "!|][$".contains(letter));
            if inside {
                letters.push(shape(letter));
                begins.push(fresh);
            }
            fresh = !inside;
        }
        Self { letters, begins }
    }

    /// Whether the phrase begins at some word.
    fn contain(&self, phrase: &Phrase) -> bool {
        let Phrase { letters: wanted, place, room } = phrase;
        let last = if *place == Where::First { 1 } else { self.letters.len() };
        (0..last.min(self.letters.len())).filter(|it| self.begins[*it]).any(|start| {
            let rest = &self.letters[start..];
            if *place == Where::Anywhere {
                return begins_like(rest, wanted, *room);
            }
            let end = start + wanted.len();
            rest.starts_with(wanted) && self.begins.get(end).is_none_or(|it| *it)
        })
    }
}

/// Phrases of one kind, made ready once.
struct Phrases(Vec<Phrase>);

struct Phrase {
    letters: Vec<char>,
    place: Where,
    /// So many letters may be misread.
    room: usize,
}

/// How a phrase has to stand.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Where {
    /// At a word's beginning, one letter in five misread, more following.
    Anywhere,
    /// As exactly this word.
    Word,
    /// As exactly this word at the very beginning.
    First,
}

impl Phrases {
    /// Folded phrases between bars. `=` asks for [`Where::Word`], as being short does; `^` asks
    /// for [`Where::First`].
    fn of(list: &str) -> Self {
        let phrase = |text: &str| {
            let letters: Vec<char> =
                text.chars().filter(|it| it.is_alphanumeric()).map(shape).collect();
            let place = match text.chars().next() {
                Some('^') => Where::First,
                Some('=') => Where::Word,
                _ if letters.len() <= 4 => Where::Word,
                _ => Where::Anywhere,
            };
            let room = letters.len() / 5;
            Phrase { letters, place, room }
        };
        Self(list.split('|').map(phrase).collect())
    }
}

/// Whether some beginning of `text` is `wanted` with at most `room` letters changed, lost or added.
fn begins_like(text: &[char], wanted: &[char], room: usize) -> bool {
    let text = &text[..text.len().min(wanted.len() + room)];
    if text.len() + room < wanted.len() {
        return false;
    }
    let mut row: Vec<usize> = (0..=wanted.len()).collect();
    let mut best = row[wanted.len()];
    for (at, letter) in text.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = at + 1;
        for (column, want) in wanted.iter().enumerate() {
            let change = diagonal + usize::from(letter != want);
            diagonal = row[column + 1];
            row[column + 1] = change.min(diagonal + 1).min(row[column] + 1);
        }
        best = best.min(row[wanted.len()]);
    }
    best <= room
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<Label>) {
        assert_eq!(label(text), expected, "{text}");
    }

    #[test]
    fn a_label_is_known_in_many_languages() {
        check("TOTAL", Some(Label::Total));
        check("Celkem", Some(Label::Total));
        check("K ÚHRADĚ", Some(Label::Due));
        check("SUMME EUR", Some(Label::Total));
        check("ZU ZAHLEN", Some(Label::Due));
        check("Tổng cộng:", Some(Label::Total));
        check("Amount Due", Some(Label::Due));
        check("Total Sales (Inclusive of GST) :", Some(Label::Due));
        check("Rounded Total (RM):", Some(Label::Due));
        check("Rückgeld EUR", Some(Label::Change));
        check("Vráceno", Some(Label::Change));
        check("Bar EUR", Some(Label::Cash));
        check("Barverkauf", None);
        check("Milk", None);
    }

    #[test]
    fn a_total_of_something_else_is_not_the_total() {
        check("Total (Excluding GST):", Some(Label::Net));
        check("Sub-Total :", Some(Label::Subtotal));
        check("SubT otal:", Some(Label::Subtotal));
        check("Mezisoučet", Some(Label::Subtotal));
        check("Total GST :", Some(Label::Tax));
        check("TOTAL INCLUDES 6% GST", Some(Label::Tax));
        check("Total Item Discount:", Some(Label::Count));
        check("TOTAL QUANTITY", Some(Label::Count));
        check("Total Saving", Some(Label::Discount));
        check("Rounding Adj :", Some(Label::Rounding));
        check("GST SUMMARY", Some(Label::TaxTable));
        check("Netto-Warenwert: (b)", Some(Label::Net));
    }

    #[test]
    fn misread_letters_do_not_hide_a_label() {
        check("Tota]", Some(Label::Total));
        check("T0TAL", Some(Label::Total));
        check("TotalRM :", Some(Label::Total));
        check("Téng cáng :", Some(Label::Total));
        check("K UHRADÉ", Some(Label::Due));
        check("Charige", None);
        check("RETAIL", None);
        check("HOTEL", None);
    }
}
