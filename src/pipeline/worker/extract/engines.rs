//! Who can read a photo, in the operator's order. This is the one place where an engine is added.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

use crate::clients::anthropic::{self, Anthropic};
use crate::domain::money::Country;
use crate::reading::engines::{Engine as _, LocalEngine};
use crate::reading::fields::category::Categories;

/// After failing for so long, the next engine is asked instead.
const PATIENCE: TimeDelta = TimeDelta::minutes(1);

/// The engines that this worker has, in the order in which they are asked.
#[derive(Debug)]
pub struct Engines {
    order: Vec<Engine>,
    /// `HOME_COUNTRY`: evidence for currency and order of dates.
    pub home: Option<Country>,
    /// Which words speak for which category, the operator's among them.
    pub categories: Arc<Categories>,
}

/// An engine.
#[derive(Debug)]
pub enum Engine {
    /// Behind somebody's API: asked at once.
    Remote(Remote),
    /// On this machine: asked on a queue of its own.
    Local(Local),
}

/// An engine behind an API, and since when it has been failing.
#[derive(Debug)]
pub struct Remote {
    /// How it is asked.
    pub client: Anthropic,
    failing_since: Mutex<Option<DateTime<Utc>>>,
}

/// An engine on this machine.
#[derive(Debug)]
pub struct Local {
    /// How it is asked.
    pub engine: LocalEngine,
}

impl Engines {
    /// These, in this order.
    pub fn new(engines: Vec<Engine>, home: Option<Country>, categories: Arc<Categories>) -> Self {
        Self { order: engines, home, categories }
    }

    /// All of them.
    pub fn in_order(&self) -> &[Engine] {
        &self.order
    }

    /// The local ones, in this order.
    pub fn locals(&self) -> impl Iterator<Item = &Local> {
        self.order.iter().filter_map(|it| match it {
            Engine::Local(local) => Some(local),
            Engine::Remote(_) => None,
        })
    }
}

impl Engine {
    /// As `OCR_ENGINES` and stored readings name it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Remote(remote) => remote.name(),
            Self::Local(local) => local.name(),
        }
    }
}

impl Local {
    /// As stored readings name it.
    pub fn name(&self) -> &'static str {
        self.engine.name()
    }
}

impl Remote {
    /// An engine of which nothing is known yet.
    pub fn new(client: Anthropic) -> Self {
        Self { client, failing_since: Mutex::new(None) }
    }

    /// As stored readings name it.
    pub fn name(&self) -> &'static str {
        anthropic::ENGINE
    }

    /// It answered.
    pub fn worked(&self) {
        *self.failing_since.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// It failed at `now`: has it, without a success between, for over a minute?
    pub fn failing_for_too_long(&self, now: DateTime<Utc>) -> bool {
        let mut since = self.failing_since.lock().unwrap_or_else(PoisonError::into_inner);
        now - *since.get_or_insert(now) > PATIENCE
    }
}
