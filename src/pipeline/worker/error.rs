//! Why a step did not get done. One question decides the job's fate: [`StepError::verdict`].

use std::time::Duration;

use super::Step;
use crate::clients::anthropic::AnthropicError;
use crate::clients::stripe::StripeError;
use crate::clients::whatsapp::{MediaError, SendError};
use crate::domain::retry::Verdict;
use crate::reading::engines::EngineError;
use crate::store::StoreError;

/// A step that is to be done again, or given up. Its text is kept with the job: nothing personal.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// The same, and in which step.
    #[error("{step}: {cause}")]
    Within {
        /// Where.
        step: Step,
        /// What.
        #[source]
        cause: Box<StepError>,
    },
    /// Our own memory.
    #[error("store: {0}")]
    Store(#[from] StoreError),
    /// The queue's part of it.
    #[error("queue: {0}")]
    Queue(#[from] apalis_lease::EnqueueError),
    /// The photo could not be fetched.
    #[error("media: {0}")]
    Media(#[from] MediaError),
    /// Anthropic did not read it.
    #[error("anthropic: {0}")]
    Anthropic(#[from] AnthropicError),
    /// The local engine did not read it.
    #[error("local engine: {0}")]
    Engine(#[from] EngineError),
    /// Stripe.
    #[error("stripe: {0}")]
    Stripe(#[from] StripeError),
    /// All workers together call somebody as fast as they may.
    #[error("too many calls at once; waiting for a turn")]
    OutOfTurn(Duration),
    /// Another worker is asking Stripe about the same sender.
    #[error("another worker is asking Stripe about this sender")]
    AskedElsewhere(Duration),
    /// The answer was not sent.
    #[error("send: {0}")]
    Send(#[from] SendError),
    /// Meta wants less from this number, or less to this one person.
    #[error("resting as Meta asks: {cause}")]
    Resting {
        /// How long.
        rest: Duration,
        /// What Meta said.
        cause: SendError,
    },
    /// An answer that Meta had taken did not arrive, and is sent again after a rest.
    #[error("the answer did not arrive ({0}); it is sent again")]
    SendingAgain(SendError, Duration),
    /// It panicked. What it said is not kept: it may quote what it worked on.
    #[error("panicked; the log says where")]
    Panicked,
    /// It took longer than anything should.
    #[error("took longer than {} s", .0.as_secs())]
    Hung(Duration),
    /// It speaks of a photo that is still being worked on.
    #[error("the photo that it speaks of is still being worked on")]
    PhotoUnderWay(Duration),
    /// The word that it takes longer is on its way: the answer follows it.
    #[error("the word of delay is leaving; the answer follows it")]
    DelayIsLeaving(Duration),
    /// Its template may not be sent: how it stands, and how long that is believed.
    #[error("{0}; waiting for it to be approved")]
    AwaitingTemplate(String, Duration),
    /// As many people as Meta allows have been written to.
    #[error("as many people as Meta allows have been written to in 24 hours")]
    LimitReached(Duration),
    /// An answer may have been sent: nothing more is, until its echo has had its time.
    #[error("an answer may have been sent; waiting for its echo")]
    AwaitingEcho(Duration),
}

impl StepError {
    /// The same, told as having happened in `step`.
    #[must_use]
    pub fn within(self, step: Step) -> Self {
        Self::Within { step, cause: Box::new(self) }
    }

    /// Whether Postgres did not answer as it should.
    pub fn is_postgres_away(&self) -> bool {
        match self {
            Self::Within { cause, .. } => cause.is_postgres_away(),
            other => matches!(other, Self::Store(StoreError::Postgres(_)) | Self::Queue(_)),
        }
    }

    /// The fate of the job that met this.
    pub fn verdict(&self) -> Verdict {
        match self {
            Self::Within { cause, .. } => cause.verdict(),
            Self::Store(error) => error.verdict(),
            Self::Queue(_) | Self::Panicked | Self::Hung(_) => Verdict::Retry,
            Self::Media(error) => error.verdict(),
            Self::Anthropic(error) => error.verdict(),
            Self::Engine(error) => error.verdict(),
            Self::Stripe(error) => error.verdict(),
            Self::Send(error) => error.verdict(),
            Self::Resting { rest: wait, .. }
            | Self::SendingAgain(_, wait)
            | Self::AwaitingEcho(wait)
            | Self::AwaitingTemplate(_, wait)
            | Self::LimitReached(wait)
            | Self::AskedElsewhere(wait)
            | Self::DelayIsLeaving(wait)
            | Self::PhotoUnderWay(wait)
            | Self::OutOfTurn(wait) => Verdict::NotBefore(*wait),
        }
    }
}
