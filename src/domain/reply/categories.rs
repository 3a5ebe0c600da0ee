//! What each category is called, and by which words a sender may mean it.

use crate::domain::language::Language;
use crate::domain::reading::Category;

/// Its name in an answer.
pub fn word(category: Category, language: Language) -> &'static str {
    let [en, cs, de] = words(category);
    language.pick(en, cs, de)
}

/// Reads a name in any language, or another word for it; case and accents do not matter.
pub fn parse(said: &str) -> Option<Category> {
    let said = folded(said.trim());
    let is = |word: &str| folded(word) == said;
    Category::ALL.into_iter().find(|it| {
        is(it.as_str()) || words(*it).into_iter().any(is) || also(*it).split(' ').any(is)
    })
}

fn words(category: Category) -> [&'static str; 3] {
    match category {
        Category::Groceries => ["groceries", "potraviny", "Lebensmittel"],
        Category::Meals => ["meals", "stravování", "Bewirtung"],
        Category::Fuel => ["fuel", "pohonné hmoty", "Kraftstoff"],
        Category::Transport => ["transport", "doprava", "Fahrtkosten"],
        Category::Travel => ["travel", "cestování", "Reise"],
        Category::Office => ["office", "kancelář", "Bürobedarf"],
        Category::Materials => ["materials", "materiál", "Material"],
        Category::Electronics => ["electronics", "elektronika", "Elektronik"],
        Category::Household => ["household", "domácnost", "Haushalt"],
        Category::Health => ["health", "zdraví", "Gesundheit"],
        Category::Clothing => ["clothing", "oblečení", "Kleidung"],
        Category::Media => ["media", "média", "Medien"],
        Category::Services => ["services", "služby", "Dienstleistungen"],
        Category::Other => ["other", "ostatní", "Sonstiges"],
    }
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
fn folded(text: &str) -> String {
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
            let further = also(category).split(' ');
            for word in words(category).into_iter().chain(further) {
                assert_eq!(parse(&word.to_uppercase()), Some(category), "{word}");
            }
        }
        assert_eq!(parse(""), None);
    }
}
