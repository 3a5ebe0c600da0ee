//! The phone over HTTP: its page, the chat as JSON, and what can be sent. Answers at once; the
//! webhook goes out on its own and is delivered again until it is answered 200, as Meta does for
//! days.

use std::collections::HashMap;
use std::time::Duration;

use actix_web::web::{Bytes, Data, Path, Query, ServiceConfig};
use actix_web::{HttpResponse, rt, web};
use serde_json::{Value, json};

use super::handset::{Content, Medium, MediumKind};
use super::refusal::Refusal;
use super::upload::{self, kind_of, plain_name};
use super::{Phones, chat};
use crate::meta::{Item, Sender};

/// The longest text that WhatsApp sends.
const TEXT_MAX: usize = 4096;

/// Between two deliveries of one webhook: first, and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Path, type and contents of what the page is made of.
const PAGE: [(&str, &str, &str); 6] = [
    ("/", "text/html; charset=utf-8", include_str!("page/index.html")),
    ("/phone.css", "text/css; charset=utf-8", include_str!("page/phone.css")),
    ("/dom.js", "text/javascript; charset=utf-8", include_str!("page/dom.js")),
    ("/phone.js", "text/javascript; charset=utf-8", include_str!("page/phone.js")),
    ("/inside.js", "text/javascript; charset=utf-8", include_str!("page/inside.js")),
    ("/icon.svg", "image/svg+xml", include_str!("page/icon.svg")),
];

type Words = Query<HashMap<String, String>>;

impl Phones {
    /// Adds the page and its endpoints to an application.
    pub fn routes(&self) -> impl FnOnce(&mut ServiceConfig) + use<> {
        let phones = self.clone();
        move |config| {
            for (path, kind, contents) in PAGE {
                let serve =
                    move || async move { HttpResponse::Ok().content_type(kind).body(contents) };
                config.route(path, web::get().to(serve));
            }
            config
                .app_data(Data::new(phones))
                .app_data(web::PayloadConfig::new(upload::MAX_BYTES))
                .route("/api/phones/{number}", web::get().to(show))
                .route("/api/phones/{number}/photo", web::post().to(photo))
                .route("/api/phones/{number}/sample/{name}", web::post().to(sample))
                .route("/api/phones/{number}/text", web::post().to(text))
                .route("/api/phones/{number}/press", web::post().to(press))
                .route("/api/phones/{number}/seen", web::post().to(seen))
                .route("/api/media/{id}", web::get().to(medium))
                .route("/api/samples", web::get().to(samples))
                .route("/api/samples/{name}", web::get().to(sample_bytes));
        }
    }

    fn owner(&self, number: usize) -> Result<Sender, Refusal> {
        self.handset(number, |it| it.owner.clone()).ok_or(Refusal::NoSuchPhone)
    }

    /// Meta's id of the message that is quoted, when one is.
    fn quoted(&self, number: usize, id: Option<&str>) -> Result<Option<String>, Refusal> {
        let Some(id) = id.filter(|it| !it.is_empty()) else { return Ok(None) };
        let found = self.handset(number, |it| chat::wamid_of(&self.all.meta, it, id)).flatten();
        found.map(Some).ok_or(Refusal::NoSuchMessage)
    }

    fn send_medium(
        &self,
        number: usize,
        bytes: &[u8],
        words: &HashMap<String, String>,
    ) -> Result<(), Refusal> {
        let name = plain_name(words.get("name").map(String::as_str));
        let (kind, mime) = kind_of(bytes, &name)?;
        let held: usize = self.handsets().iter().map(super::Handset::size_bytes).sum();
        if held + bytes.len() > upload::ALL_MAX_BYTES {
            return Err(Refusal::Full);
        }
        let (owner, meta) = (self.owner(number)?, &self.all.meta);
        let quoted = self.quoted(number, words.get("quoting").map(String::as_str))?;
        let caption = words.get("caption").filter(|it| !it.trim().is_empty()).cloned();
        let media = meta.add_media(bytes, mime);
        let item = match kind {
            MediumKind::Photo => meta.photo(&owner, &media),
            MediumKind::Document => meta.document(&owner, &media, &name),
        };
        let item = match &caption {
            Some(caption) => item.caption(caption),
            None => item,
        };
        let size_bytes = bytes.len();
        let medium = Medium { media, kind, name, size_bytes, caption };
        self.send(number, item, Content::Medium(medium), quoted);
        Ok(())
    }

    /// Writes it down on the phone, and lets it go.
    fn send(&self, number: usize, item: Item, content: Content, quoted: Option<String>) {
        let (meta, now) = (&self.all.meta, self.all.meta.now());
        let item = match &quoted {
            Some(wamid) => item.quoting(wamid, &self.author(number, wamid)),
            None => item,
        };
        let (wamid, payload) = (item.wamid.clone(), meta.webhook([item.at(now)]));
        self.handset(number, |it| it.write(&wamid, now, content, quoted));
        let phones = self.clone();
        rt::spawn(async move {
            phones.deliver(&payload).await;
            phones.handset(number, |it| it.taken(&wamid));
        });
    }

    /// The number that a message of this chat was sent from.
    fn author(&self, number: usize, wamid: &str) -> String {
        let own = self.handset(number, |it| {
            let is_own = it.letters().iter().any(|letter| letter.wamid == wamid);
            is_own.then(|| it.owner.phone.clone()).flatten()
        });
        own.flatten().unwrap_or_else(|| self.all.meta.options().display_phone_number.clone())
    }

    async fn deliver(&self, payload: &Value) {
        let mut pause = FIRST_PAUSE;
        while !matches!(self.all.meta.deliver(payload).await, Ok(it) if it.status == 200) {
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

/// 200 once it is on its way, or why it is not.
fn answered(sent: Result<(), Refusal>) -> HttpResponse {
    match sent {
        Ok(()) => HttpResponse::Ok().json(json!({})),
        Err(refusal) => refusal.answer(),
    }
}

async fn show(phones: Data<Phones>, number: Path<usize>) -> HttpResponse {
    match phones.handset(*number, |it| chat::chat(&phones.all.meta, it)) {
        Some(mut chat) => {
            chat["phones"] = json!(phones.handsets().len());
            HttpResponse::Ok().json(chat)
        }
        None => Refusal::NoSuchPhone.answer(),
    }
}

async fn photo(
    phones: Data<Phones>,
    number: Path<usize>,
    words: Words,
    body: Result<Bytes, actix_web::Error>,
) -> HttpResponse {
    let body = body.map_err(|_| Refusal::TooLarge);
    answered(body.and_then(|bytes| phones.send_medium(*number, &bytes, &words)))
}

async fn sample(phones: Data<Phones>, path: Path<(usize, String)>, words: Words) -> HttpResponse {
    let (number, name) = path.into_inner();
    let mut words = words.into_inner();
    let found = phones.all.samples.iter().find(|it| it.name == name);
    words.insert("name".to_owned(), name);
    let found = found.ok_or(Refusal::NoSuchSample);
    answered(found.and_then(|it| phones.send_medium(number, it.bytes, &words)))
}

async fn text(phones: Data<Phones>, number: Path<usize>, body: Bytes) -> HttpResponse {
    let write = || {
        let wanted = Refusal::Unreadable("{\"text\": 1 to 4096 letters, \"quoting\"?: an id}");
        let Ok(asked) = serde_json::from_slice::<Value>(&body) else { return Err(wanted) };
        let words = asked["text"].as_str().map(str::trim).unwrap_or_default();
        if words.is_empty() || words.chars().count() > TEXT_MAX {
            return Err(wanted);
        }
        let owner = phones.owner(*number)?;
        let quoted = phones.quoted(*number, asked["quoting"].as_str())?;
        let item = phones.all.meta.text(&owner, words);
        phones.send(*number, item, Content::Text(words.to_owned()), quoted);
        Ok(())
    };
    answered(write())
}

async fn press(phones: Data<Phones>, number: Path<usize>, body: Bytes) -> HttpResponse {
    let press = || {
        let wanted = Refusal::Unreadable("{\"message\": an id, \"button\": an id}");
        let Ok(asked) = serde_json::from_slice::<Value>(&body) else { return Err(wanted) };
        let (owner, meta) = (phones.owner(*number)?, &phones.all.meta);
        let mut sent = chat::answers(meta, &owner).into_iter();
        let on = sent.find(|(id, _)| asked["message"] == **id).ok_or(Refusal::NoSuchMessage)?.1;
        let button = on.buttons.iter().find(|it| asked["button"] == *it.id);
        let button = button.ok_or(Refusal::NoSuchButton)?;
        let item = meta.button_reply(&owner, &on, &button.id);
        let content = Content::Press { button: button.id.clone(), title: button.title.clone() };
        phones.send(*number, item, content, Some(on.wamid.clone()));
        Ok(())
    };
    answered(press())
}

/// The chat is on the screen: Meta tells the business so, once for each answer.
async fn seen(phones: Data<Phones>, number: Path<usize>) -> HttpResponse {
    let Ok(owner) = phones.owner(*number) else { return Refusal::NoSuchPhone.answer() };
    for (_, answer) in chat::answers(&phones.all.meta, &owner) {
        let is_news = phones.handset(*number, |it| it.seen.insert(answer.wamid.clone()));
        if is_news == Some(true) {
            let phones = phones.clone();
            rt::spawn(async move {
                let meta = &phones.all.meta;
                phones.deliver(&meta.webhook([meta.status(&answer, "read")])).await;
            });
        }
    }
    answered(Ok(()))
}

async fn medium(phones: Data<Phones>, id: Path<String>) -> HttpResponse {
    match phones.all.meta.media_bytes(&id) {
        Some((bytes, mime)) if mime.starts_with("image/") => {
            HttpResponse::Ok().content_type(mime).body(bytes)
        }
        Some((bytes, _)) => HttpResponse::Ok()
            .content_type("application/octet-stream")
            .insert_header(("content-disposition", "attachment"))
            .body(bytes),
        None => Refusal::NoSuchMessage.answer(),
    }
}

async fn samples(phones: Data<Phones>) -> HttpResponse {
    let all = phones.all.samples.iter();
    let all: Vec<Value> = all.map(|it| json!({ "name": it.name, "words": it.words })).collect();
    HttpResponse::Ok().json(all)
}

async fn sample_bytes(phones: Data<Phones>, name: Path<String>) -> HttpResponse {
    match phones.all.samples.iter().find(|it| it.name == *name) {
        Some(sample) => HttpResponse::Ok().content_type("image/jpeg").body(sample.bytes),
        None => Refusal::NoSuchSample.answer(),
    }
}
