//! The chat as the page shows it: both sides in the order in which they were sent. Ticks mean what
//! they mean on a phone: one grey, Meta has it; two grey, the business has it (its webhook was
//! answered 200); two blue, the business marked it as read.

use std::collections::HashMap;

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::handset::{Content, Handset, Letter, MediumKind};
use crate::meta::{Mark, Meta, Sender, Sent, Typing};

/// Meta ends a typing indicator after this.
const TYPING_LASTS: TimeDelta = TimeDelta::seconds(25);

/// Everything that is on the screen.
pub(super) fn chat(meta: &Meta, handset: &Handset) -> Value {
    let (sent, marks) = (answers(meta, &handset.owner), meta.marks());
    let titles = titles(handset.letters(), &sent);
    let mut lines = Vec::new();
    for letter in handset.letters() {
        lines.push((letter.at, mine(letter, &marks, &titles)));
    }
    for (id, answer) in &sent {
        lines.push((answer.at, theirs(id, answer, handset.letters(), &titles)));
    }
    lines.sort_by_key(|(at, _)| *at);
    let messages: Vec<Value> = lines.into_iter().map(|(_, line)| line).collect();
    json!({
        "owner": { "name": handset.owner.name, "number": number_of(&handset.owner) },
        "business": { "number": format!("+{}", meta.options().display_phone_number) },
        "typing": is_typing(meta, handset.letters(), &marks, &sent),
        "messages": messages,
        "tally": tally(handset.letters(), &sent),
    })
}

/// What was sent to `owner`, with the page's names for it.
pub(super) fn answers(meta: &Meta, owner: &Sender) -> Vec<(String, Sent)> {
    let user = owner.phone.as_deref().or(owner.user_id.as_deref());
    let all = meta.sent().into_iter().enumerate();
    let theirs = all.filter(|(_, it)| Some(it.user().as_str()) == user);
    theirs.map(|(number, it)| (format!("theirs-{number}"), it)).collect()
}

/// Meta's id of a message that the page names.
pub(super) fn wamid_of(meta: &Meta, handset: &Handset, id: &str) -> Option<String> {
    let letter = handset.letters().iter().find(|it| it.id == id).map(|it| it.wamid.clone());
    letter.or_else(|| {
        let mut sent = answers(meta, &handset.owner).into_iter();
        sent.find(|(it, _)| it == id).map(|(_, it)| it.wamid)
    })
}

/// What the template or text says.
pub(super) fn words_of(answer: &Sent) -> String {
    match (&answer.text, &answer.template) {
        (Some(text), _) => text.clone(),
        (None, Some(template)) => template.parameters.join("\n"),
        (None, None) => String::new(),
    }
}

fn number_of(owner: &Sender) -> String {
    owner.phone.as_ref().map_or_else(String::new, |it| format!("+{it}"))
}

/// Page's name and title of every message, by Meta's id.
fn titles(letters: &[Letter], sent: &[(String, Sent)]) -> HashMap<String, Value> {
    let quote = |id: &str, title: &str, from: &str| {
        let title: String = title.lines().next().unwrap_or_default().chars().take(80).collect();
        json!({ "id": id, "title": title, "from": from })
    };
    let ours = letters.iter().map(|it| {
        let mut shown = quote(&it.id, it.title(), "You");
        if let Content::Medium(medium) = &it.content
            && medium.kind == MediumKind::Photo
        {
            shown["photo"] = json!(media_path(medium.media.as_str()));
        }
        (it.wamid.clone(), shown)
    });
    let theirs =
        sent.iter().map(|(id, it)| (it.wamid.clone(), quote(id, &words_of(it), "Receipts")));
    ours.chain(theirs).collect()
}

fn media_path(id: &str) -> String {
    format!("/api/media/{id}")
}

fn mine(letter: &Letter, marks: &[Mark], titles: &HashMap<String, Value>) -> Value {
    let is_read = marks.iter().any(|it| it.message_id == letter.wamid);
    let tick = match (is_read, letter.taken) {
        (true, _) => "read",
        (false, true) => "delivered",
        (false, false) => "sent",
    };
    let mut line = json!({ "id": letter.id, "mine": true, "at": letter.at, "tick": tick });
    match &letter.content {
        Content::Medium(medium) => {
            line["media"] = json!(media_path(medium.media.as_str()));
            line["kind"] = json!(match medium.kind {
                MediumKind::Photo => "photo",
                MediumKind::Document => "document",
            });
            line["name"] = json!(medium.name);
            line["size_bytes"] = json!(medium.size_bytes);
            line["text"] = json!(medium.caption);
        }
        Content::Text(words) => line["text"] = json!(words),
        Content::Press { title, .. } => line["text"] = json!(title),
    }
    if let Some(quoted) = &letter.quoted {
        line["quotes"] = json!(titles.get(quoted));
    }
    line
}

fn theirs(id: &str, answer: &Sent, letters: &[Letter], titles: &HashMap<String, Value>) -> Value {
    let buttons: Vec<Value> =
        answer.buttons.iter().map(|it| json!({ "id": it.id, "title": it.title })).collect();
    let presses = letters.iter().filter(|it| it.quoted.as_ref() == Some(&answer.wamid));
    let pressed = presses.into_iter().find_map(|it| match &it.content {
        Content::Press { button, .. } => Some(button),
        Content::Medium(_) | Content::Text(_) => None,
    });
    json!({
        "id": id,
        "mine": false,
        "at": answer.at,
        "text": words_of(answer),
        "template": answer.template.as_ref().map(|it| &it.name),
        "quotes": answer.quoted.as_ref().and_then(|it| titles.get(it)),
        "buttons": buttons,
        "pressed": pressed,
    })
}

/// Whether the business said that it types, and has neither answered since nor been silent for
/// long.
fn is_typing(meta: &Meta, letters: &[Letter], marks: &[Mark], sent: &[(String, Sent)]) -> bool {
    let to_this_phone = |it: &&Mark| letters.iter().any(|letter| letter.wamid == it.message_id);
    let typing = marks.iter().filter(|it| it.typing == Typing::Yes).filter(to_this_phone);
    let Some(since) = typing.map(|it| it.at).max() else { return false };
    let answered = sent.iter().any(|(_, it)| it.at >= since);
    !answered && meta.now() - since < TYPING_LASTS
}

/// Photos and documents: sent, taken into custody, answered, and those to which the same was said
/// twice.
fn tally(letters: &[Letter], sent: &[(String, Sent)]) -> Value {
    let media: Vec<&Letter> = letters.iter().filter(|it| it.is_medium()).collect();
    let answers_to = |letter: &Letter| -> Vec<String> {
        let quoting = sent.iter().filter(|(_, it)| it.quoted.as_ref() == Some(&letter.wamid));
        quoting.map(|(_, it)| words_of(it)).collect()
    };
    let is_told_twice = |it: &&&Letter| {
        let mut words = answers_to(it);
        let all = words.len();
        words.sort_unstable();
        words.dedup();
        words.len() < all
    };
    json!({
        "sent": media.len(),
        "taken": media.iter().filter(|it| it.taken).count(),
        "answered": media.iter().filter(|it| !answers_to(it).is_empty()).count(),
        "twice": media.iter().filter(is_told_twice).count(),
    })
}
