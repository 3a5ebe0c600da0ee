//! Through the front door: real HTTP, real Postgres, real OCR, simulators at the other end.

#![expect(clippy::unwrap_used, reason = "a helper of tests may fail as loudly as a test")]

mod rig;
mod outside;
mod programs;
mod browser;
mod talk;

mod whole_path;
mod twice;
mod answers;
mod chat;
mod opt_outs;
mod templates;
mod reminders;
mod events;
mod api;
mod forget;
mod export;
mod retry;
mod doctor;
mod audit;
mod outages;
mod crashes;
mod custody;
mod intake;
mod intake_proof;
mod abuse;
mod refusals;
mod security;
mod customers;
mod identities;
mod codes;
mod late;
mod limits;
mod engines;
mod reading;
mod replay;
mod fixtures;
mod processes;
mod upgrade;
#[cfg(feature = "demo")]
mod phone;
mod telemetry;
mod ops;
mod history;
mod metrics;
mod deploy;
mod schema;
mod retention;
mod dashboard;
mod words;

mod vendor_schemas;
mod whatsapp_wire;
mod media_wire;
mod stripe_wire;
mod anthropic_wire;
