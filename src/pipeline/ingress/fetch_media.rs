//! The photos of a batch, side by side, while the webhook waits: Meta's URL lives 5 minutes, so
//! now is the best moment. What does not come within the budget is left to the worker, which asks
//! again by id. Nothing is written here.

use std::time::Duration;

use futures::future::join_all;
use tracing::{info, instrument};

use crate::clients::whatsapp::{Allowance, Held, MediaError, Room, Way, WhatsApp};
use crate::domain::ids::{Sha256, Wamid};
use crate::domain::inbound::{Content, Inbound, Item, MediaRef};
use crate::pipeline::blob;
use crate::store::media::Blob;
use crate::store::{Store, StoreError};

/// How much may be fetched while webhooks wait.
#[derive(Clone, Debug)]
pub struct Budget {
    /// For all photos of one webhook together.
    pub time: Duration,
    /// Bytes of each photo.
    pub max_bytes: usize,
    /// For the photos of all webhooks that are under way.
    pub room: Room,
}

/// The photos of a webhook that have come. They take their room until this is dropped.
#[derive(Debug, Default)]
pub struct Fetched {
    /// By their message.
    pub photos: Vec<(Wamid, Blob)>,
    /// What became of each one that was asked for.
    pub outcomes: Vec<Outcome>,
    held: Vec<Held>,
}

/// What became of a photo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It came by the URL in the webhook.
    Inline,
    /// It came by its id.
    ById,
    /// Other photos took all the memory there is for them: left to the worker.
    NoRoom,
    /// It did not come, for whatever other reason: left to the worker.
    Pending,
}

/// The photos of `items` that came within `budget`, but for those of messages that are `known`:
/// they were accepted before.
#[instrument(name = "ingress.fetch_media", skip_all, fields(media.asked, media.fetched))]
pub async fn fetch_media(
    whatsapp: &WhatsApp,
    items: &[Item],
    known: &[Sha256],
    budget: &Budget,
) -> Fetched {
    let mut asked = with_media(items);
    asked.retain(|(message, _)| !known.contains(&message.wamid.digest()));
    let mut fetched = Fetched::default();
    if asked.is_empty() {
        return fetched;
    }
    let span = tracing::Span::current();
    span.record("media.asked", asked.len());
    let Budget { time, max_bytes, room } = budget;
    let allowance = Allowance { max_bytes: *max_bytes, within: *time, room: Some(room) };
    let calls = asked.iter().map(|(message, media)| async {
        let number = Some(&message.phone_number_id);
        (&message.wamid, whatsapp.fetch_media_in(media, number, allowance).await)
    });
    for (wamid, outcome) in join_all(calls).await {
        match outcome {
            Ok(mut media) => {
                fetched.outcomes.push(match media.way {
                    Way::Inline => Outcome::Inline,
                    Way::ById => Outcome::ById,
                });
                fetched.held.extend(media.held.take());
                fetched.photos.push((wamid.clone(), blob(media)));
            }
            Err(error) => {
                info!(%error, "a photo is left to the worker");
                let no_room = matches!(error, MediaError::NoRoom);
                fetched.outcomes.push(if no_room { Outcome::NoRoom } else { Outcome::Pending });
            }
        }
    }
    span.record("media.fetched", fetched.photos.len());
    fetched
}

/// Which messages with media among `items` have been accepted before.
pub async fn known(store: &Store, items: &[Item]) -> Result<Vec<Sha256>, StoreError> {
    let asked = with_media(items);
    if asked.is_empty() {
        return Ok(Vec::new());
    }
    let wamids: Vec<&Wamid> = asked.iter().map(|(message, _)| &message.wamid).collect();
    store.known(&wamids).await
}

fn with_media(items: &[Item]) -> Vec<(&Inbound, &MediaRef)> {
    let messages = items.iter().filter_map(|item| match item {
        Item::Message(message) => Some(message.as_ref()),
        Item::Status(_) | Item::Account(_) | Item::Kept(_) => None,
    });
    messages
        .filter_map(|message| match &message.content {
            Content::Media(media) => Some((message, media)),
            Content::Text(_)
            | Content::Choice(_)
            | Content::Wish(_)
            | Content::OtherMedia
            | Content::Moved(_)
            | Content::Silent => None,
        })
        .collect()
}
