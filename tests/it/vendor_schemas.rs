//! The vendors' own schemas, from the folder `../shared/fixtures` beside the repository: what our
//! requests are held against. Where the folder is absent this is said, and nothing is checked.

use std::path::Path;

use serde_json::{Value, json};

/// Graph's schema of that name. Meta's file closes one part of an `allOf` to properties of the
/// others, so that nothing could ever be valid: what is closed there is opened.
pub fn graph(component: &str) -> Option<Value> {
    let mut file = file("graph/prism-trimmed.json")?;
    open_parts(&mut file);
    Some(json!({
        "$ref": format!("#/components/schemas/{component}"),
        "components": file["components"],
    }))
}

/// The body of Anthropic's `POST /v1/messages`, closed to parameters that it does not name.
pub fn anthropic_request() -> Option<Value> {
    let file = file("anthropic/openapi-derived-from-sdk-2.12.0.json")?;
    let content = &file["paths"]["/v1/messages"]["post"]["requestBody"]["content"];
    let mut schema = content["application/json"]["schema"].clone();
    schema["additionalProperties"] = json!(false);
    schema["components"] = file["components"].clone();
    Some(schema)
}

/// The fields that Stripe's `POST /v1/customers` takes.
pub fn stripe_customer_fields() -> Option<Value> {
    let file = file("stripe/stripe-customers-trimmed.json")?;
    let content = &file["paths"]["/v1/customers"]["post"]["requestBody"]["content"];
    Some(content["application/x-www-form-urlencoded"]["schema"]["properties"].clone())
}

/// Fails unless `body` is valid; without a schema there is nothing to fail by.
pub fn assert_valid(schema: Option<Value>, body: &Value) {
    let Some(schema) = schema else { return };
    let validator = jsonschema::validator_for(&schema).expect("the vendor's schema is a schema");
    let errors: Vec<String> =
        validator.iter_errors(body).map(|it| format!("{} at {}", it, it.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?}");
}

fn file(name: &str) -> Option<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/fixtures").join(name);
    let Ok(bytes) = std::fs::read(&path) else {
        eprintln!("not checked against the vendor's schema: no {}", path.display());
        return None;
    };
    Some(serde_json::from_slice(&bytes).expect("a fixture is JSON"))
}

fn open_parts(schema: &mut Value) {
    if let Some(parts) = schema.get_mut("allOf").and_then(Value::as_array_mut) {
        for part in parts.iter_mut().filter_map(Value::as_object_mut) {
            part.remove("additionalProperties");
        }
    }
    match schema {
        Value::Object(fields) => fields.values_mut().for_each(open_parts),
        Value::Array(items) => items.iter_mut().for_each(open_parts),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
