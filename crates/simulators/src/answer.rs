//! An answer before it is on the wire, and how it is put there whole, by halves or not at all.

use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::body::SizedStream;
use actix_web::http::StatusCode;
use actix_web::web::Bytes;
use futures::future::LocalBoxFuture;
use futures::stream;
use serde_json::Value;

/// Status, headers and body as the vendor sends them.
#[derive(Clone)]
pub struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        let headers = vec![("content-type", "application/json".to_owned())];
        Self { status, headers, body: body.to_string().into_bytes() }
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The whole answer.
    pub(crate) fn whole(self) -> HttpResponse {
        self.head().body(self.body)
    }

    /// The head, half of the body, then a closed connection.
    pub(crate) fn half(self) -> HttpResponse {
        let mut head = self.head();
        let length = u64::try_from(self.body.len()).unwrap_or(u64::MAX);
        let half = Bytes::copy_from_slice(&self.body[..self.body.len() / 2]);
        let parts = stream::unfold(Some(half), |half| async move {
            if let Some(half) = half {
                return Some((Ok(half), None));
            }
            // The pause lets the first half leave the buffer before the connection ends.
            tokio::time::sleep(Duration::from_millis(20)).await;
            Some((Err(cut_on_purpose()), None))
        });
        head.body(SizedStream::new(length.max(1), parts))
    }

    /// No byte at all: the connection closes.
    pub(crate) fn lost() -> HttpResponse {
        let parts = stream::once(async { Err::<Bytes, _>(cut_on_purpose()) });
        HttpResponse::Ok().body(SizedStream::new(1, Box::pin(parts)))
    }

    fn head(&self) -> actix_web::HttpResponseBuilder {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut head = HttpResponse::build(status);
        for (name, value) in &self.headers {
            head.insert_header((*name, value.as_str()));
        }
        head
    }
}

fn cut_on_purpose() -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::ConnectionReset, "cut on purpose by the simulator")
}

/// An answer together with what the vendor does around it.
pub struct Outcome {
    pub(crate) answer: Answer,
    /// Finished before the answer is sent.
    pub(crate) before: Option<LocalBoxFuture<'static, ()>>,
    /// Started with the answer and not waited for.
    pub(crate) after: Option<LocalBoxFuture<'static, ()>>,
}

impl From<Answer> for Outcome {
    fn from(answer: Answer) -> Self {
        Self { answer, before: None, after: None }
    }
}
