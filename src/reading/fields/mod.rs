//! Lines → fields. Each file finds one field's candidates with what speaks for them;
//! `truth` decides which are believed. Nothing here knows an engine or a merchant by name, except
//! the chains in the category table.

pub mod fold;
pub mod rows;
pub mod amounts;
pub mod phrases;
pub mod labels;
pub mod place;
pub mod total;
pub mod date;
pub mod merchant;
pub mod tax;
pub mod category;

use super::{Hints, engines::Page, truth};
use crate::domain::reading::Fields;
use place::Place;
use rows::Row;
use total::Evidence;

/// The text of a picture, with all that can be said of it before anything is believed.
pub struct Text {
    /// Rows from top to bottom, with their amounts.
    pub rows: Vec<Row>,
    /// Where in the world it is from.
    pub place: Place,
    /// What speaks for which total.
    pub evidence: Evidence,
}

impl Text {
    /// Takes the page apart. The country is found first: it decides how numbers are read.
    pub fn of(page: &Page, hints: &Hints) -> Self {
        let mut rows = rows::rows(page);
        let place = Place::of(&rows, hints.home);
        for row in &mut rows {
            row.find_amounts(&place);
        }
        let evidence = total::evidence(&rows, &place);
        Self { rows, place, evidence }
    }

    /// The fields that are believed; the others are unknown.
    pub fn fields(&self, hints: &Hints) -> Fields {
        let total = truth::total(&self.evidence);
        let merchant = merchant::merchant(&self.rows);
        Fields {
            category: category::category(merchant.as_deref(), &self.rows),
            merchant,
            total,
            currency: self.place.currency,
            date: date::date(&self.rows, &self.place, hints.today),
            tax: total.and_then(|it| tax::tax(&self.evidence, it)),
            country: self.place.country,
        }
    }
}
