//! What is true. Pure: no I/O, no async, no SQL, no clock; everything else may name this layer,
//! and it names nobody.

pub mod ids;
pub mod sender;
pub mod person;
pub mod language;
pub mod money;
mod catalogue;
pub mod inbound;
pub mod reading;
pub mod reply;
pub mod chat;
pub mod template;
pub mod account;
pub mod delivery;
pub mod event;
pub mod access;
pub mod retry;
pub mod limits;
pub mod retention;
pub mod breach;
