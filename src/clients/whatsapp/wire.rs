//! The bodies of `POST /{phone-number-id}/messages`, as Meta's schema has them. Not seen outside
//! of this client.

use serde::{Deserialize, Serialize};

use super::{Button, Envelope, Template};
use crate::domain::ids::Wamid;
use crate::domain::sender::{Phone, UserId};
use crate::domain::template::Parameter;

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
    language: LanguageObject<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    components: Vec<Component<'a>>,
}

#[derive(Serialize)]
struct LanguageObject<'a> {
    policy: &'static str,
    code: &'a str,
}

#[derive(Serialize)]
struct Component<'a> {
    r#type: &'static str,
    parameters: Vec<ParameterObject<'a>>,
}

#[derive(Serialize)]
struct ParameterObject<'a> {
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameter_name: Option<&'a str>,
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
    let body = (!template.parameters.is_empty()).then(|| Component {
        r#type: "body",
        parameters: template.parameters.iter().map(parameter).collect(),
    });
    let template = TemplateObject {
        name: template.name,
        language: LanguageObject { policy: "deterministic", code: template.language },
        components: body.into_iter().collect(),
    };
    addressed(envelope, Content::Template { template })
}

fn parameter(given: &Parameter) -> ParameterObject<'_> {
    let flat = given.value.split_whitespace().collect::<Vec<_>>().join(" ");
    ParameterObject {
        r#type: "text",
        parameter_name: given.name.as_deref(),
        text: if flat.is_empty() { "–".to_owned() } else { flat },
    }
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
        let given = ["meals", "12,50\u{a0}€", "  Café\n\tU  Anny ", ""];
        let parameters = given.map(|it| Parameter { name: None, value: it.to_owned() });
        let filled = Template { name: "receipt_result", language: "cs", parameters: &parameters };
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

    #[test]
    fn a_template_with_names_is_given_its_parameters_by_name() {
        let parameters =
            [Parameter { name: Some("amount".to_owned()), value: "12 Kč".to_owned() }];
        let filled = Template { name: "payment_reminder", language: "cs", parameters: &parameters };
        check(
            &sender(Some("420777123456"), None),
            |it| {
                let body = serde_json::to_value(template(it, &filled)).unwrap();
                body["template"]["components"][0]["parameters"].clone()
            },
            &json!([{"type": "text", "parameter_name": "amount", "text": "12 Kč"}]),
        );
    }
}
