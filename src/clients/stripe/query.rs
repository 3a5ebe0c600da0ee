//! How a sender is written down at Stripe: metadata, name, and the search for both. Pure.

use std::collections::HashMap;

use super::NewCustomer;
use crate::domain::sender::{Phone, Sender, UserId};

/// Digits as Meta writes them; older customers may have a `+` before them.
const PHONE: &str = "whatsapp_phone";
const USER_ID: &str = "whatsapp_user_id";

/// Stripe's query for everything that the sender is known by: one search instead of three, for
/// all searches of an account share 20 a second.
pub(super) fn of_sender(sender: &Sender) -> String {
    let phone = sender.phone().map(Phone::as_str);
    let plain = phone.map(|it| clause(PHONE, it));
    let with_plus = phone.map(|it| clause(PHONE, &format!("+{it}")));
    let user_id = sender.user_id().map(|it| clause(USER_ID, it.as_str()));
    plain.into_iter().chain(with_plus).chain(user_id).collect::<Vec<_>>().join(" OR ")
}

fn clause(key: &str, value: &str) -> String {
    format!("metadata['{key}']:'{}'", escaped(value))
}

/// Keeps a value a value: unescaped, a quote in it would end it and begin a query.
fn escaped(value: &str) -> String {
    value.replace('\\', r"\\").replace('\'', r"\'")
}

pub(super) fn metadata_of(sender: &Sender) -> HashMap<String, String> {
    let phone = sender.phone().map(|it| (PHONE.to_owned(), it.as_str().to_owned()));
    let user_id = sender.user_id().map(|it| (USER_ID.to_owned(), it.as_str().to_owned()));
    phone.into_iter().chain(user_id).collect()
}

pub(super) fn name_of(customer: &NewCustomer) -> String {
    let sender = &customer.sender;
    match (&customer.name, sender.phone(), sender.user_id()) {
        (Some(name), _, _) => name.as_str().to_owned(),
        (None, Some(phone), _) => format!("WhatsApp {}", phone.as_str()),
        (None, None, Some(user_id)) => format!("WhatsApp {}", user_id.as_str()),
        (None, None, None) => "WhatsApp".to_owned(),
    }
}

/// Whether `metadata` names the sender by anything that is known of them.
pub(super) fn names(metadata: &HashMap<String, String>, sender: &Sender) -> bool {
    let phone = metadata.get(PHONE).map(|it| it.trim().trim_start_matches('+'));
    let user_id = metadata.get(USER_ID).map(|it| it.trim());
    let same = |told: Option<&str>, known: Option<&str>| known.is_some() && told == known;
    same(phone, sender.phone().map(Phone::as_str))
        || same(user_id, sender.user_id().map(UserId::as_str))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::sender::ProfileName;

    fn sender(phone: Option<&str>, user_id: Option<&str>) -> Sender {
        let phone = phone.map(|it| Phone::parse(it).unwrap());
        Sender::known_by(phone, user_id.and_then(UserId::parse)).unwrap()
    }

    #[test]
    fn a_sender_is_searched_by_everything_they_are_known_by() {
        assert_eq!(
            of_sender(&sender(Some("420777123456"), None)),
            "metadata['whatsapp_phone']:'420777123456' OR metadata['whatsapp_phone']:'+420777123456'"
        );
        assert_eq!(
            of_sender(&sender(None, Some("CZ.1349"))),
            "metadata['whatsapp_user_id']:'CZ.1349'"
        );
        assert!(
            of_sender(&sender(Some("420777123456"), Some("CZ.1349")))
                .ends_with(" OR metadata['whatsapp_user_id']:'CZ.1349'")
        );
    }

    #[test]
    fn a_value_cannot_leave_its_quotes() {
        assert_eq!(clause("k", r"a' OR email:'b"), r"metadata['k']:'a\' OR email:\'b'");
        assert_eq!(clause("k", r"a\"), r"metadata['k']:'a\\'");
    }

    #[test]
    fn only_metadata_of_the_same_sender_counts() {
        let metadata = |key: &str, value: &str| HashMap::from([(key.to_owned(), value.to_owned())]);
        let known = sender(Some("420777123456"), Some("CZ.1349"));
        assert!(names(&metadata(PHONE, "420777123456"), &known));
        assert!(names(&metadata(PHONE, "+420777123456"), &known));
        assert!(names(&metadata(USER_ID, "CZ.1349"), &known));
        assert!(!names(&metadata(PHONE, "420777123457"), &known));
        assert!(!names(&metadata("phone", "420777123456"), &known));
        assert!(!names(&metadata(USER_ID, "CZ.1349"), &sender(Some("420777123456"), None)));
        assert!(!names(&HashMap::new(), &known));
    }

    #[test]
    fn a_customer_is_named_after_the_profile_or_else_the_number() {
        let named = |phone, user_id, name: Option<&str>| {
            let name = name.and_then(ProfileName::parse);
            name_of(&NewCustomer { sender: sender(phone, user_id), name })
        };
        assert_eq!(named(Some("420777123456"), None, Some("Jana")), "Jana");
        assert_eq!(named(Some("420777123456"), None, None), "WhatsApp 420777123456");
        assert_eq!(named(None, Some("CZ.1349"), None), "WhatsApp CZ.1349");
    }
}
