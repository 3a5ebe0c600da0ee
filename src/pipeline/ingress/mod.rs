//! Stage 1: verify ▶ parse ▶ fetch media ▶ accept, or the spool and replay; and the echo: reconcile.
//! Nothing here is remembered before the one commit in [`accept`].

pub mod verify;
pub mod parse;
pub mod fetch_media;
pub mod accept;
pub mod replay;
