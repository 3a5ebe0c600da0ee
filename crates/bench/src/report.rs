//! Figures: one JSON line each as they are measured, and in the end the medians of all rounds.

use serde_json::{Map, Value, json};

use crate::load::Measured;

/// Every figure so far.
#[derive(Default)]
pub struct Report(Vec<(String, String, Map<String, Value>)>);

impl Report {
    /// Prints a figure of `scenario`; `case` says which of its cases.
    pub fn line(&mut self, scenario: &str, case: &str, figures: &Value) {
        let figures = figures.as_object().cloned().unwrap_or_default();
        println!("{}", whole(scenario, case, &figures));
        self.0.push((scenario.to_owned(), case.to_owned(), figures));
    }

    /// Prints of each case the median of each number, where there was more than one round.
    pub fn medians(&self) {
        let mut done: Vec<(&str, &str)> = Vec::new();
        for (scenario, case, figures) in &self.0 {
            let rounds: Vec<_> =
                self.0.iter().filter(|it| (&it.0, &it.1) == (scenario, case)).collect();
            if rounds.len() < 2 || done.contains(&(scenario, case)) {
                continue;
            }
            done.push((scenario, case));
            let mut medians = Map::new();
            medians.insert("median_of".to_owned(), json!(rounds.len()));
            for name in figures.keys() {
                let numbers = rounds.iter().filter_map(|it| it.2.get(name)?.as_f64());
                let mut numbers: Vec<f64> = numbers.collect();
                numbers.sort_by(f64::total_cmp);
                medians.insert(name.clone(), json!(numbers.get(numbers.len() / 2)));
            }
            println!("{}", whole(scenario, case, &medians));
        }
    }
}

fn whole(scenario: &str, case: &str, figures: &Map<String, Value>) -> Value {
    with(json!({ "scenario": scenario, "case": case }), &Value::Object(figures.clone()))
}

/// A load as figures.
pub fn of(measured: &Measured) -> Value {
    json!({
        "ok": measured.latencies.len(),
        "failed": measured.failed,
        "seconds": rounded(measured.took.as_secs_f64()),
        "per_s": rounded(measured.rate()),
        "p50_ms": rounded(measured.ms(500)),
        "p95_ms": rounded(measured.ms(950)),
        "p99_ms": rounded(measured.ms(990)),
        "p999_ms": rounded(measured.ms(999)),
        "max_ms": rounded(measured.ms(1000)),
    })
}

/// Both objects in one.
pub fn with(mut figures: Value, more: &Value) -> Value {
    if let (Value::Object(figures), Value::Object(more)) = (&mut figures, more) {
        figures.extend(more.clone());
    }
    figures
}

/// To two decimals.
pub fn rounded(figure: f64) -> f64 {
    (figure * 100.0).round() / 100.0
}
