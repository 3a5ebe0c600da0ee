//! The simulators against what their vendors published: answers against the schemas, recorded
//! requests through the front door, built webhooks beside recorded ones. The folder is not part
//! of the repository; where it is missing these tests say so and pass.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use simulators::meta::{FileSize, Template};
use simulators::stripe::NewCustomer;
use simulators::{
    Anthropic, AnthropicOptions, AnthropicRoute, Fault, Meta, MetaOptions, MetaRoute, Sender,
    Stripe, StripeOptions, StripeRoute,
};

use crate::{Receiver, answer, client};

pub(crate) const PHONE: &str = "16315555555";

pub(crate) fn folder() -> Option<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/fixtures");
    if !folder.is_dir() {
        eprintln!("../shared/fixtures is not there: nothing is checked against the vendors");
        return None;
    }
    Some(folder)
}

pub(crate) fn read(folder: &Path, name: &str) -> Value {
    serde_json::from_slice(&fs::read(folder.join(name)).unwrap()).unwrap()
}

/// Name and content of the JSON files in a folder whose names begin like this.
pub(crate) fn all(folder: &Path, prefix: &str) -> Vec<(String, Value)> {
    let names = fs::read_dir(folder).unwrap().map(|it| it.unwrap().file_name());
    let names = names.map(|it| it.into_string().unwrap()).filter(|it| it.starts_with(prefix));
    names.map(|it| (it.clone(), read(folder, &it))).collect()
}

/// `value` must fit the schema at `pointer` of the `OpenAPI` document.
fn fits(document: &Value, pointer: &str, value: &Value) {
    let schema = json!({
        "allOf": [document.pointer(pointer).unwrap_or_else(|| panic!("no {pointer}"))],
        "components": document["components"],
    });
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> =
        validator.iter_errors(value).map(|it| format!("{}: {it}", it.instance_path())).collect();
    assert!(errors.is_empty(), "{pointer}: {errors:#?}\n{value:#}");
}

/// `OpenAPI` 3.0 says `nullable`; JSON schema says it with types.
fn without_nullable(node: &mut Value) {
    match node {
        Value::Array(nodes) => nodes.iter_mut().for_each(without_nullable),
        Value::Object(fields) => {
            fields.values_mut().for_each(without_nullable);
            if fields.remove("nullable") == Some(json!(true)) {
                let strict = Value::Object(std::mem::take(fields));
                fields.insert("anyOf".to_owned(), json!([{ "type": "null" }, strict]));
            }
        }
        _ => {}
    }
}

fn stripe_schema(folder: &Path) -> Value {
    let mut document = read(folder, "stripe/stripe-customers-trimmed.json");
    without_nullable(&mut document);
    document
}

fn at(path: &str, method: &str, status: &str) -> String {
    let path = path.replace('~', "~0").replace('/', "~1");
    format!("/paths/{path}/{method}/responses/{status}/content/application~1json/schema")
}

#[tokio::test]
async fn stripes_answers_fit_stripes_schema() {
    let Some(folder) = folder() else { return };
    let document = stripe_schema(&folder);
    let stripe = Stripe::start(StripeOptions::default()).unwrap();
    let call = |method: reqwest::Method, path: &str| {
        let request = client().request(method, format!("{}/v1/customers{path}", stripe.base_url()));
        answer(request.bearer_auth(&stripe.options().secret_key))
    };
    let id = stripe.add_customer(&NewCustomer::with_metadata("whatsapp_phone", PHONE).named("A"));
    let one = "/v1/customers/{customer}";
    let (_, customer) = call(reqwest::Method::POST, "").await;
    fits(&document, &at("/v1/customers", "post", "200"), &customer);
    let (_, customer) = call(reqwest::Method::GET, &format!("/{id}")).await;
    fits(&document, &at(one, "get", "200"), &customer);
    let (_, list) = call(reqwest::Method::GET, "").await;
    fits(&document, &at("/v1/customers", "get", "200"), &list);
    let search = format!("/search?query=metadata[%27whatsapp_phone%27]:%27{PHONE}%27");
    let (_, result) = call(reqwest::Method::GET, &search).await;
    assert_eq!(result["data"][0]["id"], json!(id));
    fits(&document, &at("/v1/customers/search", "get", "200"), &result);
    let (_, deleted) = call(reqwest::Method::DELETE, &format!("/{id}")).await;
    fits(&document, &at(one, "delete", "200"), &deleted);
    let (_, unparsed) = call(reqwest::Method::GET, "/search?query=x").await;
    fits(&document, &at("/v1/customers/search", "get", "default"), &unparsed);
    let schema = at("/v1/customers", "get", "default");
    for status in [400, 401, 402, 404, 409, 429, 500, 503] {
        stripe.fault(StripeRoute::CustomersList, &Fault::Status(status), 1);
        let (actual, refused) = call(reqwest::Method::GET, "").await;
        assert_eq!(actual, status);
        fits(&document, &schema, &refused);
    }
}

#[tokio::test]
async fn stripes_customer_has_every_field_of_the_recorded_one() {
    let Some(folder) = folder() else { return };
    let recorded = read(&folder, "stripe/samples/customer.json");
    let stripe = Stripe::start(StripeOptions::default()).unwrap();
    stripe.add_customer(&NewCustomer::default());
    let keys = |it: &Value| it.as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>();
    assert_eq!(keys(&stripe.customers()[0]), keys(&recorded));
}

#[tokio::test]
async fn a_customer_is_readable_by_a_library_that_we_did_not_write() {
    let stripe = Stripe::start(StripeOptions::default()).unwrap();
    stripe.add_customer(&NewCustomer::with_metadata("whatsapp_phone", PHONE).named("A"));
    let shown = stripe.customers().remove(0);
    let read: stripe_core::Customer = serde_json::from_value(shown.clone()).unwrap();
    assert_eq!(shown["id"], read.id.as_str());
    assert_eq!(read.metadata.unwrap()["whatsapp_phone"], PHONE);
    let search = format!("{}/v1/customers/search?query=name:%27A%27", stripe.base_url());
    let search = client().get(search).bearer_auth(&stripe.options().secret_key);
    let result = answer(search).await.1;
    let result: stripe_types::SearchList<stripe_core::Customer> =
        serde_json::from_value(result).unwrap();
    assert_eq!(result.data.len(), 1);
}

#[tokio::test]
async fn metas_answers_fit_metas_schema() {
    let Some(folder) = folder() else { return };
    let document = read(&folder, "graph/prism-trimmed.json");
    let options = MetaOptions { file_size: FileSize::Text, ..MetaOptions::default() };
    let meta = Meta::start(options).unwrap();
    let (token, waba) = (&meta.options().access_token, &meta.options().waba_id);
    let id = meta.add_media(*b"x", "image/jpeg");
    let get = |path: String| {
        answer(client().get(format!("{}/{path}", meta.base_url())).bearer_auth(token))
    };
    let media = "/{Version}/{Media-ID}";
    fits(&document, &at(media, "get", "200"), &get(id.to_string()).await.1);
    fits(&document, &at(media, "get", "404"), &get("4711".to_owned()).await.1);
    let templates = "/{Version}/{WABA-ID}/message_templates";
    let listed = get(format!("{waba}/message_templates")).await.1;
    assert_eq!(listed["data"].as_array().unwrap().len(), 3);
    fits(&document, &at(templates, "get", "200"), &listed);
    for status in [400, 401, 403, 404, 429, 500] {
        meta.fault(MetaRoute::MediaObject, &Fault::Status(status), 1);
        let refused = get(id.to_string()).await.1;
        fits(&document, "/components/schemas/GraphAPIError", &refused);
    }
    let delete = client().delete(format!("{}/{id}", meta.base_url())).bearer_auth(token);
    fits(&document, &at(media, "delete", "200"), &answer(delete).await.1);
}

#[tokio::test]
async fn every_recorded_send_is_accepted_and_answered_as_meta_does() {
    let Some(folder) = folder() else { return };
    let document = read(&folder, "graph/prism-trimmed.json");
    let (meta, receiver) = in_conversation().await;
    let samples = all(&folder.join("graph/requests"), "messages-post-");
    assert!(samples.len() > 30);
    let url = format!("{}/{}/messages", meta.base_url(), meta.options().phone_number_id);
    for (name, sample) in &samples {
        let body = filled_in(&meta, sample);
        let send = client().post(&url).bearer_auth(&meta.options().access_token).json(&body);
        let (status, answer) = answer(send).await;
        assert_eq!(status, 200, "{name}: {answer}");
        let schema = match body.get("status") {
            Some(_) => "/components/schemas/MarkMessageResponsePayload",
            None => "/components/schemas/MessageResponse",
        };
        fits(&document, schema, &answer);
    }
    assert_eq!(meta.sent().len() + meta.marks().len(), samples.len());
    drop(receiver);
}

/// Puts a number, a message id and existing templates where Meta's samples have placeholders.
fn filled_in(meta: &Meta, sample: &Value) -> Value {
    let mut body = sample.clone();
    if body.get("to").is_some() {
        body["to"] = json!(PHONE);
    }
    if body.get("context").is_some() {
        body["context"]["message_id"] = json!("wamid.QUOTED");
    }
    if let Some(template) = body.get("template") {
        let name = template["name"].as_str().unwrap();
        let language = template["language"]["code"].as_str().unwrap();
        let components = template["components"].as_array().into_iter().flatten();
        let body_of = components.filter(|it| it["type"] == "body");
        let parameters = body_of.flat_map(|it| it["parameters"].as_array().unwrap()).count();
        let text: String =
            (1..=parameters).map(|n| ["{{", &n.to_string(), "}} "].concat()).collect();
        meta.add_template(Template::approved(name, language, &text));
    }
    body
}

pub(crate) async fn in_conversation() -> (Meta, Receiver) {
    let meta = Meta::start(MetaOptions::default()).unwrap();
    let receiver = Receiver::start(&[]);
    meta.webhook_url(&receiver.url);
    let sender = Sender::with_phone(PHONE, "Ann");
    meta.deliver(&meta.webhook([meta.text(&sender, "hello")])).await.unwrap();
    (meta, receiver)
}

#[tokio::test]
async fn anthropic_takes_the_recorded_requests_and_refuses_the_bad_ones() {
    let Some(folder) = folder() else { return };
    let document = read(&folder, "anthropic/openapi-derived-from-sdk-2.12.0.json");
    let anthropic = Anthropic::start(AnthropicOptions::default()).unwrap();
    let post = |body: &Value| {
        let request = client().post(format!("{}/v1/messages", anthropic.base_url()));
        let request = request.header("x-api-key", &anthropic.options().api_key);
        answer(request.header("anthropic-version", "2023-06-01").json(body))
    };
    let samples = folder.join("anthropic/samples");
    let good = all(&samples, "request-");
    assert!(good.len() > 4);
    for (name, body) in &good {
        let (status, message) = post(body).await;
        assert_eq!(status, 200, "{name}: {message}");
        fits(&document, &at("/v1/messages", "post", "200"), &message);
    }
    for (name, body) in all(&samples, "bad-") {
        assert_eq!(post(&body).await.0, 400, "{name}");
    }
    for (name, recorded) in all(&samples, "error-") {
        let status = u16::try_from(recorded["http_status"].as_u64().unwrap()).unwrap();
        anthropic.fault(AnthropicRoute::Messages, &Fault::Status(status), 1);
        let (actual, body) = post(&good[0].1).await;
        assert_eq!((actual, keys(&body)), (status, keys(&recorded["body"])), "{name}");
        assert_eq!(body["error"]["type"], recorded["body"]["error"]["type"], "{name}");
    }
}

/// The paths of all keys in `value`, without indices.
pub(crate) fn keys(value: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    collect("", value, &mut found);
    found
}

fn collect(path: &str, value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|it| collect(path, it, found)),
        Value::Object(fields) => {
            for (key, value) in fields {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                collect(&path, value, found);
                found.insert(path);
            }
        }
        _ => {}
    }
}
