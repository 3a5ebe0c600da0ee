//! What came of an evaluation: tables for people, JSON and CSV for scripts.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context;
use serde_json::{Map, Value, json};

use super::Photos;
use super::cost::Cost;
use super::outcome::{FIELDS, Judged, Outcome};
use crate::app::admin::status::table;

/// So many of the worst photos are shown.
const WORST: usize = 15;

/// What became of each field of each photo in an earlier run.
pub type Before = BTreeMap<(String, String), String>;

/// Everything in one object; shares are of all photos.
pub fn json(photos: &Photos, cost: &Cost) -> Value {
    let mut fields = Map::new();
    for name in FIELDS {
        let share = |outcome| rounded(ratio(count(photos, name, outcome), photos.len()), 10_000.0);
        let shares = json!({
            "right": share(Outcome::Right),
            "wrong": share(Outcome::Wrong),
            "unknown": share(Outcome::Unknown),
        });
        fields.insert(name.to_owned(), shares);
    }
    json!({
        "photos": photos.len(), "fields": fields,
        "cpu_s": rounded(cost.cpu_s, 100.0), "peak_mb": rounded(cost.peak_mb, 10.0),
        "photo_p50_s": rounded(cost.p50_s, 100.0), "photo_p95_s": rounded(cost.p95_s, 100.0),
    })
}

/// Tables: the fields, the confidences, what has changed, the worst photos.
pub fn text(engine: &str, photos: &Photos, cost: &Cost, before: Option<&Before>) -> String {
    let mut text = format!(
        "{} photos, read by {engine}: {:.2} CPU s a photo, at most {:.0} MB; half within {:.1} s each, \
         95 of 100 within {:.1} s\n\n",
        photos.len(),
        cost.cpu_s / number(photos.len().max(1)),
        cost.peak_mb,
        cost.p50_s,
        cost.p95_s
    );
    let head = ["field", "right", "wrong", "unknown", "right, 95 % interval"];
    text.push_str(&table(&head, FIELDS.iter().map(|name| field_row(photos, name))));
    text.push_str("\nHow far the confidences can be trusted\n");
    let head = ["said to be", "fields", "of them right", "mean said"];
    text.push_str(&table(&head, bands(photos).into_iter()));
    if let Some(before) = before {
        text.push_str(&changes(photos, before));
    }
    text.push_str(&worst(photos));
    text
}

fn field_row(photos: &Photos, name: &str) -> Vec<String> {
    let all = photos.iter().filter(|it| it.fields.iter().any(|it| it.field == name)).count();
    let of = |outcome| count(photos, name, outcome);
    let cell = |outcome| {
        let count = of(outcome);
        format!("{count} ({:.1} %)", 100.0 * ratio(count, all))
    };
    let (low, high) = interval(of(Outcome::Right), all);
    vec![
        name.to_owned(),
        cell(Outcome::Right),
        cell(Outcome::Wrong),
        cell(Outcome::Unknown),
        format!("{:.0}–{:.0} %", 100.0 * low, 100.0 * high),
    ]
}

/// Known fields by what was said of them. The lenient category is not counted twice.
fn bands(photos: &Photos) -> Vec<Vec<String>> {
    let known: Vec<(&Judged, u8)> = photos
        .iter()
        .flat_map(|it| &it.fields)
        .filter(|it| it.field != "category")
        .filter_map(|it| Some((it, it.sure?)))
        .collect();
    let row = |low: u8, end: u8| {
        let within: Vec<_> = known.iter().filter(|it| (low..end).contains(&it.1)).collect();
        if within.is_empty() {
            return None;
        }
        let right = within.iter().filter(|it| it.0.outcome == Outcome::Right).count();
        let said: f64 = within.iter().map(|it| f64::from(it.1)).sum();
        Some(vec![
            format!("{low}–{} %", end - 1),
            within.len().to_string(),
            format!("{right} ({:.1} %)", 100.0 * ratio(right, within.len())),
            format!("{:.1} %", said / number(within.len())),
        ])
    };
    [(0, 70), (70, 80), (80, 90), (90, 95), (95, 98), (98, 101)]
        .into_iter()
        .filter_map(|(low, end)| row(low, end))
        .collect()
}

fn changes(photos: &Photos, before: &Before) -> String {
    let mut text = String::from("\nWhat has changed\n");
    for photo in photos {
        for it in &photo.fields {
            let was = before.get(&(photo.file.clone(), it.field.to_owned()));
            let Some(was) = was.filter(|was| *was != it.outcome.as_str()) else { continue };
            let (read, is) = (it.read.as_deref().unwrap_or("–"), it.outcome.as_str());
            let file = &photo.file;
            let _ =
                writeln!(text, "  {was} → {is}  {file} {}: {read}, is {}", it.field, it.labelled);
        }
    }
    text
}

/// Photos with wrong fields first, then those with unknown ones.
fn worst(photos: &Photos) -> String {
    let badness = |it: &&super::Photo| {
        let of = |outcome| it.fields.iter().filter(|it| it.outcome == outcome).count();
        4 * of(Outcome::Wrong) + of(Outcome::Unknown)
    };
    let mut worst: Vec<_> = photos.iter().filter(|it| badness(it) > 0).collect();
    worst.sort_by_key(|it| std::cmp::Reverse(badness(it)));
    let mut text = String::from("\nThe worst\n");
    for photo in worst.into_iter().take(WORST) {
        let _ = writeln!(text, "  {} ({})", photo.file, photo.verdict);
        for it in photo.fields.iter().filter(|it| it.outcome != Outcome::Right) {
            let read = it.read.as_deref().unwrap_or("–");
            let sure = it.sure.map_or(String::new(), |it| format!(", {it} % sure"));
            let (is, field) = (it.outcome.as_str(), it.field);
            let _ = writeln!(text, "    {field} {is}: {read}{sure}; labelled {}", it.labelled);
        }
    }
    text
}

/// A row for each field of each photo.
pub fn write_csv(path: &Path, photos: &Photos) -> anyhow::Result<()> {
    let mut out = csv::Writer::from_path(path).with_context(|| path.display().to_string())?;
    out.write_record(["file", "verdict", "field", "labelled", "read", "sure", "outcome"])?;
    for photo in photos {
        for it in &photo.fields {
            let sure = it.sure.map_or(String::new(), |it| it.to_string());
            let read = it.read.as_deref().unwrap_or_default();
            let outcome = it.outcome.as_str();
            out.write_record([
                &photo.file,
                &photo.verdict,
                it.field,
                &it.labelled,
                read,
                &sure,
                outcome,
            ])?;
        }
    }
    out.flush().with_context(|| path.display().to_string())
}

/// The outcomes in a file that [`write_csv`] wrote.
pub fn read_csv(path: &Path) -> anyhow::Result<Before> {
    let mut file = csv::Reader::from_path(path).with_context(|| path.display().to_string())?;
    let mut out = Before::new();
    for row in file.records() {
        let row = row.with_context(|| path.display().to_string())?;
        let cell = |at: usize| row.get(at).unwrap_or_default().to_owned();
        out.insert((cell(0), cell(2)), cell(6));
    }
    Ok(out)
}

fn count(photos: &Photos, name: &str, outcome: Outcome) -> usize {
    let fields = photos.iter().flat_map(|it| &it.fields);
    fields.filter(|it| it.field == name && it.outcome == outcome).count()
}

/// Wilson's interval: which shares a count of so many speaks for, 19 times in 20.
fn interval(count: usize, all: usize) -> (f64, f64) {
    const Z: f64 = 1.96;
    if all == 0 {
        return (0.0, 1.0);
    }
    let (n, p) = (number(all), ratio(count, all));
    let middle = p + Z * Z / (2.0 * n);
    let reach = Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + Z * Z / n;
    ((middle - reach) / scale, (middle + reach) / scale)
}

fn ratio(count: usize, all: usize) -> f64 {
    if all == 0 { 0.0 } else { number(count) / number(all) }
}

fn number(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

fn rounded(value: f64, steps: f64) -> f64 {
    (value * steps).round() / steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_is_wide_where_little_was_counted() {
        let (low, high) = interval(57, 61);
        assert!((0.84..0.85).contains(&low) && (0.97..0.98).contains(&high), "{low} {high}");
        assert!(interval(0, 0) == (0.0, 1.0) && interval(20, 20).0 < 0.85);
    }
}
