//! What is said, in each language. No name of a person and no amount stands here.

use crate::domain::language::Language;

/// The words of one language.
pub struct Words {
    pub booked: &'static str,
    pub incomplete: &'static str,
    pub ask_for_total: &'static str,
    pub category: &'static str,
    pub amount: &'static str,
    pub merchant: &'static str,
    pub date: &'static str,
    pub unknown: &'static str,
    pub not_a_receipt: &'static str,
    pub unreadable: &'static str,
    pub help: &'static str,
    pub send_a_photo: &'static str,
    pub gave_up: &'static str,
    pub looks_booked: &'static str,
    pub looks_kept: &'static str,
    pub is_it_the_same: &'static str,
    pub booked_as_new: &'static str,
    pub corrected: &'static str,
    pub how_to_correct: &'static str,
    pub correction_help: &'static str,
}

impl Words {
    /// Those of `language`.
    pub fn of(language: Language) -> &'static Self {
        language.pick(&EN, &CS, &DE)
    }
}

static EN: Words = Words {
    booked: "Booked ✓",
    incomplete: "I kept your receipt, but could not read everything.",
    ask_for_total: "Please send a sharper photo of the whole receipt, so that I can book it.",
    category: "Category",
    amount: "Amount",
    merchant: "Merchant",
    date: "Date",
    unknown: "unknown",
    not_a_receipt: "Nice picture! I see no receipt in it, so I booked nothing.",
    unreadable: "I could not open this one. Please send the receipt again, as a photo or a PDF.",
    help: "Send me a photo of a receipt, and I will book it and tell you what I read.",
    send_a_photo: "I can only read photos and PDFs. Please send the receipt as one of these.",
    gave_up: "Sorry, I could not book this yet. Your photo is safe: our team will look at it.",
    looks_booked: "This looks like the receipt that I already booked",
    looks_kept: "This looks like the receipt that I already have",
    is_it_the_same: "Is it the same?",
    booked_as_new: "Booked as a new receipt ✓",
    corrected: "Corrected ✓",
    how_to_correct: "Reply to this message with the amount (“12.50”) or with “category fuel”.",
    correction_help: "I can change the amount (“12.50 EUR”) or the category (“category fuel”): reply to this message with one of them.",
};

static CS: Words = Words {
    booked: "Zaúčtováno ✓",
    incomplete: "Účtenku mám, ale nepřečetl jsem všechno.",
    ask_for_total: "Pošlete prosím ostřejší fotku celé účtenky, abych ji mohl zaúčtovat.",
    category: "Kategorie",
    amount: "Částka",
    merchant: "Obchodník",
    date: "Datum",
    unknown: "neznámé",
    not_a_receipt: "Hezký obrázek! Účtenku na něm nevidím, takže jsem nic nezaúčtoval.",
    unreadable: "Tohle se mi nepodařilo otevřít. Pošlete prosím účtenku znovu jako fotku nebo PDF.",
    help: "Pošlete mi fotku účtenky. Zaúčtuji ji a napíšu vám, co jsem přečetl.",
    send_a_photo: "Umím číst jen fotky a PDF. Pošlete prosím účtenku takto.",
    gave_up: "Omlouvám se, zatím se mi to nepodařilo zaúčtovat. Fotka je v bezpečí, náš tým se na ni podívá.",
    looks_booked: "Tohle vypadá jako účtenka, kterou už mám zaúčtovanou",
    looks_kept: "Tohle vypadá jako účtenka, kterou už mám",
    is_it_the_same: "Je to tatáž?",
    booked_as_new: "Zaúčtováno jako nová účtenka ✓",
    corrected: "Opraveno ✓",
    how_to_correct: "Odpovězte na tuto zprávu částkou („12,50“) nebo „kategorie palivo“.",
    correction_help: "Umím změnit částku („12,50 Kč“) nebo kategorii („kategorie palivo“): odpovězte na tuto zprávu jednou z nich.",
};

static DE: Words = Words {
    booked: "Gebucht ✓",
    incomplete: "Ihr Beleg ist da, aber ich konnte nicht alles lesen.",
    ask_for_total: "Bitte senden Sie ein schärferes Foto des ganzen Belegs, damit ich ihn buchen kann.",
    category: "Kategorie",
    amount: "Betrag",
    merchant: "Händler",
    date: "Datum",
    unknown: "unbekannt",
    not_a_receipt: "Schönes Bild! Einen Beleg sehe ich darauf nicht, deshalb habe ich nichts gebucht.",
    unreadable: "Das konnte ich nicht öffnen. Bitte senden Sie den Beleg noch einmal als Foto oder PDF.",
    help: "Senden Sie mir ein Foto eines Belegs. Ich buche ihn und schreibe, was ich gelesen habe.",
    send_a_photo: "Ich kann nur Fotos und PDFs lesen. Bitte senden Sie den Beleg so.",
    gave_up: "Das konnte ich leider noch nicht buchen. Ihr Foto ist sicher: Unser Team sieht es sich an.",
    looks_booked: "Das sieht aus wie der Beleg, den ich schon gebucht habe",
    looks_kept: "Das sieht aus wie der Beleg, den ich schon habe",
    is_it_the_same: "Ist es derselbe?",
    booked_as_new: "Als neuer Beleg gebucht ✓",
    corrected: "Korrigiert ✓",
    how_to_correct: "Antworten Sie auf diese Nachricht mit dem Betrag („12,50“) oder mit „Kategorie Kraftstoff“.",
    correction_help: "Ich kann den Betrag („12,50 EUR“) oder die Kategorie („Kategorie Kraftstoff“) ändern: Antworten Sie auf diese Nachricht damit.",
};
