//! Meta's `WhatsApp` Cloud API, Stripe and Anthropic over real HTTP on 127.0.0.1, for tests and the
//! demo. They are built from the vendors' own words (schemas, samples, documentation) and promise
//! **to share no type with whoever calls them**: a client and a simulator that share a struct
//! share its mistakes. Nothing here leaves the loopback interface.
//!
//! Each simulator ([`Meta`], [`Stripe`], [`Anthropic`], [`Integrator`]) runs on threads of its own, so it can be
//! started from any test or runtime; it stops when it is dropped. Each one
//!
//! * remembers every request it was asked ([`Simulator::asked`], [`Simulator::count`]),
//! * has a clock that a test can move ([`Simulator::advance`]),
//! * misbehaves when told to ([`Simulator::fault`]), in one vocabulary for all of them:
//!
//! | [`Fault`] | the effect happens | what the caller sees |
//! |---|---|---|
//! | `Slow(d)` | yes, after `d` | the true answer, late |
//! | `Hang` | no | nothing, until it gives up or all faults are cleared |
//! | `Cut` | reads only | a read: the head and half the body; a write: the connection closes |
//! | `TooManyRequests` | no | 429 in the vendor's words, with `Retry-After` if given |
//! | `Status(n)` | no | status `n` with the vendor's own error body for it |
//! | `Refuse { status, code }` | no | the vendor's error of that code |
//! | `Twice` | twice | one answer (the second), as if a proxy had retried |
//! | `DoneButAnswerLost` | yes | the connection closes before the answer |
//!
//! [`Integrator`] is the other end of our own webhooks: an endpoint that takes signed events.
//!
//! [`phone`] is the sender's end of Meta: phones in a browser.
//!
//! Faults queue up route by route and each is used by one call; [`Simulator::fault_at_random`] lets
//! seeded dice decide. On [`MetaRoute::StatusWebhook`],
//! where Meta is the caller, `Slow` delays the delivery, `Twice` delivers twice and every other
//! fault loses it.

mod answer;
mod asked;
mod clock;
mod faults;
mod ids;
mod server;
mod simulator;

pub mod anthropic;
pub mod integrator;
pub mod meta;
pub mod phone;
pub mod stripe;

pub use anthropic::{Anthropic, AnthropicOptions, AnthropicRoute};
pub use asked::{Asked, TimedOut, wait_until};
pub use faults::{Fault, Mischief};
pub use integrator::{Integrator, IntegratorRoute, Received};
pub use meta::{MediaId, Meta, MetaOptions, MetaRoute, Sender};
pub use phone::Phones;
pub use simulator::{Simulator, Vendor};
pub use stripe::{Stripe, StripeOptions, StripeRoute};
