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
pub mod tax_number;
pub mod category;

use super::{Hints, engines::Page, truth};
use crate::domain::reading::{Confidence, Fields};
use place::Place;
use rows::Row;
use total::Evidence;

/// A value, and how sure it is in percent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Believed<T> {
    /// What is believed.
    pub value: T,
    /// Of those that are said to be 90 % sure, nine in ten are right.
    pub sure: u8,
}

/// What is less sure, in percent, is unknown: the sender is asked instead.
const DOUBTED: u8 = 60;

impl<T> Believed<T> {
    fn unless_doubted(self) -> Option<Self> {
        (self.sure >= DOUBTED).then_some(self)
    }
}

/// The percentage that goes with the largest weight in `table` that `weight` reaches. Tables are
/// counted on photos; docs/reading.md tells on which.
pub fn percent<W: PartialOrd + Copy>(weight: W, table: &[(W, u8)]) -> u8 {
    table.iter().rev().find(|it| weight >= it.0).map_or(0, |it| it.1)
}

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
        let total = truth::total(&self.evidence).and_then(Believed::unless_doubted);
        let merchant = merchant::merchant(&self.rows).and_then(Believed::unless_doubted);
        let date = date::date(&self.rows, &self.place, hints.today);
        let date = date.and_then(Believed::unless_doubted);
        let currency = self.place.believed_currency().and_then(Believed::unless_doubted);
        let name = merchant.as_ref().map(|it| it.value.as_str());
        let category = hints.categories.category(name, &self.rows);
        let category = category.and_then(Believed::unless_doubted);
        Fields {
            total: total.map(|it| it.value),
            currency: currency.map(|it| it.value),
            date: date.map(|it| it.value),
            category: category.map(|it| it.value),
            tax: total.and_then(|it| tax::tax(&self.evidence, it.value)),
            tax_number: tax_number::tax_number(&self.rows),
            tax_lines: total.map_or_else(Vec::new, |it| tax::lines(&self.evidence, it.value)),
            country: self.place.country,
            confidence: Confidence {
                merchant: merchant.as_ref().map(|it| it.sure),
                total: total.map(|it| it.sure),
                currency: currency.map(|it| it.sure),
                date: date.map(|it| it.sure),
                category: category.map(|it| it.sure),
            },
            merchant: merchant.map(|it| it.value),
        }
    }
}
