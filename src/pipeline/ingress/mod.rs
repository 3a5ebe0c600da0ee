//! Stage 1: verify ▶ parse ▶ fetch media ▶ keep photos ▶ accept in a shared commit, or the spool and
//! replay; and the echo: reconcile.
//! Beside it Stripe's webhooks: verify Stripe ▶ hear Stripe.
//! Nothing here is remembered before the one commit in [`accept`].

pub mod verify;
pub mod parse;
pub mod fetch_media;
pub mod keep_photos;
pub mod accept;
pub mod share;
pub mod replay;
pub mod verify_stripe;
pub mod hear_stripe;
