//! Forms that were sent, and the questions in an address. A form is read only together with the
//! session's token: without it there is nothing to read.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use futures::FutureExt;
use futures::future::LocalBoxFuture;

use super::guard::Visit;
use super::refusal::Refusal;
use crate::store::audit_log::Actor;

/// A pair of a form or an address: name, value.
type Pairs = Vec<(String, String)>;

impl Visit {
    /// Who is written down for what they do.
    pub fn actor(&self) -> Actor {
        Actor { name: self.session.label.clone(), remote: self.remote.to_string() }
    }
}

impl FromRequest for Visit {
    type Error = Refusal;
    type Future = Ready<Result<Self, Refusal>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(request.extensions().get::<Visit>().cloned().ok_or(Refusal::Form))
    }
}

/// A form that a page of this session sent.
#[derive(Clone, Debug)]
pub struct Posted {
    /// Who sent it.
    pub visit: Visit,
    fields: Fields,
}

impl std::ops::Deref for Posted {
    type Target = Fields;

    fn deref(&self) -> &Fields {
        &self.fields
    }
}

impl FromRequest for Posted {
    type Error = Refusal;
    type Future = LocalBoxFuture<'static, Result<Self, Refusal>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let visit = request.extensions().get::<Visit>().cloned();
        let bytes = Bytes::from_request(request, payload);
        async move {
            let (visit, bytes) = (visit.ok_or(Refusal::Form)?, bytes.await);
            let fields = Fields::parse(&bytes.map_err(|_| Refusal::Form)?);
            let believed = fields.text("csrf").is_some_and(|it| visit.session.csrf_is(it));
            if believed { Ok(Self { visit, fields }) } else { Err(Refusal::Form) }
        }
        .boxed_local()
    }
}

/// What an address asks for, or a form holds.
#[derive(Clone, Default)]
pub struct Fields(Pairs);

/// Shows the names only.
impl std::fmt::Debug for Fields {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

impl FromRequest for Fields {
    type Error = Refusal;
    type Future = Ready<Result<Self, Refusal>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self::parse(request.query_string().as_bytes())))
    }
}

impl Fields {
    fn parse(text: &[u8]) -> Self {
        let pairs = form_urlencoded::parse(text);
        Self(pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect())
    }

    /// What was given, without white space around it; `None` where that is nothing.
    pub fn text(&self, name: &str) -> Option<&str> {
        Some(self.as_typed(name).trim()).filter(|it| !it.is_empty())
    }

    /// The same with its white space; empty where there is none.
    pub fn as_typed(&self, name: &str) -> &str {
        self.0.iter().find(|(it, _)| it == name).map_or("", |(_, value)| value)
    }

    /// A number of ours.
    pub fn number(&self, name: &str) -> Result<Option<i64>, Refusal> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let number = text.trim_start_matches('#').parse();
        number.map(Some).map_err(|_| Refusal::BadInput(format!("{name}: want a number such as 17")))
    }

    /// A day such as 2026-11-26.
    pub fn day(&self, name: &str) -> Result<Option<chrono::NaiveDate>, Refusal> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let day = text.parse();
        day.map(Some)
            .map_err(|_| Refusal::BadInput(format!("{name}: want a day such as 2026-11-26")))
    }

    /// The same address with other values for these names; `None` leaves one out. With a leading
    /// `?`, or nothing at all.
    pub fn with(&self, changed: &[(&str, Option<String>)]) -> String {
        let mut written = form_urlencoded::Serializer::new(String::new());
        for (name, value) in &self.0 {
            let kept = !changed.iter().any(|(it, _)| it == name) && !value.is_empty();
            if kept {
                written.append_pair(name, value);
            }
        }
        for (name, value) in changed {
            if let Some(value) = value {
                written.append_pair(name, value);
            }
        }
        let written = written.finish();
        if written.is_empty() { written } else { format!("?{written}") }
    }
}
