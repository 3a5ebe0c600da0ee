//! What a run came to, as a table: what was done to Paragon, what it went through, what stands in the end.
//! Every number was counted in this run.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::Value;

use crate::judge::Verdict;
use crate::outside::Toil;
use crate::stage::Blows;
use crate::truth::Truth;

/// Broken promises that are shown.
pub const MOST_LINES: usize = 30;

/// What a run came to.
pub struct Report {
    /// Which run.
    pub seed: u64,
    /// How long everything failed.
    pub over: Duration,
    /// How long the rest took after that.
    pub quiet_after: Duration,
    /// Tries that were made before their time, in the end.
    pub hurried: u64,
    /// What was promised.
    pub verdict: Verdict,
    /// What the others know.
    pub truth: Truth,
    /// What it went through.
    pub toil: Toil,
    /// What did not come to an end.
    pub left: Vec<String>,
    /// What was done to it.
    pub blows: Blows,
    /// Whether `paragon audit` is content.
    pub audit_is_well: bool,
    /// What it said.
    pub audit: Value,
}

impl Report {
    /// Everything that is not as it was promised.
    pub fn broken(&self) -> Vec<String> {
        let mut broken = self.verdict.broken.clone();
        broken.extend(self.left.iter().map(|it| format!("still under way: {it}")));
        if self.blows.ended > 0 {
            broken.push(format!("{} programs ended by themselves", self.blows.ended));
        }
        if !self.audit_is_well {
            broken.push(format!("paragon audit: {}", self.unwell()));
        }
        broken
    }

    fn unwell(&self) -> String {
        let findings = self.audit["findings"].as_array().into_iter().flatten();
        let unwell = findings.filter(|it| it["well"] == false);
        let told = unwell.map(|it| format!("{} {} {}", it["name"], it["count"], it["examples"]));
        told.collect::<Vec<_>>().join(", ")
    }

    /// The table.
    pub fn table(&self) -> String {
        let mut text = String::new();
        for (name, value) in self.done().into_iter().chain(self.stands()) {
            let _ = writeln!(text, "  {name:<44} {value}");
        }
        text
    }

    fn done(&self) -> Vec<(&'static str, String)> {
        let Truth { answers, calls, faults, slowest_answer_ms, .. } = &self.truth;
        let seconds =
            |of: (usize, Duration)| format!("{} times, {:.0} s", of.0, of.1.as_secs_f64());
        let list = |of: Vec<(String, String)>| {
            of.into_iter()
                .map(|(name, value)| format!("{value} × {name}"))
                .collect::<Vec<_>>()
                .join(", ")
        };
        let counted = |of: &std::collections::BTreeMap<String, usize>| {
            list(of.iter().map(|(name, times)| (name.clone(), times.to_string())).collect())
        };
        let share = 100 * faults.values().sum::<usize>() / calls.values().sum::<usize>().max(1);
        let toil = self.toil.attempts.iter().map(|(name, times)| (name.clone(), times.to_string()));
        vec![
            ("seed, seconds of chaos", format!("{}, {}", self.seed, self.over.as_secs())),
            (
                "killed: ingresses, workers",
                format!("{}, {}", self.blows.kills[0], self.blows.kills[1]),
            ),
            ("Postgres stopped at once", seconds(self.blows.stops)),
            ("Postgres frozen", seconds(self.blows.freezes)),
            ("deliveries of webhooks, by answer", counted(answers)),
            ("slowest answer to a webhook", format!("{slowest_answer_ms} ms")),
            ("calls to and from the other services", counted(calls)),
            ("faults that they met", format!("{share} %: {}", counted(faults))),
            ("attempts of jobs", list(toil.collect())),
            ("photos read on this machine", self.toil.read_locally.to_string()),
            ("words of delay", self.toil.words_of_delay.to_string()),
        ]
    }

    fn stands(&self) -> Vec<(&'static str, String)> {
        let Verdict { acknowledged, receipts, answers, doubled, customers, .. } = &self.verdict;
        let Verdict { events, events_again, broken, .. } = &self.verdict;
        vec![
            ("messages acknowledged", acknowledged.to_string()),
            ("receipts, each one entry", receipts.to_string()),
            ("senders of them, each one customer", customers.to_string()),
            ("answers", format!("{answers}, {doubled} of them twice (inside the named window)")),
            (
                "events at the integrator's endpoints",
                format!("{events}, {events_again} of them came again under their id"),
            ),
            (
                "quiet after",
                format!(
                    "{:.0} s, {} tries made before their time",
                    self.quiet_after.as_secs_f64(),
                    self.hurried
                ),
            ),
            ("paragon audit", if self.audit_is_well { "well".into() } else { self.unwell() }),
            ("promises broken", (broken.len() + self.left.len()).to_string()),
        ]
    }
}
