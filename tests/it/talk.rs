//! A conversation between a sender and Paragon, written down as it would be read on the phone.

use simulators::Sender;
use simulators::meta::{Item, Sent};

use crate::rig::{Rig, somebody};

pub struct Talk {
    pub rig: Rig,
    pub sender: Sender,
    heard: usize,
    written: String,
}

impl Talk {
    pub async fn start_with(wishes: &[(&str, &str)]) -> Self {
        let rig = Rig::start_with(wishes).await;
        Self { rig, sender: somebody(), heard: 0, written: String::new() }
    }

    /// What has been said so far, with non-breaking spaces as plain ones.
    pub fn written(&self) -> String {
        self.written.replace('\u{a0}', " ")
    }

    /// Sends a photo.
    pub async fn photo(&mut self, name: &str, bytes: &[u8]) -> Vec<Sent> {
        let item = self.rig.photo(&self.sender, bytes);
        self.say(&format!("({name})"), item).await
    }

    /// Speaks.
    pub async fn voice(&mut self) -> Vec<Sent> {
        let media = self.rig.meta.add_media(&b"OggS"[..], "audio/ogg");
        let item = self.rig.meta.voice(&self.sender, &media);
        self.say("(voice message)", item).await
    }

    /// Writes.
    pub async fn write(&mut self, words: &str) -> Vec<Sent> {
        let item = self.rig.meta.text(&self.sender, words);
        self.say(words, item).await
    }

    /// Writes, quoting the message `wamid`.
    pub async fn reply(&mut self, wamid: &str, words: &str) -> Vec<Sent> {
        let item = self.rig.meta.text(&self.sender, words).quoting(wamid, "15550000001");
        self.say(&format!("(quoting) {words}"), item).await
    }

    /// Presses the button number `which` under `on`.
    pub async fn press(&mut self, on: &Sent, which: usize) -> Vec<Sent> {
        let button = &on.buttons[which];
        let item = self.rig.meta.button_reply(&self.sender, on, &button.id);
        self.say(&format!("[{}]", button.title), item).await
    }

    /// Delivers `item` and returns the answers to it, once all work is done.
    pub async fn say(&mut self, shown: &str, item: Item) -> Vec<Sent> {
        self.rig.deliver([item]).await;
        self.rig.drain().await;
        self.rig.hear_echoes().await;
        let answers = self.rig.meta.sent().split_off(self.heard);
        self.heard += answers.len();
        self.line(&format!("> {shown}"));
        for answer in &answers {
            for line in answer.text.as_deref().unwrap_or("(template)").lines() {
                self.line(&format!("  {line}"));
            }
            let buttons: Vec<String> =
                answer.buttons.iter().map(|it| format!("[{}]", it.title)).collect();
            if !buttons.is_empty() {
                self.line(&format!("  {}", buttons.join(" ")));
            }
        }
        self.line("");
        answers
    }

    fn line(&mut self, line: &str) {
        self.written.extend([line, "\n"]);
    }
}
