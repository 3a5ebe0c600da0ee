//! Whatever is signed is read without harm, and nothing of it is lost.

use proptest::prelude::*;

use super::{change, entries, entry, items, raw};
use crate::domain::inbound::Item;

/// JSON of any shape in which the words occur that we look for.
fn json() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        Just("id"),
        Just("type"),
        Just("from"),
        Just("image"),
        Just("text"),
        Just("body"),
        Just("status"),
        Just("timestamp"),
        Just("errors"),
        Just("context"),
        Just("sha256"),
        Just("url"),
        Just("contacts"),
        Just("messages"),
        Just("statuses"),
        Just("metadata"),
        Just("sent"),
        Just("wa_id"),
        Just("user_id"),
        Just("button"),
        Just("payload"),
    ];
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        any::<i64>().prop_map(|it| it.to_string()),
        any::<f64>()
            .prop_filter("JSON has none", |it| it.is_finite())
            .prop_map(|it| it.to_string()),
        Just(r#""\u0000""#.to_owned()),
        Just(r#""a\ud83dz""#.to_owned()),
        Just(r#""420777123456""#.to_owned()),
        word.clone().prop_map(|it| format!("\"{it}\"")),
        any::<String>().prop_map(|it| serde_json::Value::from(it).to_string()),
    ];
    leaf.prop_recursive(4, 40, 6, move |inner| {
        let list = proptest::collection::vec(inner.clone(), 0..5);
        let object = proptest::collection::vec((word.clone(), inner), 0..6);
        prop_oneof![
            list.prop_map(|it| format!("[{}]", it.join(","))),
            object.prop_map(|it| {
                let fields: Vec<String> = it.iter().map(|(k, v)| format!("\"{k}\": {v}")).collect();
                format!("{{{}}}", fields.join(" ,"))
            }),
        ]
    })
}

/// Each item of `body` keeps bytes of it, and there is at least one.
fn nothing_is_lost(body: &[u8]) -> Vec<Item> {
    let items = items(body);
    assert!(!items.is_empty());
    for raw in items.iter().filter_map(raw) {
        assert!(raw.is_empty() || body.windows(raw.len()).any(|it| it == raw));
    }
    items
}

proptest! {
    #[test]
    fn any_bytes_are_at_least_one_item(body in proptest::collection::vec(any::<u8>(), 0..400)) {
        nothing_is_lost(&body);
    }

    #[test]
    fn any_json_is_at_least_one_item(body in json()) {
        nothing_is_lost(body.as_bytes());
        nothing_is_lost(entries(&body).as_bytes());
    }

    #[test]
    fn every_message_and_every_status_of_any_shape_is_an_item(
        messages in proptest::collection::vec(json(), 0..4),
        statuses in proptest::collection::vec(json(), 0..4),
        contacts in json(),
    ) {
        let value = format!(
            r#""contacts":{contacts},"messages":[{}],"statuses":[{}]"#,
            messages.join(","),
            statuses.join(","),
        );
        let body = entries(&format!("[{}]", entry(&[&change(&value)])));
        let items = nothing_is_lost(body.as_bytes());
        prop_assert_eq!(items.len(), (messages.len() + statuses.len()).max(1));
    }
}
