//! Stage 1: verify ▶ parse ▶ fetch media ▶ accept; and the echo: reconcile.
//! Nothing here is remembered before the one commit in [`accept`].

pub mod verify;
pub mod parse;
pub mod fetch_media;
pub mod accept;
