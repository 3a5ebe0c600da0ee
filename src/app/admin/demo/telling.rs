//! What the demo prints. Every number was measured in this run; every state was read from Postgres
//! or from the simulators.

use std::time::Duration;

use chrono::{DateTime, Utc};
use simulators::meta::Sent;
use simulators::{Meta, Stripe};

use super::stage::Stage;
use super::story::{Booked, Story};
use crate::app::admin::status::Status;
use crate::store::views::MessageRow;

/// How many messages the closing view shows.
const MESSAGES: i64 = 10;

pub fn welcome() {
    println!("Paragon demo: a photographed receipt becomes a booked entry and one answer.");
    println!(
        "Real: Postgres, ingress, queue, worker, OCR. Simulated, over real HTTP: Meta and Stripe.\n"
    );
}

pub fn postgres(version: u32, kept: bool, took: Duration) {
    let fate = if kept { "kept where you said" } else { "private, thrown away at the end" };
    println!("  ✓ Postgres {version} ({fate}), migrated: {} ms", took.as_millis());
}

pub fn services(meta: &Meta, stripe: &Stripe, webhook: &str, engines: &str) {
    println!("  ✓ simulators: Meta {}, Stripe {}", meta.base_url(), stripe.base_url());
    println!("  ✓ ingress {webhook}");
    println!("  ✓ worker, photos are read by {engines}");
}

pub fn registered(answered: bool) {
    let mark = if answered { "✓" } else { "✗" };
    println!("  {mark} Meta's challenge (GET /webhook) answered, webhook registered");
}

/// The beginning of a story.
pub fn title(title: &str) {
    println!("\n── {title} {}", "─".repeat(76_usize.saturating_sub(title.chars().count())));
}

pub fn step(at: Duration, took: Option<Duration>, what: &str) {
    let took = took.map_or_else(String::new, |it| format!("{:>6} ms", it.as_millis()));
    println!("  {:>7.3} s  {took:>9}  {what}", at.as_secs_f64());
}

pub fn remark(what: &str) {
    println!("{:>24}{what}", "");
}

/// A message's way, a line for each step as it is reached.
pub struct TimeLine {
    received: DateTime<Utc>,
    last: DateTime<Utc>,
    told: usize,
}

impl TimeLine {
    pub fn of(row: &MessageRow) -> Self {
        Self { received: row.received_at, last: row.received_at, told: 0 }
    }

    /// Tells what is new in `row`.
    pub fn tell(&mut self, row: &MessageRow) {
        let steps = [
            (Some(row.accepted_at), "stored: message, photo and job in one commit"),
            (row.read_at, "read"),
            (row.matched_at, "customer known"),
            (row.booked_at, "booked"),
            (row.replied_at, "answered: Meta took the answer"),
            (row.delivered_at, "delivered: the echo came back by signed webhook"),
        ];
        // A step that this message does not take is passed over once a later one is done.
        let last_done = steps.iter().rposition(|(at, _)| at.is_some()).map_or(0, |it| it + 1);
        for (at, what) in steps.iter().take(last_done).skip(self.told) {
            if let Some(at) = at {
                let since = |from: DateTime<Utc>| (*at - from).to_std().unwrap_or_default();
                step(since(self.received), Some(since(self.last)), what);
                self.last = *at;
            }
        }
        self.told = self.told.max(last_done);
    }
}

/// The answer as the sender sees it.
pub fn answer(sent: &Sent) {
    let said = match (&sent.text, &sent.template) {
        (Some(text), _) => text.clone(),
        (None, Some(template)) => {
            format!("[template {}] {}", template.name, template.parameters.join(" · "))
        }
        (None, None) => String::new(),
    };
    println!("\n      the sender's phone, quoting the photo:");
    println!("      ╭─────────────────────────────────────────────");
    for line in said.lines() {
        println!("      │ {line}");
    }
    if !sent.buttons.is_empty() {
        let buttons: Vec<String> =
            sent.buttons.iter().map(|it| format!("[ {} ]", it.title)).collect();
        println!("      │ {}", buttons.join("  "));
    }
    println!("      ╰─────────────────────────────────────────────");
}

/// What stands in the books.
pub fn booked(it: &Booked) {
    let total = it.entry.total.map_or_else(|| "unknown".to_owned(), |it| format!("{it:?}"));
    let merchant = it.entry.merchant.as_deref().unwrap_or("unknown");
    println!("      entry: {total}, {merchant}, on Stripe customer {}", it.customer);
}

/// How a story ended.
pub fn ending(story: &Story) {
    if story.as_it_should {
        println!("  ✓ {}", story.ending);
    } else {
        println!("  ✗ {}", story.ending);
    }
}

/// What the operator sees of it all.
pub async fn views(stage: &Stage) -> anyhow::Result<()> {
    title("What the operator sees (paragon status)");
    print!("{}", Status::of(&stage.store, MESSAGES).await?.text());
    Ok(())
}

/// All endings in one line.
pub fn verdict(stories: &[Story]) {
    let well = stories.iter().filter(|it| it.as_it_should).count();
    println!("\n{well} of {} stories ended as they should.", stories.len());
}

/// Where the phone and the dashboard are.
pub fn phone(url: &str, dashboard: &str, stage: &Stage) {
    println!("\nThe service goes on. Send it a photo of yours from a phone: open {url}");
    println!("See it as whoever runs it does: {dashboard}");
    println!("Its webhook is {}; psql and `paragon status` reach its database at", stage.webhook);
    println!("  {}", stage.database_url);
    println!("Ctrl-C ends it all.");
}
