//! One phone: who owns it, what was sent from it and how far that has come. It knows no HTTP.

use std::collections::HashSet;

use chrono::{DateTime, Utc};

use crate::meta::{MediaId, Sender};

/// What was sent from a phone. It has no `Debug`: it is personal.
#[derive(Clone)]
pub struct Letter {
    /// The page's name for it: `mine-0`, `mine-1` …
    pub id: String,
    /// Meta's id.
    pub wamid: String,
    /// When it was sent, by the simulator's clock.
    pub at: DateTime<Utc>,
    /// Whether a webhook with it was answered 200.
    pub taken: bool,
    pub(super) content: Content,
    pub(super) quoted: Option<String>,
}

/// What is in a letter.
#[derive(Clone)]
pub(super) enum Content {
    /// A photo or document.
    Medium(Medium),
    /// Words.
    Text(String),
    /// A button under an answer was pressed.
    Press { button: String, title: String },
}

/// A photo or document.
#[derive(Clone)]
pub(super) struct Medium {
    pub(super) media: MediaId,
    pub(super) kind: MediumKind,
    pub(super) name: String,
    pub(super) size_bytes: usize,
    pub(super) caption: Option<String>,
}

/// How a medium travels and is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum MediumKind {
    Photo,
    Document,
}

impl Letter {
    /// Whether it is a photo or a document.
    pub fn is_medium(&self) -> bool {
        matches!(self.content, Content::Medium(_))
    }

    /// What it is in a word or two, as a quotation shows it.
    pub fn title(&self) -> &str {
        match &self.content {
            Content::Medium(Medium { kind: MediumKind::Photo, .. }) => "📷 Photo",
            Content::Medium(Medium { name, .. }) => name,
            Content::Text(words) => words,
            Content::Press { title, .. } => title,
        }
    }
}

/// One phone.
pub(super) struct Handset {
    pub(super) owner: Sender,
    /// Answers of which Meta was told that they were read.
    pub(super) seen: HashSet<String>,
    letters: Vec<Letter>,
}

impl Handset {
    pub(super) fn new(owner: Sender) -> Self {
        Self { owner, seen: HashSet::new(), letters: Vec::new() }
    }

    pub(super) fn letters(&self) -> &[Letter] {
        &self.letters
    }

    /// Bytes of the photos and documents that were sent.
    pub(super) fn size_bytes(&self) -> usize {
        let sizes = self.letters.iter().map(|it| match &it.content {
            Content::Medium(medium) => medium.size_bytes,
            Content::Text(_) | Content::Press { .. } => 0,
        });
        sizes.sum()
    }

    pub(super) fn write(
        &mut self,
        wamid: &str,
        at: DateTime<Utc>,
        content: Content,
        quoted: Option<String>,
    ) {
        let id = format!("mine-{}", self.letters.len());
        let wamid = wamid.to_owned();
        self.letters.push(Letter { id, wamid, at, taken: false, content, quoted });
    }

    /// A webhook with it was answered 200.
    pub(super) fn taken(&mut self, wamid: &str) {
        if let Some(letter) = self.letters.iter_mut().find(|it| it.wamid == wamid) {
            letter.taken = true;
        }
    }
}
