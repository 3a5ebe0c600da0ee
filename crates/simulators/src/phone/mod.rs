//! Phones of senders, in a browser: pick a photo, write, press a button, see ticks and answers. The
//! other end is [`Meta`]: what is sent here leaves as a signed webhook, and what is
//! shown was sent to Graph. It promises to invent nothing: a tick, "typing" or a word that did not
//! come over HTTP is not shown.
//!
//! It is a set of routes that a host serves on loopback, under [`guard()`]. Where the host also has
//! `GET /api/inside` and `POST /api/switches/{name}`, the page shows beside the phone what that
//! says:
//!
//! ```json
//! {
//!   "gauges":   [{ "name": "spool", "value": "0 B", "state": "calm" }],
//!   "ways":     [{ "message": "mine-0", "title": "…", "sent_at": "…", "steps": [
//!                  { "name": "reading", "state": "done", "at": "+1,890 ms", "words": "…" }] }],
//!   "wire":     [{ "at": "2026-11-26T17:20:03.120Z", "who": "Stripe", "what": "POST /v1/…",
//!                  "status": 429 }],
//!   "switches": [{ "name": "worker", "label": "…", "words": "…", "on": false }]
//! }
//! ```
//!
//! A gauge's state is `calm`, `busy` or `away`; a step's is `done`, `running`, `waiting`,
//! `skipped`, `failed` or `open`. A switch is set by `{"on": true}`; an answer that is not 200 says
//! why in `error`.

mod chat;
mod guard;
mod handset;
mod refusal;
mod routes;
mod upload;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use guard::guard;
pub use handset::Letter;

use crate::meta::{Meta, Sender};
use handset::Handset;

/// A picture that the page offers, for whoever has none at hand.
#[derive(Clone, Copy)]
pub struct Sample {
    /// Its file's name, letters and dots only: it stands in a path.
    pub name: &'static str,
    /// What is on it, in a few words.
    pub words: &'static str,
    /// The JPEG.
    pub bytes: &'static [u8],
}

/// All phones there are; a clone is the same phones.
#[derive(Clone)]
pub struct Phones {
    all: Arc<All>,
}

struct All {
    meta: Arc<Meta>,
    samples: Vec<Sample>,
    handsets: Mutex<Vec<Handset>>,
}

impl Phones {
    /// One phone for each of `owners`, the first has number 1. Nobody has written anything yet.
    pub fn new(meta: Arc<Meta>, owners: Vec<Sender>, samples: Vec<Sample>) -> Self {
        let handsets = owners.into_iter().map(Handset::new).collect();
        Self { all: Arc::new(All { meta, samples, handsets: Mutex::new(handsets) }) }
    }

    /// What was sent from phone `number`, oldest first; nothing where there is no such phone.
    pub fn letters(&self, number: usize) -> Vec<Letter> {
        self.handset(number, |it| it.letters().to_vec()).unwrap_or_default()
    }

    fn handset<T>(&self, number: usize, act: impl FnOnce(&mut Handset) -> T) -> Option<T> {
        number.checked_sub(1).and_then(|at| self.handsets().get_mut(at).map(act))
    }

    fn handsets(&self) -> MutexGuard<'_, Vec<Handset>> {
        self.all.handsets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
