//! What people say that is on the photos: `labels.json` and `categories.json`.

use std::collections::HashMap;
use std::path::Path;

use anyhow::Context;
use chrono::NaiveDate;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::domain::money::Decimal;

/// A photo with what is known of it; what is not labelled is not judged.
#[derive(Clone, Debug)]
pub struct Labelled {
    /// Its name in `images/`.
    pub file: String,
    /// Who was paid.
    pub merchant: Option<String>,
    /// On which day.
    pub date: Option<NaiveDate>,
    /// How much.
    pub total: Option<Decimal>,
    /// ISO 4217.
    pub currency: Option<String>,
    /// The category, and those that are right besides.
    pub categories: Vec<String>,
}

#[derive(Deserialize)]
struct Label {
    file: String,
    company: Option<String>,
    date: Option<NaiveDate>,
    total: Option<String>,
    currency: Option<String>,
}

#[derive(Deserialize)]
struct CategoryLabel {
    category: String,
    #[serde(default)]
    also: Vec<String>,
}

/// The labels in `dir`.
pub fn of(dir: &Path) -> anyhow::Result<Vec<Labelled>> {
    let labels: Vec<Label> = json(&dir.join("labels.json"))?;
    let path = dir.join("categories.json");
    let mut categories: HashMap<String, CategoryLabel> =
        if path.exists() { json(&path)? } else { HashMap::new() };
    let mut out = Vec::with_capacity(labels.len());
    for label in labels {
        let total = label.total.map(|it| {
            let problem = || anyhow::anyhow!("{}: no amount: {it}", label.file);
            Decimal::parse_plain(&it).ok_or_else(problem)
        });
        let category = categories.remove(&label.file);
        let categories = category.map_or_else(Vec::new, |it| [vec![it.category], it.also].concat());
        out.push(Labelled {
            file: label.file,
            merchant: label.company,
            date: label.date,
            total: total.transpose()?,
            currency: label.currency,
            categories,
        });
    }
    Ok(out)
}

fn json<T: DeserializeOwned>(path: &Path) -> anyhow::Result<T> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("{} cannot be read", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is not as expected", path.display()))
}
