//! The other services and those who write, in a process of their own: it is told to begin, to be calm and
//! to tell what it knows by lines on standard input, and answers by lines of JSON. It never looks at
//! Paragon's database.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use simulators::anthropic::Reply;
use simulators::meta::Item;
use simulators::{Meta, Sender};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinSet;

use crate::others::{NUMBERS, Others};
use crate::photo::Photos;
use crate::story::{Said, Story, Webhook, What};
use crate::telling::{Told, until_answered};
use crate::truth::{Echo, Sent, Truth, Written};
use crate::{mischief, photo};

/// What is to be played.
#[derive(Serialize, Deserialize)]
pub struct Wanted {
    /// Of everything that is decided.
    pub seed: u64,
    /// How many messages.
    pub messages: u32,
    /// Within so many milliseconds.
    pub over_ms: u64,
    /// Where webhooks go, in turn.
    pub webhook_urls: Vec<String>,
}

/// A line that is answered.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Line {
    /// The other services are there: with which settings they are reached.
    Settings(Vec<(String, String)>),
    /// Every message has been told and answered 200.
    Acknowledged,
    /// What is known.
    Truth(Box<Truth>),
}

/// Plays until standard input ends.
pub async fn play(wanted: &Wanted) -> anyhow::Result<()> {
    let mut commands = commands();
    let mut world = World::start(wanted)?;
    say(&Line::Settings(world.others.settings()));
    if commands.recv().await.is_none() {
        return Ok(());
    }
    mischief::begin(wanted.seed, &world.others);
    world.tell_everything(&mut commands).await?;
    say(&Line::Acknowledged);
    while let Some(command) = commands.recv().await {
        world.obey(&command)?;
    }
    Ok(())
}

/// The lines of standard input, which ends with whoever started this.
fn commands() -> UnboundedReceiver<String> {
    let (to, commands) = unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            if to.send(line).is_err() {
                break;
            }
        }
    });
    commands
}

fn say(line: &Line) {
    println!("{}", json!(line));
}

struct World {
    others: Others,
    story: Arc<Story>,
    photos: Photos,
    items: Vec<Option<Item>>,
    acknowledged: Vec<bool>,
    answers: BTreeMap<String, usize>,
    slowest: Duration,
}

impl World {
    fn start(wanted: &Wanted) -> anyhow::Result<Self> {
        let others = Others::start(&wanted.webhook_urls)?;
        let over = Duration::from_millis(wanted.over_ms);
        let story = Arc::new(Story::of(wanted.seed, wanted.messages, over));
        let printed = (others.meta.now() - TimeDelta::days(3)).format("%Y-%m-%d").to_string();
        let told = Arc::clone(&story);
        others.anthropic.read_with(move |bytes| {
            let said = told.said.get(photo::number(bytes)?)?;
            Some(Reply::Json(photo::reading(said.what, &printed)))
        });
        Ok(Self {
            others,
            photos: Photos::develop()?,
            items: vec![None; story.said.len()],
            acknowledged: vec![false; story.said.len()],
            story,
            answers: BTreeMap::new(),
            slowest: Duration::ZERO,
        })
    }

    /// The whole story, each webhook again and again until it is answered 200.
    async fn tell_everything(
        &mut self,
        commands: &mut UnboundedReceiver<String>,
    ) -> anyhow::Result<()> {
        let began = tokio::time::Instant::now();
        let mut due = self.story.webhooks.clone().into_iter().peekable();
        let mut telling = JoinSet::new();
        let mut tidy = tokio::time::interval(Duration::from_secs(2));
        while due.peek().is_some() || !telling.is_empty() {
            let at = due.peek().map(|it| began + it.at);
            tokio::select! {
                () = tokio::time::sleep_until(at.unwrap_or(began)), if at.is_some() => {
                    if let Some(webhook) = due.next() {
                        self.tell(&webhook, &mut telling);
                    }
                }
                Some(told) = telling.join_next() => self.note(told?),
                command = commands.recv() => {
                    self.obey(&command.context("nobody listens any more")?)?;
                }
                _ = tidy.tick() => self.others.forget_asked(),
            }
        }
        Ok(())
    }

    fn tell(&mut self, webhook: &Webhook, telling: &mut JoinSet<Told>) {
        let entries = webhook.messages.iter().map(|place| {
            let number = NUMBERS[usize::try_from(self.story.said[*place].sender).unwrap_or(0) % 4];
            let item = self.items[*place].get_or_insert_with(|| {
                item(&self.others.meta, &self.photos, self.story.said[*place], *place)
            });
            vec![self.others.meta.change_on(number, [item.clone()])]
        });
        let payload = self.others.meta.batch(entries.collect::<Vec<_>>());
        for _ in 0..webhook.times {
            let (meta, payload) = (Arc::clone(&self.others.meta), payload.clone());
            let messages = webhook.messages.clone();
            telling.spawn(async move { until_answered(&meta, &payload, messages).await });
        }
    }

    fn note(&mut self, told: Told) {
        for place in told.messages {
            self.acknowledged[place] = true;
        }
        for answer in told.answers {
            let answer = answer.map_or_else(|| "none".to_owned(), |it| it.to_string());
            *self.answers.entry(answer).or_default() += 1;
        }
        self.slowest = self.slowest.max(told.slowest);
    }

    fn obey(&self, command: &str) -> anyhow::Result<()> {
        match command {
            "calm" => self.others.calm(),
            "tell" => say(&Line::Truth(Box::new(self.truth()))),
            other => anyhow::bail!("no such command: {other}"),
        }
        Ok(())
    }

    fn truth(&self) -> Truth {
        Truth {
            said: (0..self.story.said.len()).filter_map(|place| self.written(place)).collect(),
            sent: self.sent(),
            echoes: self.echoes(),
            customers: self.others.stripe.customers().iter().map(customer).collect(),
            answers: self.answers.clone(),
            slowest_answer_ms: u64::try_from(self.slowest.as_millis()).unwrap_or(u64::MAX),
            told: self.others.told(),
            calls: self.others.calls(),
            faults: self.others.faults(),
        }
    }

    fn written(&self, place: usize) -> Option<Written> {
        let said = self.story.said[place];
        let wamid = self.items[place].as_ref()?.wamid.clone();
        let acknowledged = self.acknowledged[place];
        Some(Written { wamid, phone: phone(said.sender), what: said.what, acknowledged })
    }

    fn sent(&self) -> Vec<Sent> {
        let sent = self.others.meta.sent().into_iter().map(|it| Sent {
            quoted: it.quoted,
            attempt: it.callback_data.unwrap_or_default(),
            at: it.at,
        });
        sent.collect()
    }

    fn echoes(&self) -> Vec<Echo> {
        let told = self.others.meta.echoes().into_iter();
        told.filter_map(|it| Some(Echo { attempt: it.callback_data?, at: it.at })).collect()
    }
}

fn phone(sender: u32) -> String {
    format!("4207{sender:08}")
}

fn customer(customer: &Value) -> (String, String) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let phone = text(&customer["metadata"]["whatsapp_phone"]);
    (phone.trim_start_matches('+').to_owned(), text(&customer["id"]))
}

fn item(meta: &Meta, photos: &Photos, said: Said, place: usize) -> Item {
    let from = Sender::with_phone(&phone(said.sender), &format!("Sender {}", said.sender));
    match said.what {
        What::Receipt(_) | What::Unsure | What::Cat => {
            let media = meta.add_media(photos.of(said.what, place), "image/jpeg");
            meta.photo(&from, &media)
        }
        What::Text => meta.text(&from, &format!("hello {place}")),
        What::Sticker => meta.sticker(&from, &meta.add_media(place.to_string(), "image/webp")),
        What::Reaction => meta.reaction(&from, "wamid.of.nothing", "👍"),
    }
}
