//! The same receipt photographed twice, where the words alone do not say so: one reading has the
//! date, the other does not. Only where total and one more field agree are the pictures compared.

use std::sync::Arc;

use super::{Deps, StepError};
use crate::domain::ids::{EntryId, SenderId};
use crate::domain::reading::Fields;
use crate::reading::likeness::look_alike;
use crate::store::media::Media;
use crate::store::messages::Message;

/// The entry of the same sender whose photo looks like that of `message`, among those that nearly
/// say the same. A photo that cannot be decoded looks like none.
pub async fn alike(
    deps: &Deps,
    message: &Message,
    sender: SenderId,
    fields: &Fields,
) -> Result<Option<EntryId>, StepError> {
    let candidates = deps.store.nearly_repeated(sender, message.id, fields).await?;
    if candidates.is_empty() {
        return Ok(None);
    }
    let Media::Stored(photo) = deps.store.media(message.id).await? else { return Ok(None) };
    let photo: Arc<[u8]> = photo.bytes.into();
    for (entry, other) in candidates {
        let photo = Arc::clone(&photo);
        let compared = tokio::task::spawn_blocking(move || look_alike(&photo, &other)).await;
        if matches!(compared, Ok(Ok(true))) {
            return Ok(Some(entry));
        }
    }
    Ok(None)
}
