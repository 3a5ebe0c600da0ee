//! The queue through its front door: real workers of apalis on a real Postgres, one private cluster
//! for each test. Times are short leases and deadlines; nothing is mocked.

#![expect(clippy::unwrap_used, reason = "a helper of tests may fail as loudly as a test")]

mod rig;

mod enqueue;
mod run;
mod retry;
mod settle;
mod control;
mod ahead;
mod pause;
mod lease;
mod outage;
mod drain;
mod history;
mod documents;
mod listing;
mod telemetry;
mod blocks;
mod model;
mod interleavings;
mod processes;
