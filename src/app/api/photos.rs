//! Photos, to a key with the scope, or to whoever has a link that is signed and not expired.

use actix_web::web::{Data, Path, Query};
use actix_web::{HttpResponse, http::header};
use serde::Deserialize;
use utoipa::IntoParams;

use super::Desk;
use super::guard::Caller;
use super::refusal::Refusal;
use crate::domain::access::{Numbers, Scope};
use crate::domain::ids::MessageId;

/// A link's own words; without them a key is asked for.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Link {
    /// Until when the link holds, in seconds since 1970.
    expires: Option<i64>,
    /// What signs it.
    signature: Option<String>,
}

/// Shows the photo or document of a message, as it was sent.
#[utoipa::path(
    get, path = "/v1/photos/{message}", tag = "photos",
    params(("message" = i64, Path, description = "the message, as in an entry"), Link),
    security(("key" = []), ()),
    responses(
        (status = 200, description = "the bytes, with their type", content(
            (String = "image/jpeg"), (String = "image/png"), (String = "image/webp"),
            (String = "image/heic"), (String = "application/pdf"),
        )),
    )
)]
pub async fn one(
    desk: Data<Desk>,
    caller: Option<Caller>,
    message: Path<i64>,
    link: Query<Link>,
) -> Result<HttpResponse, Refusal> {
    let message = MessageId(message.into_inner());
    let numbers = match (caller, link.into_inner()) {
        (Some(caller), _) => {
            caller.may(Scope::PhotosRead)?;
            caller.key.numbers
        }
        (None, Link { expires: Some(expires), signature: Some(signature) }) => {
            let keys = desk.ask(|store| async move { store.link_keys().await }).await?;
            let now = desk.clock.now();
            if !keys.iter().any(|it| it.holds(message, expires, &signature, now)) {
                return Err(Refusal::NoKey);
            }
            Numbers::All
        }
        (None, _) => return Err(Refusal::NoKey),
    };
    let photo = desk.ask(move |store| async move { store.photo_for(&numbers, message).await });
    let photo = photo.await?.ok_or(Refusal::NotFound)?;
    Ok(HttpResponse::Ok()
        .content_type(photo.mime)
        // Whatever it is, it runs nothing.
        .insert_header((header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"))
        .insert_header((
            header::CONTENT_DISPOSITION,
            format!("inline; filename=\"message-{message}\""),
        ))
        .body(photo.bytes))
}
