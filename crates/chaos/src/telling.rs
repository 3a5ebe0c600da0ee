//! How Meta tells a webhook: again and again, with pauses, until it is answered 200.

use std::time::{Duration, Instant};

use serde_json::Value;
use simulators::Meta;

/// The longest pause before a webhook is told again.
const PAUSE: Duration = Duration::from_secs(3);

/// What became of one webhook.
pub struct Told {
    /// Which messages.
    pub messages: Vec<usize>,
    /// How each try was answered; `None` where nothing came back.
    pub answers: Vec<Option<u16>>,
    /// How long the slowest answer took.
    pub slowest: Duration,
}

/// Tells a webhook, and tells it again after a pause, until it is answered 200.
pub async fn until_answered(meta: &Meta, payload: &Value, messages: Vec<usize>) -> Told {
    let mut told = Told { messages, answers: Vec::new(), slowest: Duration::ZERO };
    let mut pause = Duration::from_millis(200);
    loop {
        let began = Instant::now();
        let answer = meta.deliver(payload).await;
        told.slowest = told.slowest.max(began.elapsed());
        told.answers.push(answer.ok().map(|it| it.status));
        if told.answers.last() == Some(&Some(200)) {
            return told;
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(PAUSE);
    }
}
