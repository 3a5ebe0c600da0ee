//! `GET /v1/customers/search`: what the index knows, which is what was true one lag ago.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::customers::Books;
use super::form::Form;
use super::query::{self, Clause, Field, Join, Operand, Operator, Polarity, Query};
use super::{StripeRoute, errors};
use crate::answer::Answer;
use crate::asked::Asked;

const PARAMETERS: [&str; 4] = ["query", "limit", "page", "expand"];

/// Customers that match, newest first, page by page.
pub(crate) fn search(
    books: &Books,
    asked: &Asked<StripeRoute>,
    now: DateTime<Utc>,
    lag: Duration,
) -> Result<Answer, Answer> {
    let form = Form::of_query(asked)?.only(&PARAMETERS)?;
    let limit = form.number("limit", 10)?;
    let Some(text) = form.get("query") else {
        let message = "Missing required param: query.";
        return Err(errors::parameter("parameter_missing", "query", message));
    };
    let query = query::parse(text).map_err(|reason| {
        let message = format!("We were unable to parse your search query: {}.", reason.0);
        errors::invalid("query", &message)
    })?;
    let from = page_start(form.get("page"))?;
    let lag = TimeDelta::from_std(lag).unwrap_or(TimeDelta::MAX);
    let found: Vec<Value> =
        books.indexed(now, lag).into_iter().filter(|it| matches(&query, it)).collect();
    let has_more = found.len() > from + limit;
    let mut result = json!({
        "object": "search_result",
        "url": "/v1/customers/search",
        "has_more": has_more,
        "next_page": has_more.then(|| page_token(from + limit)),
        "data": found.iter().skip(from).take(limit).collect::<Vec<_>>(),
    });
    if form.under("expand").iter().any(|(_, field)| field == "total_count") {
        result["total_count"] = json!(found.len());
    }
    Ok(Answer::json(200, &result))
}

fn page_token(from: usize) -> String {
    format!("page_{}", hex::encode(from.to_string()))
}

fn page_start(token: Option<&str>) -> Result<usize, Answer> {
    let Some(token) = token else { return Ok(0) };
    let decoded = token.strip_prefix("page_").and_then(|it| hex::decode(it).ok());
    let number = decoded.and_then(|it| String::from_utf8(it).ok()).and_then(|it| it.parse().ok());
    number.ok_or_else(|| errors::invalid("page", "Invalid pagination token."))
}

fn matches(query: &Query, customer: &Value) -> bool {
    match query.join {
        Join::All => query.clauses.iter().all(|it| holds(it, customer)),
        Join::Any => query.clauses.iter().any(|it| holds(it, customer)),
    }
}

fn holds(clause: &Clause, customer: &Value) -> bool {
    let actual = match &clause.field {
        Field::Created => &customer["created"],
        Field::Email => &customer["email"],
        Field::Name => &customer["name"],
        Field::Phone => &customer["phone"],
        Field::Metadata(key) => &customer["metadata"][key],
    };
    let holds = match &clause.value {
        Operand::Null => actual.is_null(),
        Operand::Number(wanted) => actual.as_i64().is_some_and(|it| match clause.operator {
            Operator::Is => it == *wanted,
            Operator::Greater => it > *wanted,
            Operator::GreaterOrEqual => it >= *wanted,
            Operator::Less => it < *wanted,
            Operator::LessOrEqual => it <= *wanted,
            Operator::Contains => false,
        }),
        Operand::Text(wanted) => actual.as_str().is_some_and(|it| {
            let (it, wanted) = (it.to_lowercase(), wanted.to_lowercase());
            match clause.operator {
                Operator::Contains => it.contains(&wanted),
                _ => it == wanted,
            }
        }),
    };
    match clause.polarity {
        Polarity::Is => holds,
        Polarity::IsNot => !holds,
    }
}
