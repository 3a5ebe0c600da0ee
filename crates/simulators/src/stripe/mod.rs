//! Stripe: the customers of one account, with the search index that lags behind them and the
//! idempotency keys that remember every answer, a 500 included. Nothing but customers exists, and
//! the events about them, which go nowhere until a test delivers them, in whatever order it likes.
//! A replayed answer is given before any fault is looked for, so it uses none up.

mod customers;
mod errors;
mod events;
mod form;
mod idempotency;
mod query;
mod record;
mod search;

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::answer::{Answer, Outcome};
use crate::asked::Asked;
use crate::clock::Clock;
use crate::ids;
use crate::meta::delivery;
use crate::simulator::{Simulator, Surroundings, Vendor};

pub use customers::NewCustomer;
pub use events::{sign_webhook, wire_bytes};

use customers::Books;
use events::Told;
use idempotency::Keys;

/// How long a webhook waits for its answer.
const WEBHOOK_TIMEOUT: Duration = Duration::from_secs(20);

/// Stripe's API, running. See [`Stripe::start`].
pub type Stripe = Simulator<Account>;

/// Where a request went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StripeRoute {
    /// `GET /v1/customers/search`
    CustomersSearch,
    /// `GET /v1/customers`
    CustomersList,
    /// `POST /v1/customers`
    CustomersCreate,
    /// `GET /v1/customers/{id}`
    CustomerGet,
    /// `POST /v1/customers/{id}`
    CustomerUpdate,
    /// `DELETE /v1/customers/{id}`
    CustomerDelete,
}

/// The account that the simulator plays. The defaults are obviously made up.
#[derive(Clone)]
pub struct StripeOptions {
    /// Accepted as bearer token or as the user name of basic authentication.
    pub secret_key: String,
    /// How long a write stays invisible to search.
    pub search_lag: Duration,
    /// With which its webhooks are signed.
    pub webhook_secret: String,
}

impl Default for StripeOptions {
    fn default() -> Self {
        Self {
            secret_key: "sk_test_simulated".to_owned(),
            search_lag: Duration::ZERO,
            webhook_secret: "whsec_simulated".to_owned(),
        }
    }
}

/// The vendor behind [`Stripe`].
pub struct Account {
    options: StripeOptions,
    clock: Clock,
    http: reqwest::Client,
    memory: Mutex<Memory>,
}

/// Everything that changes.
struct Memory {
    books: Books,
    told: Told,
    keys: Keys,
    search_lag: Duration,
    search: Search,
}

/// Whether the merchant may search.
enum Search {
    Available,
    /// As for merchants in India.
    Unavailable,
}

impl Account {
    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stripe {
    /// Starts it on a free port of the loopback interface, without customers.
    pub fn start(options: StripeOptions) -> io::Result<Self> {
        let http =
            delivery::client("Stripe/1.0 (+https://stripe.com/docs/webhooks)", WEBHOOK_TIMEOUT);
        let http = http.map_err(io::Error::other)?;
        Self::run(|Surroundings { clock, .. }| {
            let memory = Memory {
                books: Books::default(),
                told: Told::default(),
                keys: Keys::default(),
                search_lag: options.search_lag,
                search: Search::Available,
            };
            Account { options, clock, http, memory: Mutex::new(memory) }
        })
    }

    /// What stands in for `https://api.stripe.com`.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address())
    }

    /// The account it plays.
    pub fn options(&self) -> &StripeOptions {
        &self.vendor().options
    }

    /// The customers there are now, oldest first, as Stripe would show them.
    pub fn customers(&self) -> Vec<Value> {
        self.vendor().memory().books.all()
    }

    /// Adds a customer as if somebody had made it elsewhere, and gives its id. Search finds it
    /// after the lag, unless it was created longer ago than that.
    pub fn add_customer(&self, customer: &NewCustomer) -> String {
        let account = self.vendor();
        let now = account.clock.now();
        let mut memory = account.memory();
        let id = memory.books.add(customer, now);
        memory.tell("customer.created", &id, now);
        id
    }

    /// Sets one metadata value of a customer (removes it when empty) as somebody would at the
    /// dashboard, and gives the event. `None` when there is no such customer.
    pub fn set_metadata(&self, id: &str, key: &str, value: &str) -> Option<Value> {
        let account = self.vendor();
        let now = account.clock.now();
        let mut memory = account.memory();
        memory.books.set_metadata(id, key, value, now)?;
        Some(memory.tell("customer.updated", id, now))
    }

    /// Deletes a customer as somebody would at the dashboard, and gives the event. `None` when
    /// there is no such customer.
    pub fn delete_customer(&self, id: &str) -> Option<Value> {
        let account = self.vendor();
        let now = account.clock.now();
        let mut memory = account.memory();
        customers::delete(&mut memory.books, id, now).ok()?;
        Some(memory.tell("customer.deleted", id, now))
    }

    /// From now on a write stays invisible to search for this long.
    pub fn search_lag(&self, lag: Duration) {
        self.vendor().memory().search_lag = lag;
    }

    /// From now on search is refused, as it is to merchants in India.
    pub fn without_search(&self) {
        self.vendor().memory().search = Search::Unavailable;
    }

    /// Search is available again.
    pub fn with_search(&self) {
        self.vendor().memory().search = Search::Available;
    }
}

impl Vendor for Account {
    type Route = StripeRoute;

    fn route(&self, method: &str, path: &str) -> Option<StripeRoute> {
        let rest = path.strip_prefix("/v1/customers")?;
        match (method, rest) {
            ("GET", "") => Some(StripeRoute::CustomersList),
            ("POST", "") => Some(StripeRoute::CustomersCreate),
            ("GET", "/search") => Some(StripeRoute::CustomersSearch),
            (_, id) if !id.starts_with('/') || id[1..].contains('/') => None,
            ("GET", _) => Some(StripeRoute::CustomerGet),
            ("POST", _) => Some(StripeRoute::CustomerUpdate),
            ("DELETE", _) => Some(StripeRoute::CustomerDelete),
            _ => None,
        }
    }

    fn writes(route: StripeRoute) -> bool {
        match route {
            StripeRoute::CustomersCreate
            | StripeRoute::CustomerUpdate
            | StripeRoute::CustomerDelete => true,
            StripeRoute::CustomersSearch
            | StripeRoute::CustomersList
            | StripeRoute::CustomerGet => false,
        }
    }

    fn stored(&self, _: StripeRoute, asked: &Asked<StripeRoute>) -> Option<Answer> {
        if self.refused(asked).is_some() {
            return None;
        }
        self.memory().keys.stored(asked, self.clock.now()).map(finished)
    }

    fn begin(&self, _: StripeRoute, asked: &Asked<StripeRoute>) {
        self.memory().keys.begin(asked, self.clock.now());
    }

    fn perform(&self, route: StripeRoute, asked: &Asked<StripeRoute>) -> Outcome {
        let answer = match self.refused(asked) {
            Some(refusal) => refusal,
            None => self.answer(route, asked).unwrap_or_else(|refusal| refusal),
        };
        let answer = finished(answer);
        self.memory().keys.end(asked, &answer);
        answer.into()
    }

    fn refuse(&self, asked: &Asked<StripeRoute>, status: u16, code: Option<&str>) -> Answer {
        let answer = match code {
            Some(code) => errors::of_code(status, code),
            None if asked.route.is_none() => errors::unknown_url(&asked.method, &asked.path),
            None => errors::of_status(status),
        };
        let answer = finished(answer);
        // A 5xx came out of performing the call, so it is what the key remembers.
        let mut memory = self.memory();
        memory.keys.begin(asked, self.clock.now());
        memory.keys.end(asked, &answer);
        answer
    }
}

impl Account {
    fn answer(&self, route: StripeRoute, asked: &Asked<StripeRoute>) -> Result<Answer, Answer> {
        let now = self.clock.now();
        let mut memory = self.memory();
        let id = asked.path.rsplit('/').next().unwrap_or_default();
        match route {
            StripeRoute::CustomersSearch => match memory.search {
                Search::Available => search::search(&memory.books, asked, now, memory.search_lag),
                Search::Unavailable => Err(errors::search_unavailable()),
            },
            StripeRoute::CustomersList => customers::list(&memory.books, asked),
            StripeRoute::CustomerGet => customers::get(&memory.books, id),
            StripeRoute::CustomersCreate => {
                let created = customers::create(&mut memory.books, asked, now)?;
                let id = memory.books.newest().unwrap_or_default();
                memory.tell("customer.created", &id, now);
                Ok(created)
            }
            StripeRoute::CustomerUpdate => {
                let updated = customers::update(&mut memory.books, id, asked, now)?;
                memory.tell("customer.updated", id, now);
                Ok(updated)
            }
            StripeRoute::CustomerDelete => {
                let deleted = customers::delete(&mut memory.books, id, now)?;
                memory.tell("customer.deleted", id, now);
                Ok(deleted)
            }
        }
    }

    fn refused(&self, asked: &Asked<StripeRoute>) -> Option<Answer> {
        let given = match asked.header("authorization") {
            None => return Some(errors::unauthorized(None)),
            Some(header) => key_in(header),
        };
        match given {
            Some(key) if key == self.options.secret_key => None,
            other => Some(errors::unauthorized(other.as_deref())),
        }
    }
}

/// The key in a bearer or basic `Authorization` header.
fn key_in(header: &str) -> Option<String> {
    if let Some(token) = header.strip_prefix("Bearer ") {
        return Some(token.to_owned());
    }
    let basic = STANDARD.decode(header.strip_prefix("Basic ")?).ok()?;
    let basic = String::from_utf8(basic).ok()?;
    Some(basic.split(':').next().unwrap_or_default().to_owned())
}

/// Every answer of Stripe's has a number to ask support about.
fn finished(answer: Answer) -> Answer {
    answer.with("request-id", format!("req_{}", ids::alphanumeric(14)))
}
