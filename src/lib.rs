//! Paragon: people photograph receipts in WhatsApp; seconds later each has one true answer, and
//! the entry is booked on their Stripe customer.
//!
//! ```text
//!  Meta ──POST──▶ verify ▶ parse ▶ fetch media ▶ accept ═══╗      INGRESS   200 means: in our custody
//!                                        rows + job, ONE tx ║
//!                                                      ╔════╝      POSTGRES  the only memory
//!                                                      ▼
//!               reply ◀ record ◀ match customer ◀ extract          WORKER    every step may run twice
//!                 │
//!  Meta ──POST──▶ verify ▶ parse ▶ reconcile status                INGRESS   the echo: was it delivered?
//! ```
//!
//! Left of the double line nothing is remembered; right of it nothing is forgotten. The two halves
//! share tables and a job's name, never a function call. Modules stand in reading order; who may
//! name whom is held by `tests/layers.rs`.

pub mod domain;
pub mod pipeline;
pub mod clients;
pub mod reading;
pub mod store;
pub mod spool;
pub mod queue;
pub mod clock;
pub mod settings;
pub mod telemetry;
pub mod app;
