//! What kind of thing was bought, by the merchant's name and by the goods, from a table that an
//! operator can read. Goods win over the merchant's kind where several of them agree.

use super::{fold::fold, rows::Row};
use crate::domain::reading::Category;

/// `category: word, word …`, twice: for merchants, then for goods.
const TABLE: &str = include_str!("categories.txt");

/// The category, if the table speaks for one more than for any other.
pub fn category(merchant: Option<&str>, rows: &[Row]) -> Option<Category> {
    let name = words_of(merchant.unwrap_or_default());
    let head: String = rows.iter().take(6).map(|it| words_of(&it.text)).collect();
    let body: Vec<String> = rows.iter().skip(1).map(|it| words_of(&it.text)).collect();
    let mut scores = [0_usize; Category::ALL.len()];
    let mut goods = false;
    for line in TABLE.lines().filter(|it| !it.starts_with('#')) {
        if line.trim() == "[goods]" {
            goods = true;
        }
        let Some((category, words)) = line.split_once(':') else {
            continue;
        };
        let Some(place) = Category::ALL.iter().position(|it| it.as_str() == category.trim()) else {
            continue;
        };
        for entry in words.split(',') {
            let whole = entry.trim().starts_with('=');
            let word = words_of(entry);
            let word = word.trim_end();
            scores[place] += if goods {
                2 * body.iter().filter(|it| has(it, word, whole)).count().min(2)
            } else if has(&name, word, whole) {
                6
            } else {
                3 * usize::from(has(&head, word, whole))
            };
        }
    }
    let best = scores.iter().max().filter(|it| **it >= 2)?;
    let mut leaders = Category::ALL.into_iter().zip(scores).filter(|it| it.1 == *best);
    match (leaders.next(), leaders.next()) {
        (Some((category, _)), None) => Some(category),
        _ => None,
    }
}

/// Folded words, each after a space.
fn words_of(text: &str) -> String {
    let folded = fold(text);
    let words = folded.split(|it: char| !it.is_alphanumeric()).filter(|it| !it.is_empty());
    words.fold(String::new(), |text, word| text + " " + word) + " "
}

/// The word at a word's beginning; a short one (under five letters) or `=one` as a whole.
fn has(text: &str, word: &str, whole: bool) -> bool {
    if word.trim().chars().count() >= 5 && !whole {
        text.contains(word)
    } else {
        !word.trim().is_empty() && text.contains(&format!("{word} "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reading::{engines::Page, fields::rows::rows};

    fn check(merchant: &str, goods: &str, expected: Option<Category>) {
        let rows = rows(&Page::from_text(&format!("{merchant}\n{goods}")));
        assert_eq!(category(Some(merchant), &rows), expected, "{merchant}: {goods}");
    }

    #[test]
    fn the_merchant_says_what_was_bought() {
        check("Lékárna U Anděla", "Krabička 1 99,00", Some(Category::Health));
        check("RESTORAN WAN", "Kopi 2.10", Some(Category::Meals));
        check("Shell", "Natural 95 1200,00", Some(Category::Fuel));
        check("Hardware Trading", "Hollow punch 50.00", Some(Category::Materials));
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
    fn every_line_of_the_table_names_a_category() {
        for line in TABLE.lines().filter(|it| !it.starts_with('#') && it.contains(':')) {
            let (category, words) = line.split_once(':').unwrap();
            assert!(Category::parse(category.trim()).is_some(), "{line}");
            assert!(words.split(',').all(|it| !it.trim().is_empty()), "{line}");
        }
    }
}
