//! One message's way as the page shows it: message, reading, customer, entry, answer. A step that
//! is not done says what it waits for. Built from what Postgres holds; it asks nobody itself.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use simulators::phone::Letter;

use crate::clock::Clock;
use crate::domain::ids::{CustomerId, MessageId};
use crate::domain::reading::{Fields, Verdict};
use crate::domain::reply::Entry;
use crate::store::journeys::MessageJob;
use crate::store::readings::Read;
use crate::store::views::MessageRow;
use crate::store::{Store, StoreError};

/// All that Postgres knows of a message.
pub struct Known {
    row: MessageRow,
    readings: Vec<Read>,
    customer: Option<CustomerId>,
    entry: Option<Entry>,
    jobs: Vec<MessageJob>,
    now: DateTime<Utc>,
}

impl Known {
    /// Asks for it.
    pub async fn of(store: &Store, id: MessageId) -> Result<Self, StoreError> {
        // First: where no job is left, what is read after is how it ended.
        let jobs = store.jobs_of(id).await?;
        let row = store.message_row(id).await?;
        Ok(Self {
            row: row.ok_or(StoreError::Missing { table: "messages" })?,
            readings: store.readings(id).await?,
            customer: store.customer_match(id).await?,
            entry: store.entry(id).await?,
            jobs,
            now: Clock::system().now(),
        })
    }
}

/// The way of a letter that Postgres does not have.
pub fn not_in_postgres(letter: &Letter) -> Value {
    begun(letter, "answered 200: synced to the spool on disk, until Postgres is back")
}

/// The way of a letter of which nothing is known while Postgres is away.
pub fn unknown(letter: &Letter) -> Value {
    begun(letter, "answered 200: in our custody; Postgres, which is away, knows more")
}

fn begun(letter: &Letter, taken: &str) -> Value {
    let (state, words) = if letter.taken {
        ("running", taken)
    } else {
        ("waiting", "not answered 200 yet: Meta delivers it again and again")
    };
    let first = step("message", state, None, words);
    json!({
        "message": letter.id, "title": title(letter), "sent_at": letter.at, "steps": [first],
        "is_stored": false,
    })
}

/// The way of a letter that Postgres has.
pub fn of(known: &Known, letter: &Letter) -> Value {
    let row = &known.row;
    let mut steps =
        vec![Step { name: "message", done_at: Some(row.accepted_at), words: message_words(row) }];
    if letter.is_medium() {
        steps.extend(of_photo(known));
    }
    steps.push(Step { name: "answer", done_at: row.replied_at, words: answer_words(row) });
    let steps = shown(known, steps);
    json!({
        "message": letter.id, "title": title(letter), "sent_at": letter.at, "steps": steps,
        "trace": row.trace_id, "is_stored": true,
    })
}

/// A step and, once it is done, when and with what result.
struct Step {
    name: &'static str,
    done_at: Option<DateTime<Utc>>,
    words: String,
}

fn of_photo(known: &Known) -> [Step; 3] {
    let row = &known.row;
    let customer = known.customer.as_ref().map(|it| format!("{it} at Stripe"));
    let entry = known.entry.as_ref().map(|it| {
        let total =
            it.summary.total.map_or_else(|| "amount unknown".to_owned(), |it| format!("{it:?}"));
        format!("{}: {total}", it.state.as_str())
    });
    [
        Step { name: "reading", done_at: row.read_at, words: reading_words(&known.readings) },
        Step { name: "customer", done_at: row.matched_at, words: customer.unwrap_or_default() },
        Step { name: "entry", done_at: row.booked_at, words: entry.unwrap_or_default() },
    ]
}

/// Done steps, passed-over ones, the one that is under way, and those that are to come.
fn shown(known: &Known, steps: Vec<Step>) -> Vec<Value> {
    let is_over = known.jobs.is_empty();
    let last_done = steps.iter().rposition(|it| it.done_at.is_some()).unwrap_or(0);
    let mut under_way = known.jobs.last().map(|it| waiting(it, known.now));
    let mut before = known.row.received_at;
    let shown = steps.into_iter().enumerate().map(|(at, it)| {
        if let Some(done_at) = it.done_at {
            let took = (done_at - before).num_milliseconds().max(0);
            before = done_at;
            return step(it.name, "done", Some(took), &it.words);
        }
        if at < last_done || is_over {
            return step(it.name, "skipped", None, "not needed");
        }
        match under_way.take() {
            Some((state, words)) => step(it.name, state, None, &words),
            None => step(it.name, "open", None, ""),
        }
    });
    shown.collect()
}

fn step(name: &str, state: &str, took_ms: Option<i64>, words: &str) -> Value {
    let at = took_ms.map(|it| format!("+{it} ms"));
    json!({ "name": name, "state": state, "at": at, "words": words })
}

/// What a job that is not done does or waits for.
fn waiting(job: &MessageJob, now: DateTime<Utc>) -> (&'static str, String) {
    let reason = job.reason.as_deref().map(|it| format!(" Last: {it}.")).unwrap_or_default();
    let seconds = |at: DateTime<Utc>| (at - now).num_seconds().max(0);
    match job.state.as_str() {
        "running" => {
            let lease = job.lease_until.map(seconds).unwrap_or_default();
            let what = if job.queue == "local_reading" { "is being read" } else { "under way" };
            ("running", format!("{what}; its worker holds it for {lease} s more.{reason}"))
        }
        "dead" => ("failed", format!("gave up after {} tries.{reason}", job.attempt)),
        "paused" => ("waiting", format!("its number rests until Meta takes the token.{reason}")),
        _ if job.run_at > now => {
            let wait = seconds(job.run_at);
            ("waiting", format!("try {} in {wait} s.{reason}", job.attempt + 1))
        }
        _ => ("waiting", format!("ready, for the next worker that is free.{reason}")),
    }
}

fn title(letter: &Letter) -> String {
    letter.title().lines().next().unwrap_or_default().chars().take(40).collect()
}

fn message_words(row: &MessageRow) -> String {
    let photo = match row.state.as_str() {
        "pending" => "; its photo is still to be fetched",
        "lost" => "; its photo is not to be had",
        _ => "",
    };
    format!("number {}: stored with its job, in one commit{photo}", row.id)
}

fn reading_words(readings: &[Read]) -> String {
    let words = readings.iter().map(|read| match read {
        Read::Seen(reading) => match &reading.verdict {
            Verdict::Receipt(fields) => format!("{}: {}", reading.engine, receipt_words(fields)),
            Verdict::NotAReceipt => format!("{}: no receipt", reading.engine),
        },
        Read::Not { engine, reason } => format!("{engine}: {reason}"),
    });
    words.collect::<Vec<_>>().join("; ")
}

fn receipt_words(fields: &Fields) -> String {
    let sure = &fields.confidence;
    let currency = fields.currency.map(|it| format!(" {it}")).unwrap_or_default();
    let known = [
        ("total", fields.total.map(|it| format!("{it}{currency}")), sure.total),
        ("merchant", fields.merchant.clone(), sure.merchant),
        ("date", fields.date.map(|it| it.to_string()), sure.date),
        ("category", fields.category.map(|it| it.as_str().to_owned()), sure.category),
    ];
    let words = known.into_iter().map(|(name, value, sure)| match (value, sure) {
        (None, _) => format!("{name} unknown"),
        (Some(value), None) => value,
        (Some(value), Some(percent)) => format!("{value} ({percent} % sure)"),
    });
    words.collect::<Vec<_>>().join(", ")
}

fn answer_words(row: &MessageRow) -> String {
    match (row.delivered_at, row.state.as_str()) {
        (_, "failed") => "Meta says that it did not arrive".to_owned(),
        (Some(_), _) => "Meta took it, and its echo came back: it is on the phone".to_owned(),
        (None, _) => "Meta took it; its echo is not back yet".to_owned(),
    }
}
