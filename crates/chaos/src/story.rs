//! Who writes what, and how it is told: batches, crosswise, some of it again. All from the seed.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use serde::{Deserialize, Serialize};

/// A message that somebody writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum What {
    /// A photo of a receipt, with its total in pence: no two are alike.
    Receipt(u32),
    /// A receipt whose total the paid engine does not see, so that this machine reads it.
    Unsure,
    /// A photo of something else.
    Cat,
    /// Words.
    Text,
    /// A sticker, which is answered by asking for a photo.
    Sticker,
    /// A reaction, to which nothing is said.
    Reaction,
}

impl What {
    /// Whether it becomes an entry.
    pub fn is_receipt(self) -> bool {
        matches!(self, Self::Receipt(_) | Self::Unsure)
    }

    /// Whether it gets an answer of its own.
    pub fn is_answered(self) -> bool {
        matches!(self, Self::Receipt(_) | Self::Unsure | Self::Cat | Self::Sticker)
    }
}

/// One message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Said {
    /// Which of the senders.
    pub sender: u32,
    /// What.
    pub what: What,
}

/// One webhook: messages by their places in the story, and when it is told first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// After the beginning.
    pub at: Duration,
    /// Which messages; some of them were in another webhook too.
    pub messages: Vec<usize>,
    /// How often it is told at that moment.
    pub times: usize,
}

/// Everything that is written in one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Story {
    /// The messages.
    pub said: Vec<Said>,
    /// How they are told.
    pub webhooks: Vec<Webhook>,
}

/// Receipts that this machine reads: it is slow at it.
const READ_LOCALLY: u32 = 100;

impl Story {
    /// So many messages, told within `over`.
    pub fn of(seed: u64, messages: u32, over: Duration) -> Self {
        let mut dice = StdRng::seed_from_u64(seed ^ 0x5709);
        let senders = (messages / 6).max(3);
        let said: Vec<Said> = (0..messages)
            .map(|number| Said {
                sender: dice.random_range(0..senders),
                what: what(&mut dice, number),
            })
            .collect();
        // Not in the order in which they were written.
        let mut places: Vec<usize> = (0..said.len()).collect();
        places.shuffle(&mut dice);
        let mut webhooks: Vec<Webhook> = Vec::new();
        let mut rest = places.as_slice();
        while !rest.is_empty() {
            let size = if dice.random_ratio(2, 3) { 1 } else { dice.random_range(2..7) };
            let (batch, after) = rest.split_at(size.min(rest.len()));
            rest = after;
            let mut batch = batch.to_vec();
            if dice.random_ratio(1, 10) {
                batch.push(places[dice.random_range(0..places.len())]);
            }
            let at = over.mul_f64(dice.random_range(0.0..1.0));
            let times = if dice.random_ratio(1, 7) { 2 } else { 1 };
            webhooks.push(Webhook { at, messages: batch, times });
        }
        webhooks.sort_by_key(|it| it.at);
        Self { said, webhooks }
    }
}

fn what(dice: &mut StdRng, number: u32) -> What {
    match dice.random_range(0..100) {
        0..18 if dice.random_ratio(1, READ_LOCALLY) => What::Unsure,
        0..18 => What::Receipt(1000 + number),
        18..22 => What::Cat,
        22..27 => What::Sticker,
        27..33 => What::Reaction,
        _ => What::Text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_tells_the_same_story_again_and_another_seed_another() {
        let minute = Duration::from_mins(1);
        let story = Story::of(7, 2000, minute);
        assert_eq!(story, Story::of(7, 2000, minute));
        assert_ne!(story, Story::of(8, 2000, minute));
        let mut told = vec![false; story.said.len()];
        story.webhooks.iter().flat_map(|it| &it.messages).for_each(|it| told[*it] = true);
        assert!(told.iter().all(|it| *it), "every message is told");
        assert!(story.webhooks.iter().all(|it| it.at <= minute));
        let photos = story.said.iter().filter(|it| it.what.is_receipt()).count();
        assert!((200..500).contains(&photos), "{photos}");
    }
}
