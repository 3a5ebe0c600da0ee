//! The photos that the demo ships, and what is on them. All made by this project: no real merchant
//! and no real person (see `demo/photos/README.md`).

use chrono::NaiveDate;

use crate::domain::money::{Currency, Money};
use crate::domain::reading::Category;
use crate::domain::reply::EntrySummary;

/// A photo and the truth about it.
pub struct Photo {
    /// Its file's name.
    pub name: &'static str,
    /// The JPEG.
    pub bytes: &'static [u8],
}

macro_rules! photo {
    ($name:literal) => {
        Photo {
            name: $name,
            bytes: include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/demo/photos/", $name)),
        }
    };
}

/// A café in England: 22.40 pounds.
pub const CAFE: Photo = photo!("cafe.jpg");

/// A petrol station in Germany: 80.43 euros.
pub const TANKSTELLE: Photo = photo!("tankstelle.jpg");

/// A grocer's in Czechia: 335.46 crowns.
pub const POTRAVINY: Photo = photo!("potraviny.jpg");

/// A cat.
pub const CAT: Photo = photo!("cat.jpg");

/// What is printed on [`CAFE`].
pub fn cafe() -> EntrySummary {
    EntrySummary {
        category: Some(Category::Meals),
        total: Currency::parse("GBP").map(|currency| Money { minor: 2_240, currency }),
        merchant: Some("The Copper Kettle".to_owned()),
        date: NaiveDate::from_ymd_opt(2026, 11, 19),
    }
}

/// What is printed on [`TANKSTELLE`].
pub fn tankstelle() -> EntrySummary {
    EntrySummary {
        category: Some(Category::Fuel),
        total: Some(Money { minor: 8_043, currency: Currency::EUR }),
        merchant: Some("Tankhof Meisenbrunn".to_owned()),
        date: NaiveDate::from_ymd_opt(2026, 11, 14),
    }
}
