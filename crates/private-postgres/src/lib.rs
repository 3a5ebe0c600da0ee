//! A private Postgres for demos and tests, made from the binaries installed on this machine.
//!
//! [`Cluster::start`] finds `initdb` and `postgres`, makes a cluster in a folder of its own and
//! starts it behind a Unix socket in that folder: there is no port to race for and nothing that
//! another machine could reach. Where we are root, an unprivileged user runs it, because Postgres
//! refuses root. A small guard process stops it and removes its folder however we end.
//!
//! It promises not to download anything, not to touch a cluster it did not make, and not to be a
//! production database: anyone who can reach the socket's folder (this user and root) is let in.

mod account;
mod cluster;
mod error;
mod find;
mod folders;
mod freeze;
mod guard;
mod initialise;
mod server;

pub use cluster::{Cluster, Options};
pub use error::Error;
pub use freeze::Frozen;
pub use server::Stop;
