//! What is written for people is true of the code.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use paragon::domain::language::Language;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Names such as `WA_TOKEN` between quotes in the settings' sources.
fn settings_that_are_read() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for file in fs::read_dir(root().join("src/settings")).unwrap() {
        let code = fs::read_to_string(file.unwrap().path()).unwrap();
        let code = code.split("#[cfg(test)]").next().unwrap();
        for word in code.split('"').skip(1).step_by(2) {
            let shouted = |it: char| it.is_ascii_uppercase() || it.is_ascii_digit() || it == '_';
            if word.len() > 5 && word.contains('_') && word.chars().all(shouted) {
                names.insert(word.to_owned());
            }
        }
    }
    names
}

#[test]
fn every_setting_that_is_read_stands_in_the_example_environment() {
    let example = fs::read_to_string(root().join(".env.example")).unwrap();
    let read = settings_that_are_read();
    assert!(read.len() > 20, "{read:?}");
    for name in read {
        let stands = example.lines().any(|line| {
            let line = line.trim_start_matches(['#', ' ']);
            line.starts_with(&format!("{name}="))
        });
        assert!(stands, "{name} is not in .env.example");
    }
}

#[test]
fn every_test_that_a_document_names_exists() {
    let mut code = String::new();
    for folder in ["tests", "src", "crates"] {
        collect(&root().join(folder), &mut code);
    }
    for document in ["ARCHITECTURE.md", "docs/security.md"] {
        let text = fs::read_to_string(root().join(document)).unwrap();
        let mut named = 0;
        for word in text.split('`').skip(1).step_by(2) {
            // A test's name is a sentence.
            let plain =
                word.chars().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '_');
            if plain && word.matches('_').count() >= 4 {
                assert!(code.contains(&format!("fn {word}(")), "{document} names {word}");
                named += 1;
            }
        }
        assert!(named >= 10, "{document} names only {named} tests");
    }
}

#[test]
fn every_language_has_its_folder_and_is_named_where_it_is_chosen() {
    let folders: BTreeSet<String> = fs::read_dir(root().join("locales"))
        .unwrap()
        .map(|it| it.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(folders, Language::ALL.map(|it| it.code().to_owned()).into());
    let example = fs::read_to_string(root().join(".env.example")).unwrap();
    let above = example.split("#REPLY_LANGUAGE=").next().unwrap().lines().next_back().unwrap();
    let codes: Vec<&str> = above.split([' ', ',', '.']).collect();
    for language in Language::ALL {
        assert!(codes.contains(&language.code()), "{} is not in .env.example", language.code());
    }
}

fn collect(folder: &Path, into: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, into);
        } else if path.extension().is_some_and(|it| it == "rs") {
            into.push_str(&fs::read_to_string(&path).unwrap());
        }
    }
}
