//! A person as operators name them on the command line.

use crate::domain::sender::{Phone, Sender, UserId};

/// Reads a phone, with blanks and dashes as people write them, or a user id.
pub fn somebody(text: &str) -> Result<Sender, &'static str> {
    let digits: String =
        text.chars().filter(|it| !matches!(it, ' ' | '-' | '(' | ')' | '/')).collect();
    let phone = Phone::parse(&digits).ok();
    let user_id = if phone.is_none() { UserId::parse(text) } else { None };
    Sender::known_by(phone, user_id)
        .ok_or("want a phone with its country code, digits only, such as 420777123456")
}
