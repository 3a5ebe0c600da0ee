//! The files in `templates/`: one a template, with all its languages. Reads them and judges nothing
//! but their shape.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::Deserialize;

use crate::domain::template::{Category, Definition, Example, Placeholders, Words};

/// A template with all its languages.
pub struct TemplateFile {
    /// Where it stands.
    pub path: PathBuf,
    /// Its name without `.toml`.
    pub stem: String,
    /// One for each language.
    pub definitions: Vec<Definition>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Contents {
    name: String,
    category: String,
    languages: BTreeMap<String, Text>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    header: Option<String>,
    body: String,
    footer: Option<String>,
    #[serde(default)]
    examples: Examples,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Examples {
    Listed(Vec<String>),
    Named(BTreeMap<String, String>),
}

impl Default for Examples {
    fn default() -> Self {
        Self::Listed(Vec::new())
    }
}

/// Every `*.toml` of `folder`, by name. One that cannot be read is an error that says where.
pub fn read(folder: &Path) -> anyhow::Result<Vec<TemplateFile>> {
    let listed = std::fs::read_dir(folder)
        .with_context(|| format!("{}: the folder cannot be read (--dir)", folder.display()))?;
    let mut paths = Vec::new();
    for entry in listed {
        let path = entry?.path();
        if path.extension().is_some_and(|it| it == "toml") {
            paths.push(path);
        }
    }
    if paths.is_empty() {
        bail!("{}: no file ends with .toml", folder.display());
    }
    paths.sort();
    paths.into_iter().map(file).collect()
}

fn file(path: PathBuf) -> anyhow::Result<TemplateFile> {
    let shown = path.display().to_string();
    let text = std::fs::read_to_string(&path).with_context(|| shown.clone())?;
    let contents: Contents = toml::from_str(&text).with_context(|| shown.clone())?;
    let Some(category) = Category::parse(&contents.category) else {
        let known = Category::ALL.map(Category::as_str).join(", ");
        bail!("{shown}: category is {:?}; Meta knows {known}", contents.category);
    };
    if contents.languages.is_empty() {
        bail!("{shown}: no language; write [languages.en] and its body below");
    }
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let name = contents.name;
    let definitions =
        contents.languages.into_iter().map(|it| definition(&name, category, it)).collect();
    Ok(TemplateFile { path, stem, definitions })
}

fn definition(name: &str, category: Category, (language, text): (String, Text)) -> Definition {
    let Text { header, body, footer, examples } = text;
    let examples = in_order(&body, examples);
    Definition {
        name: name.to_owned(),
        language,
        category,
        words: Words { header, body, footer },
        examples,
    }
}

/// Named examples in the order in which the body has their parameters; those that it has not, last.
fn in_order(body: &str, examples: Examples) -> Vec<Example> {
    let mut named = match examples {
        Examples::Listed(values) => {
            return values.into_iter().map(|value| Example { name: None, value }).collect();
        }
        Examples::Named(named) => named,
    };
    let mut ordered: Vec<Example> = Placeholders::of(body)
        .names()
        .iter()
        .filter_map(|name| named.remove_entry(name))
        .map(|(name, value)| Example { name: Some(name), value })
        .collect();
    ordered.extend(named.into_iter().map(|(name, value)| Example { name: Some(name), value }));
    ordered
}
