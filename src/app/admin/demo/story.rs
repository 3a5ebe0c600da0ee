//! The four stories: a clear receipt, the same webhook again, a cat, and a receipt while Stripe is
//! ill. Each is sent as Meta would send it, watched, and held against what should have come of it.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::Value;
use simulators::meta::Sent;
use simulators::{Fault, MetaRoute, Sender, StripeRoute, wait_until};
use tokio::time::{Instant, sleep};

use super::photos::{self, Photo};
use super::stage::Stage;
use super::telling::{self, TimeLine};
use crate::domain::ids::{CustomerId, MessageId};
use crate::domain::reply::EntrySummary;
use crate::store::views::MessageRow;

/// The longest that any story may take: a machine under load reads slowly.
const PATIENCE: Duration = Duration::from_mins(2);

/// How often Postgres is asked whether the story has gone on.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// How long nothing must happen before "nothing happened" is said.
const QUIET: Duration = Duration::from_millis(500);

/// A story that was told.
pub struct Story {
    /// Whether it ended as it should.
    pub as_it_should: bool,
    /// How it ended, in a line.
    pub ending: String,
}

/// What stands in the books for a message.
pub struct Booked {
    /// The entry.
    pub entry: EntrySummary,
    /// Whose.
    pub customer: CustomerId,
}

/// A message that was sent and followed to its end.
struct Followed {
    row: MessageRow,
    booked: Option<Booked>,
    answers: Vec<Sent>,
}

/// Tells all four.
pub async fn all(stage: &Stage) -> anyhow::Result<Vec<Story>> {
    // New people each time: a database that was kept would know the old ones.
    let run = uuid::Uuid::new_v4().as_u128() % 10_000;
    let plumber = Sender::with_phone(&format!("44770090{run:04}"), "Ada Plumber");
    let driver = Sender::with_phone(&format!("491555010{run:04}"), "Emil Fahrer");
    let (receipt, webhook) = clear_receipt(stage, &plumber).await?;
    let stories = vec![
        receipt,
        same_webhook_again(stage, &webhook).await?,
        cat(stage, &plumber).await?,
        stripe_is_ill(stage, &driver).await?,
    ];
    Ok(stories)
}

/// Sends a photo of whoever runs the demo.
pub async fn your_photo(stage: &Stage, file: &Path) -> anyhow::Result<()> {
    let bytes = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let mime = match bytes.get(..4) {
        Some([0x89, b'P', b'N', b'G']) => "image/png",
        Some(b"RIFF") => "image/webp",
        Some(b"%PDF") => "application/pdf",
        _ => "image/jpeg",
    };
    telling::title(&format!("Your photo: {}", file.display()));
    let you = Sender::with_phone("420777000111", "You");
    let payload = photo_webhook(stage, &you, bytes, mime);
    let followed = follow(stage, &payload).await?;
    tell_end(&followed);
    Ok(())
}

async fn clear_receipt(stage: &Stage, sender: &Sender) -> anyhow::Result<(Story, Value)> {
    let Photo { name, bytes } = photos::CAFE;
    telling::title(&format!("1. A clear receipt ({name}, {} kB)", bytes.len() / 1000));
    let payload = photo_webhook(stage, sender, bytes.to_vec(), "image/jpeg");
    let followed = follow(stage, &payload).await?;
    tell_end(&followed);
    let story = told(&booked_as(&followed, &photos::cafe()), "booked and answered once");
    Ok((story, payload))
}

async fn same_webhook_again(stage: &Stage, payload: &Value) -> anyhow::Result<Story> {
    telling::title("2. Meta delivers the same webhook again");
    let before = Footprint::of(stage).await?;
    let asked_before = stage.meta.count(MetaRoute::Messages);
    let delivery = stage.meta.deliver(payload).await?;
    telling::step(delivery.elapsed, None, &format!("answered {}", delivery.status));
    sleep(QUIET).await;
    let after = Footprint::of(stage).await?;
    let mut wrong = Vec::new();
    if delivery.status != 200 {
        wrong.push(format!("answered {}", delivery.status));
    }
    if after != before {
        wrong.push("something was written".to_owned());
    }
    if stage.meta.count(MetaRoute::Messages) != asked_before {
        wrong.push("something was sent".to_owned());
    }
    Ok(told(&wrong, "200, nothing written, nothing sent"))
}

async fn cat(stage: &Stage, sender: &Sender) -> anyhow::Result<Story> {
    let Photo { name, bytes } = photos::CAT;
    telling::title(&format!("3. A cat ({name}, {} kB)", bytes.len() / 1000));
    let customers = stage.stripe.customers().len();
    let payload = photo_webhook(stage, sender, bytes.to_vec(), "image/jpeg");
    let followed = follow(stage, &payload).await?;
    tell_end(&followed);
    let mut wrong = answered_once(&followed);
    if followed.booked.is_some() {
        wrong.push("the cat was booked".to_owned());
    }
    if stage.stripe.customers().len() != customers {
        wrong.push("the cat has a customer".to_owned());
    }
    Ok(told(&wrong, "a kind reply, no entry, no customer"))
}

async fn stripe_is_ill(stage: &Stage, sender: &Sender) -> anyhow::Result<Story> {
    let Photo { name, bytes } = photos::TANKSTELLE;
    telling::title(&format!("4. A receipt while Stripe answers 500 twice ({name})"));
    stage.stripe.fault(StripeRoute::CustomersSearch, &Fault::INTERNAL_ERROR, 1);
    stage.stripe.fault(StripeRoute::CustomersCreate, &Fault::INTERNAL_ERROR, 1);
    let customers = stage.stripe.customers().len();
    let payload = photo_webhook(stage, sender, bytes.to_vec(), "image/jpeg");
    let followed = follow(stage, &payload).await?;
    let calls = [StripeRoute::CustomersSearch, StripeRoute::CustomersCreate]
        .into_iter()
        .flat_map(|route| stage.stripe.asked_on(route));
    let refused = calls.filter(|it| it.status() == Some(500)).count();
    telling::remark(&format!("Stripe answered 500 {refused} times on the way"));
    tell_end(&followed);
    let mut wrong = booked_as(&followed, &photos::tankstelle());
    if refused != 2 {
        wrong.push(format!("Stripe answered 500 {refused} times"));
    }
    if stage.stripe.customers().len() != customers + 1 {
        wrong.push("not exactly one customer was created".to_owned());
    }
    Ok(told(&wrong, "booked all the same: one customer, one entry, one answer"))
}

fn photo_webhook(stage: &Stage, sender: &Sender, bytes: Vec<u8>, mime: &str) -> Value {
    let media = stage.meta.add_media(bytes, mime);
    let item = match mime {
        "application/pdf" => stage.meta.document(sender, &media, "receipt.pdf"),
        _ => stage.meta.photo(sender, &media),
    };
    stage.meta.webhook([item.at(stage.meta.now())])
}

/// Delivers `payload` as Meta would, and tells the message's way live until its answer has arrived.
async fn follow(stage: &Stage, payload: &Value) -> anyhow::Result<Followed> {
    let before = stage.store.newest_messages(1).await?.first().map_or(0, |it| it.id);
    let delivery = stage.meta.deliver(payload).await?;
    if delivery.status != 200 {
        bail!("the ingress answered {}", delivery.status);
    }
    let newest = stage.store.newest_messages(1).await?;
    let row = newest.into_iter().next().filter(|it| it.id > before);
    let row = row.context("the ingress answered 200, and no message is there")?;
    let id = MessageId(row.id);
    telling::step(Duration::ZERO, None, "received: a webhook, signed as Meta signs");
    let mut line = TimeLine::of(&row);
    let deadline = Instant::now() + PATIENCE;
    let row = loop {
        let row = stage.store.message_row(id).await?.context("the message is gone")?;
        line.tell(&row);
        if row.delivered_at.is_some() || matches!(row.state.as_str(), "failed" | "withheld") {
            break row;
        }
        if Instant::now() > deadline {
            bail!("message {id} is still {} after {} s", row.state, PATIENCE.as_secs());
        }
        sleep(LOOK_EVERY).await;
    };
    telling::remark(&format!(
        "Meta had its 200 after {} ms; trace {}",
        delivery.elapsed.as_millis(),
        row.trace_id.as_deref().unwrap_or("–")
    ));
    let booked = match (stage.store.entry(id).await?, stage.store.customer_match(id).await?) {
        (Some(entry), Some(customer)) => Some(Booked { entry: entry.summary, customer }),
        _ => None,
    };
    let wamid = payload["entry"][0]["changes"][0]["value"]["messages"][0]["id"].as_str();
    let quotes = |it: &Sent| it.quoted.as_deref() == wamid;
    wait_until(PATIENCE, || stage.meta.sent().iter().any(quotes)).await.ok();
    let answers = stage.meta.sent().into_iter().filter(quotes).collect();
    Ok(Followed { row, booked, answers })
}

fn tell_end(followed: &Followed) {
    if let Some(answer) = followed.answers.last() {
        telling::answer(answer);
    }
    if let Some(booked) = &followed.booked {
        telling::booked(booked);
    }
}

/// What is wrong with an entry that should say `truth` and should have been answered once.
fn booked_as(followed: &Followed, truth: &EntrySummary) -> Vec<String> {
    let mut wrong = answered_once(followed);
    match &followed.booked {
        None => wrong.push("it was not booked".to_owned()),
        Some(booked) => {
            let entry = &booked.entry;
            let fields = [
                ("total", entry.total == truth.total),
                ("date", entry.date == truth.date),
                ("merchant", same_name(entry.merchant.as_deref(), truth.merchant.as_deref())),
                ("category", entry.category == truth.category),
            ];
            let differing = fields.into_iter().filter(|(_, right)| !right);
            wrong.extend(differing.map(|(name, _)| format!("the {name} is not what is printed")));
        }
    }
    wrong
}

fn same_name(read: Option<&str>, printed: Option<&str>) -> bool {
    let plain = |it: &str| it.to_lowercase();
    read.map(plain) == printed.map(plain)
}

fn answered_once(followed: &Followed) -> Vec<String> {
    let mut wrong = Vec::new();
    if followed.answers.len() != 1 {
        wrong.push(format!("answered {} times", followed.answers.len()));
    }
    if followed.row.state != "delivered" {
        wrong.push(format!("it ended {}", followed.row.state));
    }
    wrong
}

fn told(wrong: &[String], ending: &str) -> Story {
    let as_it_should = wrong.is_empty();
    let ending = if as_it_should { ending.to_owned() } else { wrong.join("; ") };
    let story = Story { as_it_should, ending };
    telling::ending(&story);
    story
}

/// What a second delivery must not change.
#[derive(PartialEq, Eq)]
struct Footprint {
    newest: Option<MessageRow>,
    jobs: i64,
}

impl Footprint {
    async fn of(stage: &Stage) -> anyhow::Result<Self> {
        let newest = stage.store.newest_messages(1).await?.into_iter().next();
        let queues = stage.store.queue_depth().await?;
        let jobs = queues.iter().map(|it| it.ready + it.deferred + it.running + it.dead).sum();
        Ok(Self { newest, jobs })
    }
}
