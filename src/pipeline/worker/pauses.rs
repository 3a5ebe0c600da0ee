//! Numbers that are paused because their token is dead: the operator is told once, and Meta is asked
//! now and then whether it accepts the token again, so that they flow on by themselves.

use tracing::{error, info, warn};

use super::{Deps, StepError};

/// Whether Meta is asked about the numbers that are paused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// There may be another token, or it is time.
    Meta,
    /// Not this time: only what is new is told.
    Nobody,
}

/// Tells what is newly paused, and lets flow on what Meta accepts again.
pub async fn look_after_pauses(deps: &Deps, ask: Ask) -> Result<(), StepError> {
    for number in deps.store.paused_numbers().await? {
        if deps.store.pause_is_news(&number).await? {
            error!(
                "number {number} is paused: its access token is dead. Put a new one into WA_TOKEN_FILE, or \
                 into WA_TOKEN and restart; its jobs wait"
            );
        }
        if ask == Ask::Nobody {
            continue;
        }
        match deps.whatsapp.may_use(&number).await {
            Ok(()) => {
                deps.store.resume_number(&number).await?;
                info!("number {number} flows on: its access token is accepted");
            }
            Err(error) => warn!(%error, "number {number} stays paused"),
        }
    }
    Ok(())
}
