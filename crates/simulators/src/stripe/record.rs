//! One customer as Stripe shows it, and what a form may write into it: the limits of names and
//! metadata. It keeps nothing.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::errors;
use super::form::Form;
use crate::answer::Answer;
use crate::ids;

/// The parameters that a form may hold.
pub(crate) const WRITABLE: [&str; 22] = [
    "address",
    "balance",
    "cash_balance",
    "coupon",
    "description",
    "email",
    "expand",
    "invoice_prefix",
    "invoice_settings",
    "metadata",
    "name",
    "next_invoice_sequence",
    "payment_method",
    "phone",
    "preferred_locales",
    "promotion_code",
    "shipping",
    "source",
    "tax",
    "tax_exempt",
    "tax_id_data",
    "test_clock",
];

/// Writes the form's fields into the customer; empty text empties a field.
pub(crate) fn apply(customer: &mut Value, form: &Form) -> Result<(), Answer> {
    for field in ["name", "phone", "email", "description"] {
        match form.get(field) {
            None => {}
            Some("") => customer[field] = Value::Null,
            Some(text) if text.chars().count() > longest(field) => {
                let message =
                    format!("Invalid string: must be at most {} characters", longest(field));
                return Err(errors::invalid(field, &message));
            }
            Some(text) => customer[field] = json!(text),
        }
    }
    for field in ["address", "shipping"] {
        if let Some(object) = form.object(field) {
            customer[field] = object;
        }
    }
    let locales = form.under("preferred_locales");
    if !locales.is_empty() {
        let locales: Vec<String> = locales.into_iter().map(|(_, locale)| locale).collect();
        customer["preferred_locales"] = json!(locales);
    }
    if let Some(exempt) = form.get("tax_exempt") {
        customer["tax_exempt"] = json!(exempt);
    }
    apply_metadata(customer, form)
}

/// 256 is what Stripe's documentation names for names; 20 for phones.
fn longest(field: &str) -> usize {
    match field {
        "name" => 256,
        "phone" => 20,
        "email" => 512,
        _ => 5000,
    }
}

fn apply_metadata(customer: &mut Value, form: &Form) -> Result<(), Answer> {
    let mut metadata: Map<String, Value> =
        customer["metadata"].as_object().cloned().unwrap_or_default();
    for (key, value) in form.under("metadata") {
        if key.is_empty() {
            metadata.clear();
            continue;
        }
        if key.chars().count() > 40 || key.contains(['[', ']']) {
            let message = format!(
                "Metadata keys must be at most 40 characters long and hold no brackets: {key}"
            );
            return Err(errors::invalid("metadata", &message));
        }
        if value.chars().count() > 500 {
            let message = format!(
                "Metadata values can have up to 500 characters, but you passed in a value that is \
                 {} characters.",
                value.chars().count()
            );
            return Err(errors::invalid(&format!("metadata[{key}]"), &message));
        }
        if value.is_empty() {
            metadata.remove(&key);
        } else {
            metadata.insert(key, json!(value));
        }
    }
    if metadata.len() > 50 {
        let message = "Metadata can have up to 50 keys.";
        return Err(errors::invalid("metadata", message));
    }
    customer["metadata"] = Value::Object(metadata);
    Ok(())
}

/// Everything that a customer has, with nothing in it.
pub(crate) fn blank(created: DateTime<Utc>) -> Value {
    json!({
        "id": format!("cus_{}", ids::alphanumeric(14)),
        "object": "customer",
        "address": null,
        "balance": 0,
        "created": created.timestamp(),
        "currency": null,
        "default_source": null,
        "delinquent": false,
        "description": null,
        "discount": null,
        "email": null,
        "invoice_prefix": ids::alphanumeric(8).to_uppercase(),
        "invoice_settings": {
            "custom_fields": null,
            "default_payment_method": null,
            "footer": null,
            "rendering_options": null,
        },
        "livemode": false,
        "metadata": {},
        "name": null,
        "next_invoice_sequence": 1,
        "phone": null,
        "preferred_locales": [],
        "shipping": null,
        "tax_exempt": "none",
        "test_clock": null,
    })
}
