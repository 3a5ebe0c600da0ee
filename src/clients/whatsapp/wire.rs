//! The bodies of `POST /{phone-number-id}/messages`, as Meta's schema has them. Not seen outside
//! of this client.

use serde::{Deserialize, Serialize};

use super::{Button, Envelope, Template};
use crate::domain::ids::Wamid;
use crate::domain::sender::{Phone, UserId};

#[derive(Serialize)]
pub(super) struct Message<'a> {
    messaging_product: &'static str,
    recipient_type: &'static str,
    /// A phone; absent where only the business-scoped id is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<&'a str>,
    /// A business-scoped id, in place of `to`.
    #[serde(skip_serializing_if = "Option::is_none")]
    recipient: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<Context<'a>>,
    biz_opaque_callback_data: String,
    #[serde(flatten)]
    content: Content<'a>,
}

#[derive(Serialize)]
struct Context<'a> {
    message_id: &'a str,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Content<'a> {
    Text { text: Text<'a> },
    Interactive { interactive: Interactive<'a> },
    Template { template: TemplateObject<'a> },
}

#[derive(Serialize)]
struct Text<'a> {
    body: &'a str,
    preview_url: bool,
}

#[derive(Serialize)]
struct Interactive<'a> {
    r#type: &'static str,
    body: BodyObject<'a>,
    action: Action<'a>,
}

#[derive(Serialize)]
struct BodyObject<'a> {
    text: &'a str,
}

#[derive(Serialize)]
struct Action<'a> {
    buttons: Vec<ReplyButton<'a>>,
}

#[derive(Serialize)]
struct ReplyButton<'a> {
    r#type: &'static str,
    reply: ReplyObject<'a>,
}

#[derive(Serialize)]
struct ReplyObject<'a> {
    id: &'a str,
    title: &'a str,
}

#[derive(Serialize)]
struct TemplateObject<'a> {
    name: &'a str,
    language: LanguageObject,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    components: Vec<Component>,
}

#[derive(Serialize)]
struct LanguageObject {
    policy: &'static str,
    code: &'static str,
}

#[derive(Serialize)]
struct Component {
    r#type: &'static str,
    parameters: Vec<Parameter>,
}

#[derive(Serialize)]
struct Parameter {
    r#type: &'static str,
    text: String,
}

pub(super) fn text<'a>(envelope: &Envelope<'a>, body: &'a str) -> Message<'a> {
    addressed(envelope, Content::Text { text: Text { body, preview_url: false } })
}

pub(super) fn buttons<'a>(
    envelope: &Envelope<'a>,
    body: &'a str,
    buttons: &[Button<'a>],
) -> Message<'a> {
    let reply = |it: &Button<'a>| ReplyObject { id: it.id, title: it.title };
    let buttons =
        buttons.iter().map(|it| ReplyButton { r#type: "reply", reply: reply(it) }).collect();
    let interactive = Interactive {
        r#type: "button",
        body: BodyObject { text: body },
        action: Action { buttons },
    };
    addressed(envelope, Content::Interactive { interactive })
}

pub(super) fn template<'a>(envelope: &Envelope<'a>, template: &Template<'a>) -> Message<'a> {
    let body = (!template.body.is_empty()).then(|| Component {
        r#type: "body",
        parameters: template.body.iter().map(|it| parameter(it)).collect(),
    });
    let template = TemplateObject {
        name: template.name,
        language: LanguageObject { policy: "deterministic", code: template.language.code() },
        components: body.into_iter().collect(),
    };
    addressed(envelope, Content::Template { template })
}

fn parameter(value: &str) -> Parameter {
    let flat = value.split_whitespace().collect::<Vec<_>>().join(" ");
    Parameter { r#type: "text", text: if flat.is_empty() { "–".to_owned() } else { flat } }
}

fn addressed<'a>(envelope: &Envelope<'a>, content: Content<'a>) -> Message<'a> {
    let to = envelope.to.phone().map(Phone::as_str);
    let user_id = envelope.to.user_id().map(UserId::as_str);
    Message {
        messaging_product: "whatsapp",
        recipient_type: "individual",
        to,
        recipient: if to.is_none() { user_id } else { None },
        context: envelope.quoting.map(|it| Context { message_id: it.as_str() }),
        biz_opaque_callback_data: envelope.attempt.to_string(),
        content,
    }
}

#[derive(Serialize)]
pub(super) struct MarkRead<'a> {
    messaging_product: &'static str,
    status: &'static str,
    message_id: &'a str,
    typing_indicator: Typing,
}

#[derive(Serialize)]
struct Typing {
    r#type: &'static str,
}

pub(super) fn mark_read(message: &Wamid) -> MarkRead<'_> {
    MarkRead {
        messaging_product: "whatsapp",
        status: "read",
        message_id: message.as_str(),
        typing_indicator: Typing { r#type: "text" },
    }
}

#[derive(Deserialize)]
pub(super) struct Sent {
    messages: Vec<SentMessage>,
}

#[derive(Deserialize)]
struct SentMessage {
    id: String,
}

impl Sent {
    pub fn wamid(&self) -> Option<Wamid> {
        Wamid::parse(&self.messages.first()?.id)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::ids::{AttemptId, PhoneNumberId};
    use crate::domain::language::Language;
    use crate::domain::sender::Sender;

    fn sender(phone: Option<&str>, user_id: Option<&str>) -> Sender {
        let phone = phone.map(|it| Phone::parse(it).unwrap());
        Sender::known_by(phone, user_id.and_then(UserId::parse)).unwrap()
    }

    fn check(
        to: &Sender,
        content: impl FnOnce(&Envelope<'_>) -> serde_json::Value,
        expected: &serde_json::Value,
    ) {
        let from = PhoneNumberId::parse("106540352242922").unwrap();
        let quoted = Wamid::parse("wamid.QUOTED").unwrap();
        let attempt = AttemptId(uuid::Uuid::from_u128(7));
        let envelope = Envelope { from: &from, to, quoting: Some(&quoted), attempt };
        assert_eq!(&content(&envelope), expected);
    }

    #[test]
    fn a_text_goes_to_the_phone_and_quotes() {
        check(
            &sender(Some("420777123456"), Some("CZ.1349")),
            |it| serde_json::to_value(text(it, "Booked")).unwrap(),
            &json!({
                "messaging_product": "whatsapp", "recipient_type": "individual",
                "to": "420777123456", "context": {"message_id": "wamid.QUOTED"},
                "biz_opaque_callback_data": "00000000-0000-0000-0000-000000000007",
                "type": "text", "text": {"body": "Booked", "preview_url": false},
            }),
        );
    }

    #[test]
    fn buttons_stand_under_their_text_in_order() {
        let pressed = [("entry:7:right", "Right"), ("entry:7:wrong", "Wrong")];
        let under = pressed.map(|(id, title)| Button { id, title });
        let button =
            |id: &str, title: &str| json!({"type": "reply", "reply": {"id": id, "title": title}});
        check(
            &sender(Some("420777123456"), None),
            |it| {
                serde_json::to_value(buttons(it, "Booked", &under)).unwrap()["interactive"].clone()
            },
            &json!({
                "type": "button",
                "body": {"text": "Booked"},
                "action": {"buttons": [
                    button("entry:7:right", "Right"), button("entry:7:wrong", "Wrong"),
                ]},
            }),
        );
    }

    #[test]
    fn a_sender_without_a_phone_is_addressed_by_user_id() {
        check(
            &sender(None, Some("CZ.1349")),
            |it| serde_json::to_value(text(it, "Booked")).unwrap(),
            &json!({
                "messaging_product": "whatsapp", "recipient_type": "individual",
                "recipient": "CZ.1349", "context": {"message_id": "wamid.QUOTED"},
                "biz_opaque_callback_data": "00000000-0000-0000-0000-000000000007",
                "type": "text", "text": {"body": "Booked", "preview_url": false},
            }),
        );
    }

    #[test]
    fn a_template_carries_its_parameters_in_order_and_flat() {
        let body = [
            "meals".to_owned(),
            "12,50\u{a0}€".to_owned(),
            "  Café\n\tU  Anny ".to_owned(),
            String::new(),
        ];
        let filled = Template { name: "receipt_result", language: Language::Cs, body: &body };
        let text = |it: &str| json!({"type": "text", "text": it});
        check(
            &sender(Some("420777123456"), None),
            |it| serde_json::to_value(template(it, &filled)).unwrap()["template"].clone(),
            &json!({
                "name": "receipt_result",
                "language": {"policy": "deterministic", "code": "cs"},
                "components": [{"type": "body", "parameters": [
                    text("meals"), text("12,50 €"), text("Café U Anny"), text("–"),
                ]}],
            }),
        );
    }
}
