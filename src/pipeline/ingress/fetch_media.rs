//! The photos of a batch, side by side, while the webhook waits: Meta's URL lives 5 minutes, so
//! now is the best moment. What does not come within the budget is left to the worker, which asks
//! again by id. Nothing is written here.

use std::time::Duration;

use futures::future::join_all;
use tracing::{info, instrument};

use crate::clients::whatsapp::WhatsApp;
use crate::domain::ids::{Sha256, Wamid};
use crate::domain::inbound::{Content, Inbound, Item, MediaRef};
use crate::pipeline::blob;
use crate::store::media::Blob;
use crate::store::{Store, StoreError};

/// How much may be fetched while a webhook waits.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// For all photos of the batch together.
    pub time: Duration,
    /// For each photo.
    pub max_bytes: usize,
}

/// The photos of `items` that came within `budget`, by their message, but for those of messages
/// that are `known`: they were accepted before.
#[instrument(name = "ingress.fetch_media", skip_all, fields(media.asked, media.fetched))]
pub async fn fetch_media(
    whatsapp: &WhatsApp,
    items: &[Item],
    known: &[Sha256],
    budget: Budget,
) -> Vec<(Wamid, Blob)> {
    let mut asked = with_media(items);
    asked.retain(|(message, _)| !known.contains(&message.wamid.digest()));
    if asked.is_empty() {
        return Vec::new();
    }
    let span = tracing::Span::current();
    span.record("media.asked", asked.len());
    let calls = asked.iter().map(|(message, media)| async {
        let number = Some(&message.phone_number_id);
        match whatsapp.fetch_media(media, number, budget.max_bytes, budget.time).await {
            Ok(fetched) => Some((message.wamid.clone(), blob(fetched))),
            Err(error) => {
                info!(%error, "a photo is left to the worker");
                None
            }
        }
    });
    let photos: Vec<(Wamid, Blob)> = join_all(calls).await.into_iter().flatten().collect();
    span.record("media.fetched", photos.len());
    photos
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
        Item::Message(message) => Some(message),
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
