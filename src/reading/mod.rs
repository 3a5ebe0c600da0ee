//! How a photo becomes fields, on this machine: an engine makes lines of the picture, the lines
//! make candidates with their evidence, and what the evidence carries is believed.
//! No network, no database, no clock: today is an argument.

pub mod picture;
pub mod engines;
pub mod fields;
pub mod truth;

use chrono::NaiveDate;

use crate::domain::money::Country;
use crate::domain::reading::{Reading, Verdict};
use engines::{Engine, EngineError, Page};
use picture::Picture;

/// What is known before the picture is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Hints {
    /// The day of the reading; no receipt is from after it.
    pub today: NaiveDate,
    /// `HOME_COUNTRY`: where most receipts come from. Decides the currency and the order of
    /// dates only where the paper itself is silent.
    pub home: Option<Country>,
}

/// Reads `picture` with `engine`. The same picture gives the same reading every time; a field
/// that is not sure is `None`. Needs a tokio runtime; heavy work leaves its async threads.
pub async fn read<E: Engine>(
    engine: &E,
    picture: &Picture,
    hints: &Hints,
) -> Result<Reading, EngineError> {
    let page = engine.page(picture).await?;
    Ok(Reading { engine: engine.name().to_owned(), verdict: understand(&page, hints) })
}

/// What the text of a picture says. Pure arithmetic on words and boxes.
pub fn understand(page: &Page, hints: &Hints) -> Verdict {
    let text = fields::Text::of(page, hints);
    if !truth::is_a_receipt(&text) {
        return Verdict::NotAReceipt;
    }
    Verdict::Receipt(text.fields(hints).believable(hints.today))
}
