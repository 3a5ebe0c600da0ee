//! What can be broken while one watches, each with a switch. Broken is broken: a process gets
//! SIGKILL, Postgres stops as when the power fails, Meta and Stripe answer over HTTP as they would.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use private_postgres::Stop;
use serde_json::{Value, json};
use simulators::{Fault, MetaRoute, StripeRoute};

use super::super::stage::Stage;

/// How slow a slow Meta is: longer than an ingress waits for a photo.
const SLOW: Duration = Duration::from_secs(3);

/// Seconds that Stripe asks for when it has had enough.
const RETRY_AFTER_S: u64 = 3;

/// What can be broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Breakable {
    MetaSlow,
    MetaDown,
    AnswersLost,
    TokenDead,
    StripeLimits,
    WorkerKilled,
    IngressKilled,
    PostgresStopped,
}

impl Breakable {
    const ALL: [Self; 8] = [
        Self::WorkerKilled,
        Self::PostgresStopped,
        Self::IngressKilled,
        Self::StripeLimits,
        Self::MetaSlow,
        Self::MetaDown,
        Self::AnswersLost,
        Self::TokenDead,
    ];

    /// The switch of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == name)
    }

    fn name(self) -> &'static str {
        self.words().0
    }

    /// Name, label, what it does.
    fn words(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::WorkerKilled => (
                "worker-killed",
                "Kill worker",
                "SIGKILL. Off: another takes its jobs over within 30 s.",
            ),
            Self::PostgresStopped => (
                "postgres-stopped",
                "Stop Postgres",
                "As when the power fails. Photos go to the spool on disk.",
            ),
            Self::IngressKilled => (
                "ingress-killed",
                "Kill ingress",
                "SIGKILL. One grey tick: Meta delivers again and again.",
            ),
            Self::StripeLimits => (
                "stripe-429",
                "Stripe 429",
                "“Come back in 3 s.” It is asked about new senders only.",
            ),
            Self::MetaSlow => (
                "meta-slow",
                "Slow Meta",
                "Each call takes 3 s. Its own webhooks are not kept waiting.",
            ),
            Self::MetaDown => {
                ("meta-down", "Meta down", "Graph answers 503. Photos wait, answers wait.")
            }
            Self::AnswersLost => (
                "answers-lost",
                "Lose answers",
                "Meta sends it, then the call breaks off. Not to be sent twice!",
            ),
            Self::TokenDead => (
                "token-dead",
                "Expire token",
                "Graph says 190: the number rests. Off: noticed within 30 s.",
            ),
        }
    }
}

/// All switches.
pub struct Switches {
    stage: Arc<Stage>,
    on: Mutex<BTreeSet<Breakable>>,
    busy: Mutex<BTreeSet<Breakable>>,
    /// One at a time.
    turn: tokio::sync::Mutex<()>,
}

impl Switches {
    /// All of them off.
    pub fn new(stage: Arc<Stage>) -> Self {
        let (on, busy) = (Mutex::default(), Mutex::default());
        Self { stage, on, busy, turn: tokio::sync::Mutex::new(()) }
    }

    /// How they stand, for the page.
    pub fn shown(&self) -> Value {
        let (on, busy) = (held(&self.on).clone(), held(&self.busy).clone());
        let shown = Breakable::ALL.map(|it| {
            let (name, label, words) = it.words();
            json!({
                "name": name, "label": label, "words": words,
                "on": on.contains(&it), "busy": busy.contains(&it),
            })
        });
        json!(shown)
    }

    /// Breaks it. Nothing happens where it is broken already.
    pub async fn on(&self, it: Breakable) -> anyhow::Result<()> {
        let _turn = self.turn.lock().await;
        held(&self.busy).insert(it);
        let broken = match it {
            Breakable::WorkerKilled => self.stage.worker.lock().await.kill().await,
            Breakable::IngressKilled => self.stage.ingress.lock().await.kill().await,
            Breakable::PostgresStopped => {
                let mut cluster = self.stage.cluster.lock().await;
                cluster.stop(Stop::Immediate).await.map_err(anyhow::Error::from)
            }
            Breakable::TokenDead => {
                self.stage.meta.accept_only_token("another-token");
                Ok(())
            }
            Breakable::MetaSlow
            | Breakable::MetaDown
            | Breakable::AnswersLost
            | Breakable::StripeLimits => Ok(()),
        };
        held(&self.busy).remove(&it);
        if broken.is_ok() {
            held(&self.on).insert(it);
            self.set_faults();
        }
        broken
    }

    /// Mends it. Nothing happens where it is well.
    pub async fn off(&self, it: Breakable) -> anyhow::Result<()> {
        let _turn = self.turn.lock().await;
        held(&self.busy).insert(it);
        let mended = match it {
            Breakable::WorkerKilled => self.stage.worker.lock().await.start_again().await,
            Breakable::IngressKilled => self.stage.ingress.lock().await.start_again().await,
            Breakable::PostgresStopped => {
                let mut cluster = self.stage.cluster.lock().await;
                cluster.start_again().await.map_err(anyhow::Error::from)
            }
            Breakable::TokenDead => {
                let meta = &self.stage.meta;
                meta.accept_only_token(meta.options().access_token.clone());
                Ok(())
            }
            Breakable::MetaSlow
            | Breakable::MetaDown
            | Breakable::AnswersLost
            | Breakable::StripeLimits => Ok(()),
        };
        held(&self.busy).remove(&it);
        if mended.is_ok() {
            held(&self.on).remove(&it);
            self.set_faults();
        }
        mended
    }

    /// Several may concern one call: the worst is what happens.
    fn set_faults(&self) {
        let on = held(&self.on).clone();
        let first = |order: &[(Breakable, Fault)]| {
            order.iter().find(|(it, _)| on.contains(it)).map(|(_, fault)| fault.clone())
        };
        let down = (Breakable::MetaDown, Fault::Status(503));
        let slow = (Breakable::MetaSlow, Fault::Slow(SLOW));
        let lost = (Breakable::AnswersLost, Fault::DoneButAnswerLost);
        let reads = first(&[down.clone(), slow.clone()]);
        let sends = first(&[down, lost, slow]);
        let meta = &self.stage.meta;
        for (route, fault) in [
            (MetaRoute::MediaObject, &reads),
            (MetaRoute::MediaBytes, &reads),
            (MetaRoute::PhoneNumber, &reads),
            (MetaRoute::Messages, &sends),
        ] {
            match fault {
                Some(fault) => meta.fault_always(route, fault.clone()),
                None => meta.fault_no_more(route),
            }
        }
        let limits = Fault::TooManyRequests { retry_after: Some(RETRY_AFTER_S) };
        let limits = first(&[(Breakable::StripeLimits, limits)]);
        for route in [
            StripeRoute::CustomersSearch,
            StripeRoute::CustomersList,
            StripeRoute::CustomerGet,
            StripeRoute::CustomersCreate,
            StripeRoute::CustomerUpdate,
        ] {
            match &limits {
                Some(fault) => self.stage.stripe.fault_always(route, fault.clone()),
                None => self.stage.stripe.fault_no_more(route),
            }
        }
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
