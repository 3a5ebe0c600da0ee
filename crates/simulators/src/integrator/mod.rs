//! An integrator's endpoint: takes signed events as the Standard Webhooks specification says a
//! receiver must, and refuses what is not signed, or too old. It knows the specification and nobody's
//! events.

mod signature;

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

use crate::answer::{Answer, Outcome};
use crate::asked::Asked;
use crate::simulator::{Simulator, Vendor};

/// An endpoint, running. See [`Integrator::start`].
pub type Integrator = Simulator<Receiver>;

/// Where a request went: there is one way in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IntegratorRoute {
    /// `POST /events`
    Events,
}

/// An event that was taken.
#[derive(Clone, Debug, PartialEq)]
pub struct Received {
    /// Its `webhook-id`.
    pub id: String,
    /// Its body.
    pub body: Value,
}

/// What is behind [`Integrator`].
pub struct Receiver {
    clock: crate::clock::Clock,
    memory: Mutex<Memory>,
}

struct Memory {
    secret: String,
    received: Vec<Received>,
}

impl Receiver {
    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Integrator {
    /// Starts it on a free port of the loopback interface. It believes what is signed with `secret`
    /// (`whsec_…`).
    pub fn start(secret: &str) -> io::Result<Self> {
        Self::run(|surroundings| {
            let memory = Memory { secret: secret.to_owned(), received: Vec::new() };
            Receiver { clock: surroundings.clock, memory: Mutex::new(memory) }
        })
    }

    /// Where events are to be posted.
    pub fn url(&self) -> String {
        format!("http://{}/events", self.address())
    }

    /// From now on it believes what is signed with this.
    pub fn change_secret(&self, secret: &str) {
        secret.clone_into(&mut self.vendor().memory().secret);
    }

    /// Every event that it took, repetitions too, in the order in which they came.
    pub fn received(&self) -> Vec<Received> {
        self.vendor().memory().received.clone()
    }
}

impl Vendor for Receiver {
    type Route = IntegratorRoute;

    fn route(&self, method: &str, path: &str) -> Option<IntegratorRoute> {
        (method == "POST" && path == "/events").then_some(IntegratorRoute::Events)
    }

    fn writes(_: IntegratorRoute) -> bool {
        true
    }

    fn perform(&self, _: IntegratorRoute, asked: &Asked<IntegratorRoute>) -> Outcome {
        let mut memory = self.memory();
        if let Err(why) = signature::verify(&memory.secret, asked, self.clock.now().timestamp()) {
            return Answer::json(401, &json!({ "error": why })).into();
        }
        let (Some(id), Some(body)) = (asked.header("webhook-id"), asked.json()) else {
            return Answer::json(400, &json!({ "error": "not JSON" })).into();
        };
        memory.received.push(Received { id: id.to_owned(), body });
        Answer::json(200, &json!({ "ok": true })).into()
    }

    fn refuse(&self, _: &Asked<IntegratorRoute>, status: u16, _: Option<&str>) -> Answer {
        Answer::json(status, &json!({ "error": "as told by the test" }))
    }
}
