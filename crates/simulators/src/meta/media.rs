//! The media that senders uploaded: an id that lives 7 days, and for each look-up a fresh URL
//! that lives 5 minutes. A medium can be tampered with; it promises that everything declared
//! about it then still describes the untampered one.

use std::collections::HashMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::{FileSize, Meta, MetaRoute, State, errors, object_id};
use crate::answer::Answer;
use crate::asked::Asked;
use crate::ids;

const URL_LIFE: TimeDelta = TimeDelta::minutes(5);
const ID_LIFE: TimeDelta = TimeDelta::days(7);

/// The id of a medium, as webhooks name it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MediaId(pub(crate) String);

impl MediaId {
    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MediaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A way in which the bytes differ from what was declared about them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tamper {
    /// One byte is another: the digest does not match.
    WrongDigest,
    /// The second half is missing, and `Content-Length` agrees with that.
    Truncated,
    /// The bytes come with this `Content-Type`, and the media object says the same.
    OtherMime(String),
    /// So many bytes more than declared follow.
    Larger {
        /// Zero bytes appended.
        by_bytes: usize,
    },
    /// The bytes' URL answers 302 to the same path on this `host:port`.
    RedirectTo(String),
    /// The media object names this `host:port` in its URL.
    UrlOnHost(String),
}

/// The media there are, and the URLs given out for them.
#[derive(Default)]
pub(crate) struct Shelf {
    media: HashMap<String, Medium>,
    urls: HashMap<String, GivenUrl>,
}

struct Medium {
    bytes: Vec<u8>,
    mime: String,
    sha256: [u8; 32],
    uploaded: DateTime<Utc>,
    tamper: Option<Tamper>,
}

struct GivenUrl {
    media: String,
    until: DateTime<Utc>,
}

impl Meta {
    /// Uploads a picture, PDF or sound as a sender would.
    pub fn add_media(&self, bytes: impl Into<Vec<u8>>, mime: &str) -> MediaId {
        let state = &self.vendor().state;
        let (bytes, id) = (bytes.into(), ids::digits());
        let sha256 = Sha256::digest(&bytes).into();
        let (mime, uploaded) = (mime.to_owned(), state.now());
        let medium = Medium { bytes, mime, sha256, uploaded, tamper: None };
        state.memory().shelf.media.insert(id.clone(), medium);
        MediaId(id)
    }

    /// From now on the medium is served like this.
    pub fn tamper(&self, media: &MediaId, tamper: Tamper) {
        if let Some(medium) = self.vendor().state.memory().shelf.media.get_mut(&media.0) {
            medium.tamper = Some(tamper);
        }
    }

    /// Serves the medium as it was uploaded again.
    pub fn restore(&self, media: &MediaId) {
        if let Some(medium) = self.vendor().state.memory().shelf.media.get_mut(&media.0) {
            medium.tamper = None;
        }
    }

    /// A fresh URL for the medium, as recent webhooks carry it inline.
    pub fn url_of(&self, media: &MediaId) -> String {
        let state = &self.vendor().state;
        give_url(state, &mut state.memory().shelf, &media.0)
    }

    /// What was uploaded, and its type.
    pub(crate) fn media_bytes(&self, id: &str) -> Option<(Vec<u8>, String)> {
        let memory = self.vendor().state.memory();
        memory.shelf.media.get(id).map(|it| (it.bytes.clone(), it.mime.clone()))
    }

    /// Mime type and base64 digest, as a webhook declares them.
    pub(crate) fn declared(&self, media: &MediaId) -> (String, String) {
        let memory = self.vendor().state.memory();
        let medium = memory.shelf.media.get(&media.0);
        medium.map_or_else(Default::default, |it| (it.mime.clone(), STANDARD.encode(it.sha256)))
    }
}

/// `GET /{version}/{media-id}`
pub(crate) fn object(state: &State, asked: &Asked<MetaRoute>) -> Answer {
    let id = object_id(asked);
    let number = asked.param("phone_number_id");
    if number.is_some_and(|it| !state.owns_number(&it)) {
        return errors::parameter("The media does not belong to this phone number.");
    }
    let mut memory = state.memory();
    if !is_there(&memory.shelf, id, state.now()) {
        return errors::no_such_object(id);
    }
    let url = give_url(state, &mut memory.shelf, id);
    let medium = &memory.shelf.media[id];
    let file_size = match state.options.file_size {
        FileSize::Number => json!(medium.bytes.len()),
        FileSize::Text => json!(medium.bytes.len().to_string()),
    };
    Answer::json(
        200,
        &json!({
            "messaging_product": "whatsapp",
            "url": url,
            "mime_type": served_mime(medium),
            "sha256": hex::encode(medium.sha256),
            "file_size": file_size,
            "id": id,
        }),
    )
}

/// `DELETE /{version}/{media-id}`
pub(crate) fn delete(state: &State, asked: &Asked<MetaRoute>) -> Answer {
    let id = object_id(asked);
    let mut memory = state.memory();
    if !is_there(&memory.shelf, id, state.now()) {
        return errors::no_such_object(id);
    }
    memory.shelf.media.remove(id);
    Answer::json(200, &json!({ "success": true }))
}

/// `GET` of a URL that was given out.
pub(crate) fn bytes(state: &State, asked: &Asked<MetaRoute>) -> Answer {
    let memory = state.memory();
    let given = asked.param("hash").and_then(|it| memory.shelf.urls.get(&it));
    let given = given.filter(|it| asked.param("mid").as_deref() == Some(it.media.as_str()));
    let valid = given.filter(|it| state.now() < it.until);
    match valid.and_then(|it| memory.shelf.media.get(&it.media)) {
        Some(medium) => serve(medium, asked),
        None if state.options.expired_url_status == 401 => errors::invalid_token(),
        None => errors::of_status(state.options.expired_url_status),
    }
}

fn serve(medium: &Medium, asked: &Asked<MetaRoute>) -> Answer {
    let mut body = medium.bytes.clone();
    match &medium.tamper {
        Some(Tamper::RedirectTo(host)) => {
            let location = format!("http://{host}{}?{}", asked.path, asked.query);
            let answer = Answer { status: 302, headers: Vec::new(), body: Vec::new() };
            return answer.with("location", location);
        }
        Some(Tamper::WrongDigest) => {
            if let Some(last) = body.last_mut() {
                *last ^= 0x55;
            }
        }
        Some(Tamper::Truncated) => body.truncate(medium.bytes.len() / 2),
        Some(Tamper::Larger { by_bytes }) => body.resize(medium.bytes.len() + by_bytes, 0),
        Some(Tamper::OtherMime(_) | Tamper::UrlOnHost(_)) | None => {}
    }
    let headers = vec![("content-type", served_mime(medium))];
    Answer { status: 200, headers, body }
}

fn served_mime(medium: &Medium) -> String {
    match &medium.tamper {
        Some(Tamper::OtherMime(mime)) => mime.clone(),
        _ => medium.mime.clone(),
    }
}

fn is_there(shelf: &Shelf, id: &str, now: DateTime<Utc>) -> bool {
    shelf.media.get(id).is_some_and(|it| now - it.uploaded < ID_LIFE)
}

fn give_url(state: &State, shelf: &mut Shelf, id: &str) -> String {
    let (hash, until) = (format!("AT{}", ids::alphanumeric(43)), state.now() + URL_LIFE);
    let host = match shelf.media.get(id).and_then(|it| it.tamper.as_ref()) {
        Some(Tamper::UrlOnHost(host)) => host.clone(),
        _ => state.address.to_string(),
    };
    let ext = until.timestamp();
    let url =
        format!("http://{host}/whatsapp_business/attachments/?mid={id}&ext={ext}&hash={hash}");
    shelf.urls.insert(hash, GivenUrl { media: id.to_owned(), until });
    url
}
