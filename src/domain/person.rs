//! One person by everything that they are and were known by, and which bytes name them: for
//! `paragon forget`. Numbers are found as digits, user ids as they are written, both also inside the
//! base64 of a wamid. A number that somebody wrote with blanks between its digits is not found.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use chrono::{DateTime, Utc};
use serde_json::Value;

use super::sender::{Phone, Sender, UserId};

/// A number, and when it was theirs: people change their number, and it is given to somebody else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldNumber {
    /// The number, in one of its ways of writing.
    pub phone: Phone,
    /// Theirs after that; `None`: as far back as anybody knows.
    pub since: Option<DateTime<Utc>>,
    /// Theirs up to then; `None`: it still is.
    pub until: Option<DateTime<Utc>>,
}

impl HeldNumber {
    /// Whether it was theirs at `at`.
    pub fn is_theirs_at(&self, at: DateTime<Utc>) -> bool {
        self.since.is_none_or(|since| since < at) && self.until.is_none_or(|until| at <= until)
    }
}

/// Everything that one person is and was known by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Person {
    /// Their numbers, each once.
    pub numbers: Vec<HeldNumber>,
    /// Their business-scoped user ids: nobody else ever gets one of them.
    pub user_ids: Vec<UserId>,
}

impl Person {
    /// Everything that they are known by, each alone, for asking others about them.
    pub fn is_now(&self) -> Vec<Sender> {
        let numbers = self.numbers.iter().filter(|it| it.until.is_none());
        self.senders_of(numbers)
    }

    /// The same with the numbers that they had before: they may be somebody else's.
    pub fn was_ever(&self) -> Vec<Sender> {
        self.senders_of(self.numbers.iter())
    }

    fn senders_of<'a>(&self, numbers: impl Iterator<Item = &'a HeldNumber>) -> Vec<Sender> {
        let phones = numbers.map(|it| (Some(it.phone.clone()), None));
        let user_ids = self.user_ids.iter().map(|it| (None, Some(it.clone())));
        phones.chain(user_ids).filter_map(|(phone, id)| Sender::known_by(phone, id)).collect()
    }

    /// Whether `name`, told at `at`, is one of theirs.
    pub fn is(&self, name: &Name, at: DateTime<Utc>) -> bool {
        match name {
            Name::Phone(phone) => {
                let key = phone.key();
                self.numbers.iter().any(|it| it.phone.key() == key && it.is_theirs_at(at))
            }
            Name::UserId(id) => self.user_ids.contains(id),
        }
    }

    /// Whether `raw`, told at `at`, names them.
    pub fn is_named_in(&self, raw: &[u8], at: DateTime<Utc>) -> bool {
        names_in(raw).iter().any(|it| self.is(it, at))
    }

    /// Bytes of which some stand wherever they are named, and now and then elsewhere: to look for
    /// candidates by.
    pub fn needles(&self) -> Vec<Vec<u8>> {
        let phones = self.numbers.iter().flat_map(|it| it.phone.variants());
        let phones = phones.flat_map(|it| {
            let digits = it.as_str().as_bytes().to_vec();
            (0..3)
                .map(|shift| in_base64(&digits, shift))
                .chain([digits.clone()])
                .collect::<Vec<_>>()
        });
        let ids = self.user_ids.iter().flat_map(|it| {
            let id = it.as_str().as_bytes().to_vec();
            (0..3).map(|shift| in_base64(&id, shift)).chain([id.clone()]).collect::<Vec<_>>()
        });
        phones.chain(ids).collect()
    }

    /// The JSON `body` without what names them: of each list the elements that do, the innermost
    /// ones. `None` when nothing else is in it, it names them outside of any list, or it is no JSON.
    pub fn taken_out_of(&self, body: &[u8], at: DateTime<Utc>) -> Option<Vec<u8>> {
        let mut body: Value = serde_json::from_slice(body).ok()?;
        self.take_out_of(&mut body, at);
        let rest = serde_json::to_vec(&body).ok()?;
        (!is_hollow(&body) && !self.is_named_in(&rest, at)).then_some(rest)
    }

    /// Whether anything was taken out.
    fn take_out_of(&self, value: &mut Value, at: DateTime<Utc>) -> bool {
        match value {
            Value::Array(elements) => {
                let before = elements.len();
                elements.retain_mut(|it| {
                    let was_in_it = self.take_out_of(it, at);
                    let is_left = !(was_in_it && is_hollow(it));
                    is_left && !self.is_named_in(it.to_string().as_bytes(), at)
                });
                // What is hollow now had something taken out.
                elements.len() < before
            }
            Value::Object(fields) => {
                // Every one, also after the first.
                fields.values_mut().filter_map(|it| self.take_out_of(it, at).then_some(())).count()
                    > 0
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
        }
    }
}

/// Whether no list in `value` has anything in it.
fn is_hollow(value: &Value) -> bool {
    match value {
        Value::Array(elements) => elements.is_empty(),
        Value::Object(fields) => fields.values().all(is_hollow),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    }
}

/// What may be somebody's name in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Name {
    /// Digits that can be a number.
    Phone(Phone),
    /// Letters and digits that can be a user id.
    UserId(UserId),
}

impl Name {
    /// What the same person's name always is: of a number its one way of writing.
    pub fn identity(&self) -> String {
        match self {
            Self::Phone(phone) => phone.key().as_str().to_owned(),
            Self::UserId(id) => id.as_str().to_owned(),
        }
    }

    /// All that `sender` is known by.
    pub fn of(sender: &Sender) -> Vec<Self> {
        let phone = sender.phone().cloned().map(Self::Phone);
        phone.into_iter().chain(sender.user_id().cloned().map(Self::UserId)).collect()
    }
}

/// Everything in `raw` that may name somebody, wamids unpacked.
pub fn names_in(raw: &[u8]) -> Vec<Name> {
    let mut names = plain_names_in(raw);
    for wamid in wamids_in(raw) {
        names.extend(plain_names_in(&wamid));
    }
    names
}

fn plain_names_in(raw: &[u8]) -> Vec<Name> {
    let digits = words(raw, |it| it.is_ascii_digit());
    let phones = digits.filter_map(|it| Phone::parse(it).ok()).map(Name::Phone);
    let ids = words(raw, |it| it.is_ascii_alphanumeric() || it == b'.');
    phones.chain(ids.filter_map(UserId::parse).map(Name::UserId)).collect()
}

/// The longest stretches of bytes that `belong`.
fn words(raw: &[u8], belongs: impl Fn(u8) -> bool) -> impl Iterator<Item = &str> {
    let stretches = raw.split(move |it| !belongs(*it)).filter(|it| !it.is_empty());
    stretches.filter_map(|it| std::str::from_utf8(it).ok())
}

/// What each wamid in `raw` holds: base64 after `wamid.`, in JSON perhaps with `\/` for `/`.
fn wamids_in(raw: &[u8]) -> Vec<Vec<u8>> {
    const MARK: &[u8] = b"wamid.";
    let tolerant = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    let base64 = GeneralPurpose::new(&STANDARD, tolerant);
    let mut held = Vec::new();
    let starts = raw.windows(MARK.len()).enumerate().filter(|(_, it)| *it == MARK);
    for (at, _) in starts {
        let rest = raw[at + MARK.len()..].iter().copied().filter(|it| *it != b'\\');
        let belongs = |it: &u8| it.is_ascii_alphanumeric() || matches!(it, b'+' | b'/');
        let mut text: Vec<u8> = rest.take_while(belongs).collect();
        // One character alone is less than a byte.
        if text.len() % 4 == 1 {
            text.pop();
        }
        held.extend(base64.decode(text));
    }
    held
}

/// How `bytes` stand in base64 after `shift` bytes of something else, without the characters that
/// their neighbours share.
fn in_base64(bytes: &[u8], shift: usize) -> Vec<u8> {
    let shifted: Vec<u8> = std::iter::repeat_n(0, shift).chain(bytes.iter().copied()).collect();
    let text = base64::engine::general_purpose::STANDARD_NO_PAD.encode(&shifted);
    let (first, last) = ((shift * 8).div_ceil(6), shifted.len() * 8 / 6);
    text.into_bytes()[first..last].to_vec()
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD as BASE64;

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn number(phone: &str) -> HeldNumber {
        HeldNumber { phone: Phone::parse(phone).unwrap(), since: None, until: None }
    }

    fn jana() -> Person {
        let user_ids = vec![UserId::parse("CZ.13491208655302741918").unwrap()];
        Person { numbers: vec![number("420777123456")], user_ids }
    }

    fn wamid(before: &[u8]) -> String {
        let held = [before, b"420777123456", &[0x15, 0x02, 0x00][..]].concat();
        format!("wamid.{}", BASE64.encode(held))
    }

    #[test]
    fn a_person_is_found_by_every_name_and_nobody_else_is() {
        let now = at("2026-11-26T10:00:00Z");
        let check = |text: &str, expected: bool| {
            assert_eq!(jana().is_named_in(text.as_bytes(), now), expected, "{text}");
            let near = jana().needles().iter().any(|needle| {
                text.as_bytes().windows(needle.len()).any(|it| it == needle.as_slice())
            });
            assert!(near || !expected, "no needle in {text}");
        };
        check(r#"{"from":"420777123456"}"#, true);
        check(r#"{"from":"+420777123456"}"#, true);
        check(r#"{"user":"CZ.13491208655302741918"}"#, true);
        for before in [&[0x1c, 0x18, 0x0c][..], &[0x1c, 0x18], &[0x1c]] {
            check(&format!(r#"{{"id":"{}"}}"#, wamid(before)), true);
        }
        check(r#"{"from":"1420777123456"}"#, false);
        check(r#"{"from":"420777123457"}"#, false);
        check(r#"{"user":"CZ.1349120865530274191"}"#, false);
        check(r#"{"id":"wamid.A"}"#, false);
    }

    #[test]
    fn a_number_is_theirs_in_both_ways_of_writing_and_in_its_time_only() {
        let mut person = Person { numbers: vec![number("5531988887777")], user_ids: vec![] };
        let now = at("2026-11-26T10:00:00Z");
        assert!(person.is_named_in(b"553188887777", now));
        person.numbers[0].until = Some(at("2026-10-31T23:59:59Z"));
        assert!(!person.is_named_in(b"553188887777", now));
        assert!(person.is_named_in(b"553188887777", at("2026-10-31T23:59:59Z")));
    }

    #[test]
    fn what_names_them_is_taken_out_of_a_batch_and_the_rest_stays() {
        let now = at("2026-11-26T10:00:00Z");
        let body = br#"{"entry":[{"id":"1","changes":[{"value":{"messages":[
            {"from":"420777123456","id":"a"},{"from":"420608111222","id":"b"}],
            "contacts":[{"wa_id":"420777123456"}]}}]}]}"#;
        let rest = jana().taken_out_of(body, now).unwrap();
        let rest: Value = serde_json::from_slice(&rest).unwrap();
        let value = &rest["entry"][0]["changes"][0]["value"];
        assert_eq!(value["messages"].as_array().unwrap().len(), 1);
        assert_eq!(value["messages"][0]["id"], "b");
        assert_eq!(value["contacts"], serde_json::json!([]));
        let only_hers =
            br#"{"entry":[{"changes":[{"value":{"messages":[{"from":"420777123456"}]}}]}]}"#;
        assert_eq!(jana().taken_out_of(only_hers, now), None);
        assert_eq!(jana().taken_out_of(b"420777123456, no JSON", now), None);
        assert_eq!(jana().taken_out_of(br#"{"from":"420777123456"}"#, now), None);
    }
}
