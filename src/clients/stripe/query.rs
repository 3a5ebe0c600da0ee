//! How a sender is written down at Stripe: metadata, name, and the search for both. Pure.

use std::collections::HashMap;

use super::NewCustomer;
use crate::domain::sender::{Phone, Sender};

/// Digits as Meta writes them; older customers may have a `+` before them.
const PHONE: &str = "whatsapp_phone";
const USER_ID: &str = "whatsapp_user_id";
const PREFIX: &str = "whatsapp_";

/// Stripe's query for everything that the sender is known by: one search instead of up to five, for
/// all searches of an account share 20 a second. Stripe allows ten clauses.
pub(super) fn of_sender(sender: &Sender) -> String {
    let phones = sender.phone().map(Phone::variants).unwrap_or_default();
    let phones = phones.iter().flat_map(|it| {
        let digits = it.as_str();
        [clause(PHONE, digits), clause(PHONE, &format!("+{digits}"))]
    });
    let user_id = sender.user_id().map(|it| clause(USER_ID, it.as_str()));
    phones.chain(user_id).collect::<Vec<_>>().join(" OR ")
}

/// Stripe's query for a number that nobody has.
pub(super) fn of_nobody() -> String {
    clause(PHONE, "0")
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

/// The same, taking away what the sender is not known by any more: Stripe drops a key whose value
/// is empty.
pub(super) fn only_metadata_of(sender: &Sender) -> HashMap<String, String> {
    let nothing = [PHONE, USER_ID].map(|it| (it.to_owned(), String::new()));
    nothing.into_iter().chain(metadata_of(sender)).collect()
}

/// Takes away every key of ours, those of whoever added to them too.
pub(super) fn without_sender(metadata: &HashMap<String, String>) -> HashMap<String, String> {
    let ours = metadata.keys().filter(|it| it.starts_with(PREFIX));
    ours.map(|it| (it.clone(), String::new())).collect()
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

/// Whether `metadata` names the sender by anything that is known of them, in whichever way the
/// number was written down.
pub(super) fn names(metadata: &HashMap<String, String>, sender: &Sender) -> bool {
    let phone = metadata.get(PHONE).and_then(|it| Phone::parse(it.trim()).ok());
    let same_phone =
        sender.phone().is_some_and(|it| phone.is_some_and(|told| told.key() == it.key()));
    let user_id = metadata.get(USER_ID).map(|it| it.trim());
    same_phone || sender.user_id().is_some_and(|it| user_id == Some(it.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::sender::{ProfileName, UserId};

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
    fn both_ways_of_writing_a_number_are_searched_and_recognised() {
        let known = sender(Some("553188887777"), None);
        assert_eq!(
            of_sender(&known),
            "metadata['whatsapp_phone']:'553188887777' OR metadata['whatsapp_phone']:'+553188887777' \
             OR metadata['whatsapp_phone']:'5531988887777' OR metadata['whatsapp_phone']:'+5531988887777'"
        );
        let metadata = HashMap::from([(PHONE.to_owned(), "+5531988887777".to_owned())]);
        assert!(names(&metadata, &known));
        // Written down as Meta wrote it, not as we compare it.
        assert_eq!(metadata_of(&known)[PHONE], "553188887777");
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
