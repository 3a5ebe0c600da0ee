//! Who was paid: a row of the head that looks like a name, cleaned. No address, no telephone,
//! no number of a register, and nothing at all rather than noise. A chain is known by its name alone.

use super::{Believed, fold::fold, percent, place::names_currency, rows::Row};
use crate::domain::reading::Fields;

/// A name stands in the first rows, if anywhere.
const HEAD: usize = 12;
const BELIEVED: i32 = 7;

/// The merchant's name as printed, if a row of the head looks like one.
pub fn merchant(rows: &[Row]) -> Option<Believed<String>> {
    let end = rows.iter().take(HEAD).position(ends_head).unwrap_or(HEAD.min(rows.len()));
    let head = &rows[..end];
    let web = web_names(rows);
    let tallest = head.iter().map(|it| it.height).max().unwrap_or(0);
    let mut best: Option<(i32, usize)> = None;
    let mut position = 0;
    for (at, row) in head.iter().enumerate() {
        let name = clean(row.well_read().0);
        if !could_be_name(&name, row) {
            continue;
        }
        let score = 4 + looks(&name, row, tallest, &web) + before_address(head, at) - position;
        position = (position + 1).min(4);
        if best.is_none_or(|it| score > it.0) {
            best = Some((score, at));
        }
    }
    let printed = best.filter(|it| it.0 >= BELIEVED).map(|(score, at)| Believed {
        value: with_neighbour(head, at),
        sure: percent(score, SURE),
    });
    let short = |it: &Believed<String>| it.value.chars().count() <= Fields::MERCHANT_MAX;
    printed.filter(short).or_else(|| chain(rows, end))
}

/// How often a name is right whose evidence weighs so much; see docs/reading.md.
const SURE: &[(i32, u8)] = &[(7, 70), (8, 78), (9, 82), (11, 88), (13, 92)];
/// A chain that is named apart from the head.
const CHAIN_SURE: u8 = 80;

/// A chain that is named above row `end`, in a web address, or in two other rows.
fn chain(rows: &[Row], end: usize) -> Option<Believed<String>> {
    let mentions = |name: &str| -> usize {
        let weight = |(at, row): (usize, &Row)| {
            let weighty = at < end || row.folded.contains("WWW") || row.folded.contains('@');
            if !says(&row.folded, name) {
                0
            } else if weighty {
                2
            } else {
                1
            }
        };
        rows.iter().enumerate().map(weight).sum()
    };
    let known = CHAINS.lines().filter(|it| !it.starts_with('#'));
    let named = known.filter(|it| it.len() >= 4 && mentions(it) >= 2);
    let best = named.max_by_key(|it| (mentions(it), it.len()))?;
    Some(Believed { value: best.to_owned(), sure: CHAIN_SURE })
}

/// Whether a folded row holds the words of a name, whole and in a row.
fn says(folded: &str, name: &str) -> bool {
    let spaced = |text: &str| format!(" {} ", words(text).join(" "));
    spaced(folded).contains(&spaced(&fold(name)))
}

const CHAINS: &str = include_str!("chains.txt");

/// The body begins: items, dates, amounts.
fn ends_head(row: &Row) -> bool {
    let dated = ["TAX INVOICE", "INVOICE NO", "DATE:", "DATE :", "CASHIER", "QTY", "DESCRIPTION"];
    row.plain().count() > 0
        || dated.iter().any(|it| row.folded.contains(it))
        || (!row.amounts.is_empty() && row.says.is_some())
}

/// Letters enough, read well enough, and not what stands around a name.
fn could_be_name(name: &str, row: &Row) -> bool {
    let letters = name.chars().filter(|it| it.is_alphabetic()).count();
    let digits = name.chars().filter(char::is_ascii_digit).count();
    let folded = fold(name);
    let words: Vec<&str> = words(&folded);
    let longest = words.iter().map(|it| it.len()).max().unwrap_or(0);
    let is_quarter = words.len() <= 2 && words.iter().any(|it| in_list(CITY, it));
    let is_address = is_quarter
        || words.iter().any(|it| in_list(ADDRESS, it))
        || NOT_A_NAME.split('|').any(|it| row.folded.contains(it))
        || words.iter().any(|it| it.len() == 5 && it.bytes().all(|it| it.is_ascii_digit()));
    let only_form = FORMS.split('|').any(|it| words.join(" ") == it);
    !only_form
        && letters >= 3
        && longest >= 3
        && letters > digits * 2
        && row.well_read().1 >= 55
        && !names_currency(name)
        && (!is_address || has_form(&folded))
}

/// A name stands right above its address, number or telephone.
fn before_address(head: &[Row], at: usize) -> i32 {
    let is_address = |row: &Row| {
        let words = words(&row.folded);
        let number =
            |it: &&str| it.len() >= 5 && it.bytes().filter(u8::is_ascii_digit).count() >= 5;
        words.iter().any(|it| in_list(ADDRESS, it))
            || words.iter().any(number)
            || row.folded.contains("TEL")
            || row.folded.contains("STR")
    };
    let near = |distance: usize| head.get(at + distance).is_some_and(is_address);
    if near(1) || near(2) { 2 } else { i32::from(near(3)) }
}

/// A company's form, a kind of shop, large letters, a name that the web address repeats.
fn looks(name: &str, row: &Row, tallest: u32, web: &[String]) -> i32 {
    let folded = fold(name);
    let compact: String = folded.chars().filter(|it| it.is_alphanumeric()).collect();
    let is_chain = CHAINS.lines().any(|it| !it.starts_with('#') && says(&folded, it));
    let kinds = words(&folded).iter().filter(|it| in_list(SHOP, it)).count();
    let only_kinds = kinds > 0 && kinds == words(&folded).len();
    let tall = row.height * 10 >= tallest * 9 && tallest > 0;
    let on_web = web.iter().any(|it| compact.contains(it.as_str()) || it.contains(&compact));
    let sure = row.well_read().1;
    let sure = i32::from(sure >= 80) - i32::from(sure < 70) * 2;
    let house_number = words(&folded).last().is_some_and(|it| it.parse::<u16>().is_ok());
    let shouted = name.chars().filter(|it| it.is_alphabetic()).all(char::is_uppercase);
    let short = name.chars().filter(|it| it.is_alphabetic()).count() < 5 && row.well_read().1 < 85;
    3 * i32::from(has_form(&folded)) + 2 * i32::from(kinds > 0) - 4 * i32::from(only_kinds)
        + i32::from(tall)
        + 3 * i32::from(on_web)
        + i32::from(shouted)
        + 3 * i32::from(is_chain)
        + sure
        - 2 * i32::from(short)
        - 4 * i32::from(house_number)
}

/// A name may go on in the next row: `MPH BOOKSTORES` / `SDN BHD`.
fn with_neighbour(head: &[Row], at: usize) -> String {
    let name = clean(head[at].well_read().0);
    let folded = fold(&name);
    if has_form(&folded)
        && words(&folded).len() <= 3
        && let Some(before) = at.checked_sub(1).and_then(|it| head.get(it))
        && folded.starts_with(['('])
        && could_be_name(&clean(before.well_read().0), before)
    {
        return format!("{} {name}", clean(before.well_read().0));
    }
    let Some(next) = head.get(at + 1) else {
        return name;
    };
    let rest = clean(next.well_read().0);
    let rest_folded = fold(&rest);
    let goes_on = words(&rest_folded).len() <= 2 || rest_folded.starts_with('(');
    if !has_form(&folded) && has_form(&rest_folded) && goes_on {
        format!("{name} {rest}")
    } else {
        name
    }
}

fn has_form(folded: &str) -> bool {
    let spaced = format!(" {} ", words(folded).join(" "));
    FORMS.split('|').any(|it| spaced.contains(&format!(" {it} ")))
}

fn words(folded: &str) -> Vec<&str> {
    folded.split(|it: char| !it.is_alphanumeric()).filter(|it| !it.is_empty()).collect()
}

fn in_list(list: &str, word: &str) -> bool {
    list.split('|').any(|it| it == word)
}

/// Without register numbers, without the signs and crumbs at both ends.
fn clean(text: &str) -> String {
    let mut kept: Vec<&str> =
        text.split_whitespace().filter(|it| !is_register_number(it)).collect();
    let crumb = |it: &&str| {
        let letters = it.chars().filter(|it| it.is_alphanumeric()).count();
        letters == 0 || (letters == 1 && it.chars().count() <= 2)
    };
    while kept.len() > 1 && kept.first().is_some_and(crumb) {
        kept.remove(0);
    }
    while kept.len() > 1 && kept.last().is_some_and(|it| crumb(it) && !it.starts_with('&')) {
        kept.pop();
    }
    let joined = kept.join(" ");
    let joined = without_address(&joined);
    let edge = |it: char| !it.is_alphanumeric() && !"().&".contains(it);
    joined.trim_matches(edge).trim_start_matches(['.', ')', '&']).trim().to_owned()
}

/// `Somebody AG - Lane 4 - D-63571 Town`, as invoices name their sender in one line.
fn without_address(name: &str) -> &str {
    let parts = [" - ", " – ", " · ", " | ", ", "];
    let cut = parts.iter().filter_map(|it| name.find(it)).min();
    match cut.map(|at| &name[..at]) {
        Some(head) if has_form(&fold(head)) && words(&fold(head)).len() >= 2 => head,
        Some(_) | None => name,
    }
}

/// `(767840-W)`, `002043319-W`, `1030214`.
fn is_register_number(word: &str) -> bool {
    let digits = word.chars().filter(char::is_ascii_digit).count();
    let letters = word.chars().filter(|it| it.is_alphabetic()).count();
    digits >= 4 && letters <= 2
}

/// `thalia` of `www.thalia.de` and `paderborn@thalia.de`, folded.
fn web_names(rows: &[Row]) -> Vec<String> {
    let mut out = Vec::new();
    for word in rows.iter().flat_map(|it| it.folded.split_whitespace()) {
        let Some((_, host)) = word.split_once('@').or_else(|| word.split_once("WWW.")) else {
            continue;
        };
        let name: String = host.chars().take_while(|it| it.is_alphanumeric()).collect();
        if name.len() >= 4 && !in_list("GMAIL|YAHOO|HOTMAIL|SEZNAM|EMAIL|OUTLOOK", &name) {
            out.push(name);
        }
    }
    out
}

/// Forms of companies, folded, signs as spaces.
const FORMS: &str = "SDN BHD|SBN BHD|SON BHD|BHD|S B|PTE LTD|LTD|LIMITED|LLC|INC|CORP|PLC|GMBH|AG|KG|OHG|\
    UG|E K|S R O|SRO|A S|SPOL|Z S|V O S|SP Z O O|S A|SARL|SAS|S P A|SRL|B V|N V|KFT|ENTERPRISE|\
    ENTERPRISES|TRADING|HOLDINGS";
/// Words of shop signs.
const SHOP: &str = "SUPERMARKET|MARKET|MARKT|MINIMART|MART|STORE|STORES|SHOP|RESTAURANT|RESTORAN|CAFE|\
    KAFE|BAR|BISTRO|HOTEL|PHARMACY|FARMASI|APOTHEKE|LEKARNA|BAKERY|BACKEREI|PEKARNA|HARDWARE|BOOKSTORE|\
    BOOKSTORES|GROCER|HOUSE|PIZZERIA|HOSPODA|POTRAVINY|STATIONER|SUPPLY|SERVICES|SERVICE|MARKETING|\
    CONFECTIONERY|STAVEBNINY|BAUMARKT|TANKSTELLE|OIL|PETROL|GARAGE|BARBER|CLINIC|KLINIK|TAXI|DROGERIE|\
    RESTAURACE|KAVARNA|PIVNICE|CUKRARNA|PAPIRNICTVI|KNIHKUPECTVI|ELEKTRO|DINER|GRILL|COFFEE";
/// Words of addresses.
const ADDRESS: &str = "\
    JALAN|JLN|JIN|LOT|TAMAN|TMN|LORONG|PERSIARAN|LEVEL|FLOOR|WISMA|PLAZA|STREET|ROAD|LANE|SQUARE|AVENUE|AVE|RUE|\
    STRASSE|STR|PLATZ|WEG|ULICE|NAMESTI|NAM|SELANGOR|JOHOR|KUALA|LUMPUR|BANDAR|PETALING|SEKSYEN|\
    DAERAH|MUKIM|KG|UL|ALLEE|GASSE";
/// A row of one or two words with a city is its quarter; a longer one may be a name.
const CITY: &str = "\
    PRAHA|BRNO|OSTRAVA|PLZEN|BERLIN|MUNCHEN|HAMBURG|DUSSELDORF|KOLN|FRANKFURT|STUTTGART|\
    DORTMUND|LEIPZIG|DRESDEN|WIEN|OLOMOUC|LIBEREC|BRATISLAVA|LONDON";
const NOT_A_NAME: &str = "RECEIPT|INVOICE|UCTENKA|UCTENKY|QUITTUNG|RECHNUNG|KASSENBON|PARAGON|WELCOME|VITEJTE|\
    VITAME|WILLKOMMEN|ORDER NUMBER|TEL:|TEL.|TEL |FAX|WWW|HTTP|@|.COM|.DE|.CZ|GST |GST:|REG NO|DIC|ICO|UST|STRASSE|\
    STR.|NO.|THANK|DANOVY DOKLAD|HOA DON|CASH BILL|PROVOZOVNA|BON-NR|CUSTOMER|NUMBER|ACCOUNT|UID|NR.|ZAKAZNIK|DEKUJEME";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reading::{
        engines::Page,
        fields::{place::Place, rows::rows},
    };

    fn check(text: &str, expected: Option<&str>) {
        let mut rows = rows(&Page::from_text(text));
        for row in &mut rows {
            row.find_amounts(&Place::in_country("MY"));
        }
        assert_eq!(merchant(&rows).map(|it| it.value).as_deref(), expected, "{text}");
    }

    #[test]
    fn the_merchant_is_the_name_in_the_head() {
        check(
            "ABC TRADING SDN BHD (123456-X)\nNO 4, JALAN ABC\nTEL: 07-123\nTotal 5.00",
            Some("ABC TRADING SDN BHD"),
        );
        check(
            "Kavárna U Lípy s.r.o.\nLipová 12, Praha 4\nCelkem 50,00",
            Some("Kavárna U Lípy s.r.o."),
        );
        check("Somebody AG - Weg 40-42 - D-63571 Dorf\nRechnung\n5.00", Some("Somebody AG"));
        check("RECEIPT\nBlue Door Books\n12 High Street\n5.00", Some("Blue Door Books"));
        check("BIG READS\nSDN BHD\nJALAN 5\n5.00", Some("BIG READS SDN BHD"));
        check("MEGA STORE\n(EAST) SDN BHD\nJALAN 5\n5.00", Some("MEGA STORE (EAST) SDN BHD"));
    }

    #[test]
    fn a_chain_is_known_by_its_name_alone() {
        check("~\nMilch 1,09\nwww.lidl.de", Some("Lidl"));
        check("~\nBrot 2,00\nIhr REWE Team\nREWE dankt", Some("REWE"));
        check("~\nBrot 2,00\nREWE Bio Milch 1,00", None);
    }

    #[test]
    fn noise_and_addresses_are_no_merchant() {
        check("| = : ~\nTEL: 03-1234567\n5.00", None);
        check("NO 24, JALAN BUNGA\n5.00", None);
        check("Total 5.00", None);
    }
}
