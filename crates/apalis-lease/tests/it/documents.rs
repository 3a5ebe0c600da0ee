//! The README names the test of each promise: those tests must be there.

use std::fs;
use std::path::Path;

#[test]
fn every_test_that_the_readme_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut names = Vec::new();
    for entry in fs::read_dir(root.join("tests/it")).unwrap() {
        let code = fs::read_to_string(entry.unwrap().path()).unwrap();
        let found = code.split("fn ").skip(1).filter_map(|it| it.split_once('(').map(|it| it.0));
        names.extend(found.map(str::to_owned));
    }
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    let mut named = 0;
    for word in readme.split('`').filter(|it| is_a_test(it)) {
        let pattern = word.rsplit("::").next().unwrap();
        assert!(names.iter().any(|name| matches(name, pattern)), "README.md names {word}");
        named += 1;
    }
    assert!(named >= 25, "README.md names only {named} tests");
}

/// A sentence in snake case, its module before it or parts left out.
fn is_a_test(word: &str) -> bool {
    word.chars().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || "_:…".contains(it))
        && word.matches('_').count() >= 2
        && (word.contains("::") || word.contains('…'))
}

/// `…` stands for what is left out.
fn matches(name: &str, pattern: &str) -> bool {
    let mut rest = name;
    for (place, part) in pattern.split('…').enumerate() {
        match rest.find(part) {
            Some(at) if place > 0 || at == 0 => rest = &rest[at + part.len()..],
            _ => return false,
        }
    }
    pattern.ends_with('…') || rest.is_empty()
}
