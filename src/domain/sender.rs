//! Who wrote to us: a phone number, a business-scoped user id, or both. Never in a log:
//! `Debug` shows the last two digits of a phone and nothing of a user id or a name.

mod numbering;

use std::fmt;

/// A number as Meta writes it: digits only, country code first.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Phone(String);

/// The text is not a phone number.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a phone number: {length} characters, want 6 to 15 digits with the country code first")]
pub struct NotAPhone {
    length: usize,
}

impl Phone {
    /// Takes 6 to 15 digits (E.164's limits); a leading `+` is dropped, for Meta writes none.
    pub fn parse(text: &str) -> Result<Self, NotAPhone> {
        let digits = text.strip_prefix('+').unwrap_or(text);
        let length = digits.len();
        if !(6..=15).contains(&length) || !digits.bytes().all(|it| it.is_ascii_digit()) {
            return Err(NotAPhone { length });
        }
        Ok(Self(digits.to_owned()))
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What is the same for all variants of one number; for comparing, never for sending. The
    /// column `senders.phone_key` is made by the same rules.
    #[must_use]
    pub fn key(&self) -> Self {
        numbering::with_and_without(&self.0).map_or_else(|| self.clone(), |(key, _)| Self(key))
    }

    /// Every way in which this number may have been written down, this one first. Mobile numbers of
    /// Brazil, Argentina and Mexico have two, all others one.
    pub fn variants(&self) -> Vec<Self> {
        let mut variants = vec![self.clone()];
        if let Some((key, other)) = numbering::with_and_without(&self.0) {
            variants.extend([key, other].into_iter().filter(|it| *it != self.0).map(Self));
        }
        variants
    }
}

/// Shows the last two digits only: a phone in a log is a leak.
impl fmt::Debug for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Phone(…{})", &self.0[self.0.len() - 2..])
    }
}

/// A business-scoped user id (`US.13491208655302741918`): one person as seen by one business
/// portfolio. Present on webhooks since 2026-04, alone where the person hides their number.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UserId(String);

impl UserId {
    /// Takes letters, digits and dots, up to 160 characters (`CC.` or `CC.ENT.` and at most 128).
    pub fn parse(text: &str) -> Option<Self> {
        let safe = |it: u8| it.is_ascii_alphanumeric() || it == b'.';
        let sound = (4..=160).contains(&text.len()) && text.bytes().all(safe) && text.contains('.');
        sound.then(|| Self(text.to_owned()))
    }

    /// As Meta wrote it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserId(…)")
    }
}

/// The name that a sender gave their WhatsApp profile.
#[derive(Clone, PartialEq, Eq)]
pub struct ProfileName(String);

impl ProfileName {
    /// Takes the name without control characters, cut at 200 characters; `None` when nothing is left.
    pub fn parse(text: &str) -> Option<Self> {
        let visible: String = text.chars().filter(|it| !it.is_control()).take(200).collect();
        let name = visible.trim();
        (!name.is_empty()).then(|| Self(name.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ProfileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProfileName(…)")
    }
}

/// The name that a sender goes by in WhatsApp. It may change at any time: nobody is known by it.
#[derive(Clone, PartialEq, Eq)]
pub struct Username(String);

impl Username {
    /// Takes letters, digits, `.` and `_`, up to 100 of them.
    pub fn parse(text: &str) -> Option<Self> {
        let plain = |it: char| it.is_alphanumeric() || matches!(it, '.' | '_');
        let sound = (1..=100).contains(&text.chars().count()) && text.chars().all(plain);
        sound.then(|| Self(text.to_owned()))
    }

    /// As it is written, without `@`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Username(…)")
    }
}

/// What Meta tells of a sender besides who they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// The same person as other portfolios of the same business see them.
    pub parent_user_id: Option<UserId>,
    /// What they go by.
    pub username: Option<Username>,
}

/// Who wrote, by what Meta told of them: at least one of the two is there.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Sender {
    phone: Option<Phone>,
    user_id: Option<UserId>,
}

impl Sender {
    /// `None` when neither is known: then there is nobody to answer.
    pub fn known_by(phone: Option<Phone>, user_id: Option<UserId>) -> Option<Self> {
        (phone.is_some() || user_id.is_some()).then_some(Self { phone, user_id })
    }

    /// The same person with what `other` tells of them besides.
    #[must_use]
    pub fn completed_by(&self, other: &Self) -> Self {
        Self {
            phone: self.phone.clone().or_else(|| other.phone.clone()),
            user_id: self.user_id.clone().or_else(|| other.user_id.clone()),
        }
    }

    /// The number, where the sender shows it.
    pub fn phone(&self) -> Option<&Phone> {
        self.phone.as_ref()
    }

    /// The business-scoped id, where Meta sent it.
    pub fn user_id(&self) -> Option<&UserId> {
        self.user_id.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phone_is_digits_with_the_country_code_first() {
        assert_eq!(Phone::parse("420777123456").unwrap().as_str(), "420777123456");
        assert_eq!(Phone::parse("+420777123456").unwrap().as_str(), "420777123456");
        for bad in ["", "PHONE_NUMBER", "12345", "1234567890123456", "0042 777 123", "+"] {
            assert!(Phone::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_known_of_a_sender_is_completed_and_never_replaced() {
        let sender = |phone: Option<&str>, id: Option<&str>| {
            let phone = phone.map(|it| Phone::parse(it).unwrap());
            Sender::known_by(phone, id.and_then(UserId::parse)).unwrap()
        };
        let whole = sender(Some("420777123456"), Some("CZ.1349"));
        assert_eq!(sender(Some("420777123456"), None).completed_by(&whole), whole);
        assert_eq!(whole.completed_by(&sender(Some("420777123457"), Some("CZ.1"))), whole);
    }

    #[test]
    fn nothing_of_a_sender_shows_in_a_log() {
        let sender = Sender::known_by(
            Phone::parse("420777123456").ok(),
            UserId::parse("CZ.13491208655302741918"),
        );
        assert_eq!(
            format!("{sender:?}"),
            "Some(Sender { phone: Some(Phone(…56)), user_id: Some(UserId(…)) })"
        );
        assert_eq!(format!("{:?}", ProfileName::parse("Jana\u{0}").unwrap()), "ProfileName(…)");
    }

    #[test]
    fn a_sender_known_by_nothing_is_nobody() {
        assert_eq!(Sender::known_by(None, None), None);
    }
}
