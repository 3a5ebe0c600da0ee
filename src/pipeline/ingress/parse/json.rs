//! JSON read a level at a time, so that what is broken in one place does not spoil the rest, and
//! each item keeps its own bytes.

use std::borrow::Cow;
use std::collections::HashMap;

use serde_json::Value;
use serde_json::value::RawValue;

/// An object whose values have not been read yet.
pub struct Fields<'a>(HashMap<Cow<'a, str>, &'a RawValue>);

/// The fields of `raw`; `None` when it is no object.
pub fn fields(raw: &RawValue) -> Option<Fields<'_>> {
    serde_json::from_str(raw.get()).ok().map(Fields)
}

/// The elements of `raw`; `None` when it is no list.
pub fn elements(raw: &RawValue) -> Option<Vec<&RawValue>> {
    serde_json::from_str(raw.get()).ok()
}

impl<'a> Fields<'a> {
    /// The field `name`, unread. Null counts as absent.
    pub fn get(&self, name: &str) -> Option<&'a RawValue> {
        self.0.get(name).copied().filter(|it| it.get() != "null")
    }

    /// The fields whose names are not among `known`, by name. Null counts as absent.
    pub fn others(&self, known: &[&str]) -> Vec<(&str, &'a RawValue)> {
        let mut others: Vec<(&str, &'a RawValue)> = self
            .0
            .iter()
            .map(|(name, raw)| (name.as_ref(), *raw))
            .filter(|(name, raw)| !known.contains(name) && raw.get() != "null")
            .collect();
        others.sort_by_key(|(name, _)| *name);
        others
    }

    /// The list `name`; empty when it is absent or no list.
    pub fn list(&self, name: &str) -> Vec<&'a RawValue> {
        self.get(name).and_then(elements).unwrap_or_default()
    }

    /// The object `name`.
    pub fn object(&self, name: &str) -> Option<Fields<'a>> {
        fields(self.get(name)?)
    }

    /// A text or a number, as text: Meta's ids and times are now one, now the other. An empty text
    /// counts as absent, for Meta writes it so.
    pub fn text(&self, name: &str) -> Option<String> {
        let text = match read(self.get(name)?)? {
            Value::String(text) => text,
            Value::Number(number) => number.to_string(),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
        };
        (!text.is_empty()).then_some(text)
    }
}

/// Reads `raw` even where a sender typed half of a surrogate pair, which is no text in Rust.
fn read(raw: &RawValue) -> Option<Value> {
    serde_json::from_str(raw.get())
        .or_else(|_| serde_json::from_str(&without_lone_surrogates(raw.get())))
        .ok()
}

/// Replaces each `\uD800`–`\uDFFF` that is not half of a pair by `\ufffd`.
fn without_lone_surrogates(json: &str) -> String {
    let mut sound = String::with_capacity(json.len());
    let mut rest = json;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        sound.push_str(before);
        let taken = match (unit(escape), escape.get(6..).and_then(unit)) {
            (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => 12,
            (Some(0xD800..=0xDFFF), _) => {
                sound.push_str("\\ufffd");
                rest = &escape[6..];
                continue;
            }
            (Some(_), _) => 6,
            (None, _) => escape.char_indices().nth(2).map_or(escape.len(), |(at, _)| at),
        };
        sound.push_str(&escape[..taken]);
        rest = &escape[taken..];
    }
    sound.push_str(rest);
    sound
}

/// The UTF-16 unit of an escape `\uXXXX` at the start of `text`.
fn unit(text: &str) -> Option<u16> {
    u16::from_str_radix(text.strip_prefix("\\u")?.get(..4)?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_surrogate_pair_does_not_spoil_the_text_around_it() {
        let check = |json: &str, expected: &str| {
            let raw: &RawValue = serde_json::from_str(json).unwrap();
            let object = fields(raw).unwrap();
            assert_eq!(object.text("it").as_deref(), Some(expected), "{json}");
        };
        check(r#"{"it":"a\ud83dz"}"#, "a\u{fffd}z");
        check(r#"{"it":"\ude00\ud83d\ude00"}"#, "\u{fffd}😀");
        check(r#"{"it":"\\ud83d \ud83d\n"}"#, "\\ud83d \u{fffd}\n");
        check(r#"{"it":"plain"}"#, "plain");
        check(r#"{"it":15550953877}"#, "15550953877");
    }
}
