//! What each category is called, and by which words a sender may mean it.

use crate::domain::catalogue::Text;
use crate::domain::language::Language;
use crate::domain::reading::Category;

/// Its name in an answer.
pub fn name(category: Category, language: Language) -> String {
    Text::CategoryName { category: category.as_str() }.say(language)
}

/// Reads a name in any language, or another word for it; case and accents do not matter.
pub fn parse(said: &str) -> Option<Category> {
    let said = folded(said.trim());
    let is = |word: &str| folded(word) == said;
    Category::ALL.into_iter().find(|it| {
        is(it.as_str())
            || also(*it).split(' ').any(is)
            || Language::ALL.into_iter().any(|language| is(&name(*it, language)))
    })
}

/// Further words that mean nothing else.
fn also(category: Category) -> &'static str {
    match category {
        Category::Groceries => "food jídlo Essen",
        Category::Meals => "meal restaurant restaurace oběd lunch dinner večeře Restaurant",
        Category::Fuel => "petrol gas gasoline diesel palivo benzín nafta tankování Benzin Sprit",
        Category::Transport => "taxi parking parkování jízdné Parken Fahrkarte",
        Category::Travel => "hotel ubytování Reisekosten Übernachtung",
        Category::Office => "stationery Büro kancelářské",
        Category::Materials => "material tools nářadí Werkzeug",
        Category::Electronics => "computer počítač Computer",
        Category::Household => "drogerie Drogerie",
        Category::Health => "pharmacy lékárna Apotheke",
        Category::Clothing => "clothes oděvy Bekleidung",
        Category::Media => "books knihy Bücher",
        Category::Services => "service Dienstleistung",
        Category::Other => "jiné Andere",
    }
}

/// In one case and without the accents of our languages.
pub fn folded(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).map(plain).collect()
}

fn plain(letter: char) -> char {
    match letter {
        'á' | 'ä' => 'a',
        'č' => 'c',
        'ď' => 'd',
        'é' | 'ě' => 'e',
        'í' => 'i',
        'ň' => 'n',
        'ó' | 'ö' => 'o',
        'ř' => 'r',
        'š' => 's',
        'ť' => 't',
        'ú' | 'ů' | 'ü' => 'u',
        'ý' => 'y',
        'ž' => 'z',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_read_back_and_no_word_means_two_things() {
        for category in Category::ALL {
            let names = Language::ALL.map(|it| name(category, it));
            let further = also(category).split(' ').map(str::to_owned);
            for word in names.into_iter().chain(further) {
                assert_eq!(parse(&word.to_uppercase()), Some(category), "{word}");
            }
        }
        assert_eq!(parse(""), None);
    }
}
