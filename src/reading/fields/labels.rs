//! What the words before an amount say that it is. Words are compared with room for misread
//! letters: `Tota!`, `SubT otal`, `Töngtien`. It judges no amount.

use std::sync::LazyLock;

use super::phrases::{Phrases, Words};

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
    let has = |phrases: &Phrases| words.contain_any(phrases);
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
