//! Stripe's form encoding: `metadata[key]=value`, `expand[]=…`. It is read strictly: a parameter
//! that Stripe does not know is refused, as Stripe refuses it.

use serde_json::{Map, Value, json};

use super::errors;
use crate::answer::Answer;
use crate::asked::Asked;

/// Decoded fields, in the order in which they came.
pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    /// The body's fields.
    pub(crate) fn of_body<R>(asked: &Asked<R>) -> Result<Self, Answer> {
        asked.form().map(Self).ok_or_else(errors::unreadable_form)
    }

    /// The query's fields.
    pub(crate) fn of_query<R>(asked: &Asked<R>) -> Result<Self, Answer> {
        asked.params().map(Self).ok_or_else(errors::unreadable_form)
    }

    /// Refuses the first field whose name (before any bracket) is not among `known`.
    pub(crate) fn only(self, known: &[&str]) -> Result<Self, Answer> {
        let stem = |name: &str| name.split('[').next().unwrap_or_default().to_owned();
        match self.0.iter().find(|(name, _)| !known.contains(&stem(name).as_str())) {
            None => Ok(self),
            Some((name, _)) => {
                let message = format!("Received unknown parameter: {name}");
                Err(errors::parameter("parameter_unknown", name, &message))
            }
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(it, _)| it == name).map(|(_, value)| value.as_str())
    }

    /// A whole number within bounds, `otherwise` when absent.
    pub(crate) fn number(&self, name: &str, otherwise: usize) -> Result<usize, Answer> {
        match self.get(name) {
            None => Ok(otherwise),
            Some(text) => match text.parse() {
                Ok(number) if (1..=100).contains(&number) => Ok(number),
                Ok(_) => Err(errors::invalid(name, "This value must be between 1 and 100.")),
                Err(_) => {
                    let message = format!("Invalid integer: {text}");
                    Err(errors::parameter("parameter_invalid_integer", name, &message))
                }
            },
        }
    }

    /// `stem[key]=value` as pairs of key and value; `stem=` (empty) is one empty pair.
    pub(crate) fn under(&self, stem: &str) -> Vec<(String, String)> {
        let inner = |name: &str| {
            let rest = name.strip_prefix(stem)?;
            match rest {
                "" => Some(String::new()),
                _ => Some(rest.strip_prefix('[')?.strip_suffix(']')?.to_owned()),
            }
        };
        let found = self.0.iter().filter_map(|(name, value)| Some((inner(name)?, value.clone())));
        found.collect()
    }

    /// An object of the text fields under `stem`, or nothing if there are none.
    pub(crate) fn object(&self, stem: &str) -> Option<Value> {
        let fields = self.under(stem);
        if fields.is_empty() {
            return None;
        }
        let fields = fields.into_iter().filter(|(key, _)| !key.is_empty());
        let object: Map<String, Value> = fields.map(|(key, value)| (key, json!(value))).collect();
        Some(Value::Object(object))
    }
}

/// A form's fields in an order of their own, so that equal parameters compare equal.
pub(crate) fn fingerprint<R>(asked: &Asked<R>) -> String {
    let mut fields = asked.form().unwrap_or_default();
    fields.sort();
    format!("{} {} {fields:?}", asked.method, asked.path)
}
