//! The JSON schema of a structured answer: what the API refuses about it, and the emptiest
//! answer that fits it.

use serde_json::{Map, Value, json};

/// Why the schema is refused, in words for the error message.
pub(crate) fn refusal(schema: &Value) -> Option<String> {
    match schema {
        Value::Object(node) => {
            if is_object(node) && node.get("additionalProperties") != Some(&json!(false)) {
                let message = "For 'object' type, 'additionalProperties' must be explicitly set \
                               to false";
                return Some(message.to_owned());
            }
            // Names of properties are not keywords: only their schemas are looked into.
            let inner = |(keyword, value): (&String, &Value)| match (keyword.as_str(), value) {
                ("properties" | "$defs" | "definitions", Value::Object(named)) => {
                    named.values().find_map(refusal)
                }
                ("enum" | "const" | "default" | "examples" | "required", _) => None,
                (_, value) => refusal(value),
            };
            node.iter().find_map(inner)
        }
        Value::Array(nodes) => nodes.iter().find_map(refusal),
        _ => None,
    }
}

fn is_object(node: &Map<String, Value>) -> bool {
    types(node).contains(&"object")
}

fn types(node: &Map<String, Value>) -> Vec<&str> {
    match node.get("type") {
        Some(Value::String(name)) => vec![name],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// The emptiest value that the schema allows; null wherever null may be.
pub(crate) fn emptiest(schema: &Value) -> Value {
    emptiest_within(schema, schema)
}

fn emptiest_within(root: &Value, schema: &Value) -> Value {
    let Some(node) = schema.as_object() else {
        return Value::Null;
    };
    if let Some(path) = node.get("$ref").and_then(Value::as_str) {
        let target = root.pointer(path.trim_start_matches('#'));
        return target.map_or(Value::Null, |it| emptiest_within(root, it));
    }
    if let Some(only) = node.get("const") {
        return only.clone();
    }
    if let Some(choices) = node.get("enum").and_then(Value::as_array) {
        let null = choices.iter().find(|it| it.is_null());
        return null.or(choices.first()).cloned().unwrap_or_default();
    }
    let several = node.get("anyOf").or_else(|| node.get("oneOf")).and_then(Value::as_array);
    if let Some(choices) = several {
        let all: Vec<Value> = choices.iter().map(|it| emptiest_within(root, it)).collect();
        let null = all.iter().find(|it| it.is_null());
        return null.or(all.first()).cloned().unwrap_or_default();
    }
    let types = types(node);
    match types.first().copied() {
        _ if types.contains(&"null") => Value::Null,
        Some("object") => {
            let fields = node.get("properties").and_then(Value::as_object).into_iter().flatten();
            let filled = fields.map(|(key, it)| (key.clone(), emptiest_within(root, it)));
            Value::Object(filled.collect())
        }
        Some("array") => json!([]),
        Some("string") => json!(""),
        Some("integer" | "number") => json!(0),
        Some("boolean") => json!(false),
        _ => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_at_any_depth_must_close_itself() {
        let inner = json!({ "type": "object", "properties": {} });
        let closed = |properties: Value| json!({ "type": "object", "properties": properties, "additionalProperties": false });
        assert_eq!(refusal(&closed(json!({ "a": { "type": "string" } }))), None);
        assert!(refusal(&inner).is_some());
        assert!(refusal(&closed(json!({ "a": inner }))).is_some());
        let listed = json!({ "type": "array", "items": { "anyOf": [inner, { "type": "null" }] } });
        assert!(refusal(&closed(json!({ "a": listed }))).is_some());
        assert_eq!(refusal(&closed(json!({ "type": { "type": "string" } }))), None);
    }

    #[test]
    fn the_emptiest_answer_is_null_where_null_may_be_and_fits_elsewhere() {
        let schema = json!({
            "type": "object",
            "properties": {
                "total": { "type": ["string", "null"] },
                "kind": { "enum": ["receipt", "other"] },
                "tax": { "anyOf": [{ "type": "number" }, { "type": "null" }] },
                "lines": { "type": "array", "items": { "type": "string" } },
                "shop": { "$ref": "#/$defs/shop" },
            },
            "$defs": { "shop": { "type": "object", "properties": { "name": { "type": "string" } } } },
        });
        let expected = json!({
            "total": null, "kind": "receipt", "tax": null, "lines": [], "shop": { "name": "" },
        });
        assert_eq!(emptiest(&schema), expected);
    }
}
