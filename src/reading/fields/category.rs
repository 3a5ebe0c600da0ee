//! What kind of thing was bought, by the merchant's name and by the goods, from a table that an
//! operator can read and add to. Goods win over the merchant's kind where several of them agree.

use super::phrases::{Phrases, Words};
use super::rows::Row;
use super::{Believed, percent};
use crate::domain::reading::Category;

/// What ships with the program.
const TABLE: &str = include_str!("categories.txt");
/// An operator's own word counts like so many of ours.
const OWN: usize = 4;
/// Where a merchant's name stands, in rows.
const HEAD: usize = 6;
/// More mentions of the same goods say no more.
const MENTIONS: usize = 2;

/// Words that speak for a category.
#[derive(Debug)]
pub struct Categories(Vec<Entry>);

#[derive(Debug)]
struct Entry {
    category: Category,
    of: Of,
    words: Phrases,
    weight: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Of {
    Merchants,
    Goods,
}

/// A table of categories that cannot be read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct BadTable {
    line: usize,
    problem: String,
}

impl Default for Categories {
    fn default() -> Self {
        Self::built_in()
    }
}

impl Categories {
    /// The table that ships with the program.
    pub fn built_in() -> Self {
        Self(parse(TABLE, 1).unwrap_or_default())
    }

    /// That table and an operator's own, in the same form: `[merchants]` and `[goods]`, under
    /// each `category: word, word …`. The operator's words weigh more.
    pub fn with(own: &str) -> Result<Self, BadTable> {
        let mut all = Self::built_in();
        all.0.extend(parse(own, OWN)?);
        Ok(all)
    }

    /// The category, if the table speaks for one more than for any other.
    pub fn category(&self, merchant: Option<&str>, rows: &[Row]) -> Option<Believed<Category>> {
        let name = Words::of(merchant.unwrap_or_default());
        let head: Vec<Words> = rows.iter().take(HEAD).map(|it| Words::of(&it.text)).collect();
        let body: Vec<Words> = rows.iter().skip(1).map(|it| Words::of(&it.text)).collect();
        let mut scores = Category::ALL.map(|it| (0, it));
        for entry in &self.0 {
            let says = |words: &Words| words.contain_any(&entry.words);
            let score = match entry.of {
                Of::Goods => 2 * body.iter().filter(|it| says(it)).count().min(MENTIONS),
                Of::Merchants if says(&name) => 6,
                Of::Merchants => 3 * usize::from(head.iter().any(says)),
            };
            let place = scores.iter_mut().find(|it| it.1 == entry.category);
            if let Some(place) = place {
                place.0 += score * entry.weight;
            }
        }
        scores.sort_by_key(|it| std::cmp::Reverse(it.0));
        let [(best, category), (second, _), ..] = scores;
        if best < 2 || best == second {
            return None;
        }
        Some(Believed { value: category, sure: percent(best - second, SURE) })
    }
}

/// How often a category with so much lead is right; see docs/reading.md.
const SURE: &[(usize, u8)] = &[(1, 60), (2, 72), (4, 84), (6, 90), (10, 95)];

fn parse(table: &str, weight: usize) -> Result<Vec<Entry>, BadTable> {
    let mut out = Vec::new();
    let mut of = Of::Merchants;
    for (number, line) in (1..).zip(table.lines()) {
        let line = line.trim();
        let bad = |problem: String| BadTable { line: number, problem };
        match line {
            "[merchants]" => of = Of::Merchants,
            "[goods]" => of = Of::Goods,
            _ if line.is_empty() || line.starts_with('#') => {}
            _ => {
                let form = "want [merchants], [goods] or `category: word, word`";
                let (category, words) = line.split_once(':').ok_or_else(|| bad(form.to_owned()))?;
                let category = Category::parse(category.trim())
                    .ok_or_else(|| bad(format!("there is no category {category:?}")))?;
                let words = words.split(',').map(str::trim).filter(|it| !it.is_empty());
                out.extend(words.map(|word| Entry {
                    category,
                    of,
                    words: Phrases::close(word),
                    weight,
                }));
            }
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reading::{engines::Page, fields::rows::rows};

    fn check(merchant: &str, goods: &str, expected: Option<Category>) {
        let rows = rows(&Page::from_text(&format!("{merchant}\n{goods}")));
        let found = Categories::built_in().category(Some(merchant), &rows);
        assert_eq!(found.map(|it| it.value), expected, "{merchant}: {goods}");
    }

    #[test]
    fn the_merchant_says_what_was_bought() {
        check("Lékárna U Anděla", "Krabička 1 99,00", Some(Category::Health));
        check("RESTORAN WAN", "Kopi 2.10", Some(Category::Meals));
        check("Shell", "Natural 95 1200,00", Some(Category::Fuel));
        check("Hardware Trading", "Hollow punch 50.00", Some(Category::Materials));
        check("SUNSHINE PHARHACY", "Something 1.00", Some(Category::Health));
        check("Somebody", "Something 1.00", None);
    }

    #[test]
    fn goods_win_over_the_merchants_kind() {
        check(
            "Tankstelle",
            "Kaffee 2,50\nSandwich 4,00\nCroissant 2,00\nCola 2,00",
            Some(Category::Meals),
        );
    }

    #[test]
    fn an_operators_own_words_win() {
        let own = "# ours\n[goods]\noffice: croissant\n";
        let rows = rows(&Page::from_text("Bakery\nCroissant 2,00"));
        let found = Categories::with(own).unwrap().category(Some("Bakery"), &rows);
        assert_eq!(found.map(|it| it.value), Some(Category::Office));
        let error = Categories::with("[goods]\n\nfun: beer").unwrap_err();
        assert_eq!(error.to_string(), "line 3: there is no category \"fun\"");
        assert!(Categories::with("beer").unwrap_err().to_string().starts_with("line 1: want"));
    }

    #[test]
    fn every_line_of_our_own_table_is_understood() {
        let lines = TABLE.lines().filter(|it| !it.starts_with('#') && it.contains(':'));
        let words: usize = lines.map(|it| it.split(',').count()).sum();
        assert_eq!(parse(TABLE, 1).unwrap().len(), words);
    }
}
