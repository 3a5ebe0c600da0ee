//! How a photo becomes fields, on this machine: an engine makes lines of the picture, the lines
//! make candidates with their evidence, and what the evidence carries is believed.
//! No network, no database, no clock: today is an argument.

pub mod picture;
pub mod likeness;
pub mod scan;
mod program;
mod pdf;
pub mod engines;
pub mod fields;
pub mod truth;

use std::sync::Arc;

use chrono::NaiveDate;
use tokio::task::spawn_blocking;

use crate::domain::money::Country;
use crate::domain::reading::{Reading, Verdict};
use engines::{Engine, EngineError, Page};
use fields::category::Categories;
use scan::{Document, Scan};

/// What is known before the picture is looked at.
#[derive(Clone, Debug)]
pub struct Hints {
    /// The day of the reading; no receipt is from after it.
    pub today: NaiveDate,
    /// `HOME_COUNTRY`: where most receipts come from. Decides the currency and the order of
    /// dates only where the paper itself is silent.
    pub home: Option<Country>,
    /// Which words speak for which category.
    pub categories: Arc<Categories>,
}

/// Reads `scan` with `engine`. The same scan gives the same reading every time; a field that is
/// not sure is `None`. Needs a tokio runtime; heavy work leaves its async threads.
pub async fn read<E: Engine>(
    engine: &E,
    scan: &Scan,
    hints: &Hints,
) -> Result<Reading, EngineError> {
    let page = page(engine, scan).await?;
    let hints = hints.clone();
    let understood = spawn_blocking(move || understand(&page, &hints)).await;
    let verdict = understood.map_err(|_| EngineError::Failed("the work was abandoned".into()))?;
    Ok(Reading { engine: engine.name().to_owned(), verdict, usage: None })
}

/// The text of `scan`, page after page. What a document says by itself is not read again.
pub async fn page<E: Engine>(engine: &E, scan: &Scan) -> Result<Page, EngineError> {
    match scan {
        Scan::Picture(picture) => engine.page(picture).await,
        Scan::Document(Document::Text(page)) => Ok(page.clone()),
        Scan::Document(Document::Pictures(pictures)) => {
            let mut all = Page::default();
            for picture in pictures {
                all.lines.extend(engine.page(picture).await?.lines);
            }
            Ok(all)
        }
    }
}

/// What the text of a picture says. Pure arithmetic on words and boxes.
pub fn understand(page: &Page, hints: &Hints) -> Verdict {
    let text = fields::Text::of(page, hints);
    if !truth::is_a_receipt(&text) {
        return Verdict::NotAReceipt;
    }
    Verdict::Receipt(text.fields(hints).believable(hints.today))
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use std::{path::Path, time::Duration};

    use super::*;
    use crate::domain::reading::Fields;
    use engines::Tesseract;

    fn hints() -> Hints {
        Hints {
            today: "2026-11-23".parse().unwrap(),
            home: None,
            categories: Arc::new(Categories::built_in()),
        }
    }

    /// `merchant | total | currency | date | category | tax`, `?` for unknown.
    fn shown(fields: Fields) -> String {
        let known = |it: Option<String>| it.unwrap_or_else(|| "?".into());
        [
            known(fields.merchant),
            known(fields.total.map(|it| it.to_string())),
            known(fields.currency.map(|it| it.code().to_owned())),
            known(fields.date.map(|it| it.to_string())),
            known(fields.category.map(|it| it.as_str().to_owned())),
            known(fields.tax.map(|it| it.to_string())),
        ]
        .join(" | ")
    }

    fn check(text: &str, expected: &str) {
        match understand(&Page::from_text(text), &hints()) {
            Verdict::Receipt(fields) => assert_eq!(shown(fields), expected, "{text}"),
            Verdict::NotAReceipt => panic!("not a receipt: {text}"),
        }
    }

    #[test]
    fn a_czech_restaurant_is_read() {
        check(
            "      Restaurace Na Rohu s.r.o.\n\
             Hlavní 123, 602 00 Brno\n\
             IČO: 12345678  DIČ: CZ12345678\n\
             ÚČTENKA č. 20261012-14\n\
             Datum: 12.10.2026    Čas: 12:41\n\
             2x Svíčková na smetaně     318,00\n\
             1x Polévka dne              45,00\n\
             2x Kofola 0,5l             124,00\n\
             Celkem                     487,00 Kč\n\
             Hotově                     500,00 Kč\n\
             Vráceno                     13,00 Kč\n\
             DPH   Základ    Daň     Celkem\n\
             12%   434,82   52,18   487,00",
            "Restaurace Na Rohu s.r.o. | 487.00 | CZK | 2026-10-12 | meals | 52.18",
        );
    }

    #[test]
    fn a_czech_builders_merchant_with_thousands_is_read() {
        check(
            "STAVEBNINY HORÁK\n\
             Průmyslová 8, Plzeň\n\
             IČ 87654321\n\
             Zjednodušený daňový doklad\n\
             18.06.2026 07:32:11   pokl. 2\n\
             Cement 25kg\n\
             \x20 5 ks x 129,00               645,00\n\
             Sádrokarton 12,5\n\
             \x20 10 ks x 249,90            2 499,00\n\
             Mezisoučet                 3 144,00\n\
             CELKEM Kč                  3 144,00\n\
             Kartou                     3 144,00\n\
             Rekapitulace DPH\n\
             21%    2 598,35   545,65",
            "STAVEBNINY HORÁK | 3144.00 | CZK | 2026-06-18 | materials | 545.65",
        );
    }

    #[test]
    fn a_german_bakery_is_read() {
        check(
            "Bäckerei Müller GmbH\n\
             Hauptstraße 12\n\
             80331 München\n\
             Steuernummer 143/123/45678\n\
             01.09.2026 07:45 Uhr\n\
             2 x Brezel             1,80 A\n\
             1 x Roggenbrot         4,95 A\n\
             SUMME        EUR       6,75\n\
             Gegeben BAR           10,00\n\
             Rückgeld               3,25\n\
             A  MwSt 7,0%  Netto 6,31  MwSt 0,44",
            "Bäckerei Müller GmbH | 6.75 | EUR | 2026-09-01 | groceries | 0.44",
        );
    }

    #[test]
    fn an_american_shop_writes_the_month_first() {
        check(
            "HOMETOWN HARDWARE\n\
             2211 Elm Street\n\
             Austin, TX 78701\n\
             04/11/2026  10:22 AM\n\
             HAMMER 16OZ          19.99\n\
             SILICONE CLEAR       11.49\n\
             SUBTOTAL             31.48\n\
             SALES TAX 8.25%       2.60\n\
             TOTAL               $34.08\n\
             VISA ****1234        34.08",
            "HOMETOWN HARDWARE | 34.08 | USD | 2026-04-11 | materials | 2.60",
        );
    }

    #[test]
    fn a_polish_hotel_is_read() {
        check(
            "Hotel Meridian Sp. z o.o.\n\
             ul. Piękna 10, 00-549 Warszawa\n\
             NIP 525-123-45-67\n\
             PARAGON FISKALNY\n\
             Nocleg 2 x 725,00   1450,00 B\n\
             PTU B 8%              107,41\n\
             SUMA PLN             1450,00\n\
             2026-05-21 11:03",
            "Hotel Meridian Sp. z o.o. | 1450.00 | PLN | 2026-05-21 | travel | 107.41",
        );
    }

    /// From the photo to the fields, with the real program.
    #[tokio::test]
    async fn the_photos_of_the_demo_are_read_as_they_were_printed() {
        let engine = Tesseract::find(Duration::from_mins(1)).await.unwrap();
        let photos = Path::new(env!("CARGO_MANIFEST_DIR")).join("demo/photos");
        let told = [
            ("cafe", "The Copper Kettle | 22.40 | GBP | 2026-11-19 | meals | 3.73"),
            ("potraviny", "POTRAVINY U LÍPY | 335.46 | CZK | 2026-11-21 | groceries | 35.94"),
            ("tankstelle", "Tankhof Meisenbrunn | 80.43 | EUR | 2026-11-14 | fuel | 12.84"),
            ("cat", "no receipt"),
        ];
        for (name, expected) in told {
            let bytes = std::fs::read(photos.join(name).with_extension("jpg")).unwrap();
            let scan = Scan::open(bytes).await.unwrap();
            let reading = read(&engine, &scan, &hints()).await.unwrap();
            let said = match reading.verdict {
                Verdict::Receipt(fields) => shown(fields),
                Verdict::NotAReceipt => "no receipt".to_owned(),
            };
            assert_eq!(said, expected, "{name}");
        }
    }
}
