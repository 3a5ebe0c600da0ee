//! What happens, one step a file, in order. No framework, no SQL, no HTTP words.

pub mod ingress;
pub mod worker;
