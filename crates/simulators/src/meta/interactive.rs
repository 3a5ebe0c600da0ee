//! Interactive messages, as strictly as Meta's schema has them: reply buttons in full, the other
//! kinds by their outline.

use serde_json::{Map, Value};

use super::errors;
use crate::answer::Answer;

/// A button under a message. `Debug` shows its id only.
#[derive(Clone, PartialEq, Eq)]
pub struct SentButton {
    /// What comes back when it is pressed.
    pub id: String,
    /// What stands on it.
    pub title: String,
}

impl std::fmt::Debug for SentButton {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SentButton({})", self.id)
    }
}

/// Takes the object under `interactive`, or refuses it as Meta would.
pub(crate) fn check(content: &Value) -> Result<(), Answer> {
    let kind = content["type"].as_str().unwrap_or_default();
    if kind.is_empty() || content["action"].is_null() {
        return Err(errors::parameter("The parameter interactive is required or incomplete."));
    }
    if kind != "button" {
        return Ok(());
    }
    only(content, &["type", "header", "body", "footer", "action"], "interactive")?;
    text(&content["body"]["text"], 1024, "interactive['body']['text']")?;
    check_buttons(&content["action"])
}

/// The reply buttons of a message that [`check`] took.
pub(crate) fn buttons(content: &Value) -> Vec<SentButton> {
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let listed = content["action"]["buttons"].as_array().into_iter().flatten();
    listed
        .map(|it| &it["reply"])
        .map(|it| SentButton { id: word(&it["id"]), title: word(&it["title"]) })
        .collect()
}

fn check_buttons(action: &Value) -> Result<(), Answer> {
    only(action, &["buttons"], "interactive['action']")?;
    let listed = action["buttons"].as_array().map_or(&[][..], Vec::as_slice);
    if !(1..=3).contains(&listed.len()) {
        return Err(errors::parameter("Param interactive['action']['buttons'] must have 1 to 3."));
    }
    let (mut ids, mut titles) = (Vec::new(), Vec::new());
    for button in listed {
        only(button, &["type", "reply"], "button")?;
        only(&button["reply"], &["id", "title"], "button['reply']")?;
        if button["type"] != "reply" {
            return Err(errors::parameter("Param button['type'] must be one of {REPLY}."));
        }
        let id = text(&button["reply"]["id"], 256, "button['reply']['id']")?;
        if id.trim() != id {
            return Err(errors::parameter("A button's id must not begin or end with a space."));
        }
        ids.push(id);
        titles.push(text(&button["reply"]["title"], 20, "button['reply']['title']")?);
    }
    for said in [&mut ids, &mut titles] {
        let all = said.len();
        said.sort_unstable();
        said.dedup();
        if said.len() < all {
            return Err(errors::parameter("Buttons must have ids and titles of their own."));
        }
    }
    Ok(())
}

fn text<'a>(value: &'a Value, most: usize, name: &str) -> Result<&'a str, Answer> {
    match value.as_str() {
        None | Some("") => Err(errors::parameter(&format!("The parameter {name} is required."))),
        Some(text) if text.chars().count() > most => {
            let details = format!("Param {name} must be at most {most} characters long.");
            Err(errors::parameter(&details))
        }
        Some(text) => Ok(text),
    }
}

fn only(object: &Value, keys: &[&str], name: &str) -> Result<(), Answer> {
    let unknown = object.as_object().into_iter().flat_map(Map::keys);
    match unknown.into_iter().find(|it| !keys.contains(&it.as_str())) {
        None => Ok(()),
        Some(key) => {
            Err(errors::parameter(&format!("Unexpected key \"{key}\" on param \"{name}\".")))
        }
    }
}
