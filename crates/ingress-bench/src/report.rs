//! One figure, one JSON line.

use serde_json::{Value, json};

use crate::load::Measured;

/// Prints a figure of `scenario`; `case` says which of its cases.
pub fn line(scenario: &str, case: &str, figures: &Value) {
    let mut line = json!({ "scenario": scenario, "case": case });
    if let (Value::Object(line), Value::Object(figures)) = (&mut line, figures) {
        line.extend(figures.clone());
    }
    println!("{line}");
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
