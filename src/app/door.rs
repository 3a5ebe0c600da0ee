//! The way in for webhooks: how much may be under way at once, and how a body is read. What comes
//! beyond that is sent away with 503 before memory grows. Nothing is decompressed: what is signed is
//! what was sent.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use actix_web::body::BoxBody;
use actix_web::dev::Payload;
use actix_web::http::header::CONTENT_LENGTH;
use actix_web::web::{Bytes, BytesMut, Data};
use actix_web::{FromRequest, HttpRequest, HttpResponse, ResponseError};
use futures::StreamExt;
use tokio::time::{Instant, timeout};

use crate::telemetry::ingress::{IngressMetrics, outcome};

/// Meta's payloads are at most 3 MB. Source: Meta, "Webhooks from Meta", payload size.
const BODY_LIMIT: usize = 3 * 1024 * 1024;

/// How long a body may take to come: Meta sends it at once.
const BODY_WITHIN: Duration = Duration::from_secs(5);

/// Room for a body before any of it has come, whatever it promises to be.
const FIRST_ROOM: usize = 16 * 1024;

/// Requests under way at once. While Postgres hangs, 2 s of Meta's top tier wait here.
const MOST_REQUESTS: usize = 16 * 1024;

/// After a request was sent away, so long we are not ready for more, in milliseconds.
const FULL_FOR_MS: u64 = 2_000;

/// What is under way.
#[derive(Debug)]
pub struct Door {
    requests: AtomicUsize,
    bytes: AtomicUsize,
    most_bytes: usize,
    opened: Instant,
    /// Milliseconds after `opened`; 0 when nobody was ever sent away.
    sent_away_at: AtomicU64,
    metrics: IngressMetrics,
}

impl Door {
    /// A door for bodies of `most_bytes` altogether.
    pub fn new(most_bytes: usize, metrics: IngressMetrics) -> Self {
        Self {
            requests: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
            most_bytes,
            opened: Instant::now(),
            sent_away_at: AtomicU64::new(0),
            metrics,
        }
    }

    /// Requests under way, and bytes of their bodies.
    pub fn under_way(&self) -> (usize, usize) {
        (self.requests.load(Ordering::Relaxed), self.bytes.load(Ordering::Relaxed))
    }

    /// Whether somebody was sent away a moment ago.
    pub fn is_full(&self) -> bool {
        let sent_away_at = self.sent_away_at.load(Ordering::Relaxed);
        sent_away_at > 0 && self.age_ms().saturating_sub(sent_away_at) < FULL_FOR_MS
    }

    fn age_ms(&self) -> u64 {
        u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX).saturating_add(1)
    }

    fn refuse(&self, refused: Refused) -> Refused {
        self.metrics.webhooks.one(match refused {
            Refused::TooLarge => outcome::TOO_LARGE,
            Refused::TooSlow => outcome::TOO_SLOW,
            Refused::Cut => outcome::CUT,
            Refused::Full => outcome::SHED,
        });
        if matches!(refused, Refused::Full) {
            self.sent_away_at.store(self.age_ms(), Ordering::Relaxed);
        }
        refused
    }
}

/// Why a request is sent away before it is looked at.
#[derive(Clone, Copy, Debug, thiserror::Error)]
pub enum Refused {
    /// 413.
    #[error("the body is over 3 MB")]
    TooLarge,
    /// 408.
    #[error("the body did not come in time")]
    TooSlow,
    /// 400.
    #[error("the body broke off")]
    Cut,
    /// 503.
    #[error("too much is under way")]
    Full,
}

impl ResponseError for Refused {
    fn error_response(&self) -> HttpResponse<BoxBody> {
        match self {
            Self::TooLarge => HttpResponse::PayloadTooLarge().finish(),
            Self::TooSlow => HttpResponse::RequestTimeout().finish(),
            Self::Cut => HttpResponse::BadRequest().finish(),
            Self::Full => {
                HttpResponse::ServiceUnavailable().insert_header(("Retry-After", "5")).finish()
            }
        }
    }
}

/// A body that has come whole.
#[derive(Debug)]
pub struct Body {
    /// The bytes, as they came.
    pub bytes: Bytes,
    /// When its head had come.
    pub began_at: Instant,
    /// It counts as under way until this is dropped.
    pub entered: Entered,
}

impl FromRequest for Body {
    type Error = Refused;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Refused>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let door = request.app_data::<Data<Door>>().cloned();
        let declared = request.headers().get(CONTENT_LENGTH).and_then(|it| it.to_str().ok());
        let declared = declared.and_then(|it| it.parse::<usize>().ok()).unwrap_or(0);
        let payload = payload.take();
        Box::pin(async move {
            let Some(door) = door else { return Err(Refused::Full) };
            let began_at = Instant::now();
            let entered = Entered::through(Data::clone(&door));
            let read = timeout(BODY_WITHIN, read(entered, declared, payload)).await;
            match read.unwrap_or(Err(Refused::TooSlow)) {
                Ok((entered, bytes)) => Ok(Self { bytes, began_at, entered }),
                Err(refused) => Err(door.refuse(refused)),
            }
        })
    }
}

async fn read(
    mut entered: Entered,
    declared: usize,
    mut payload: Payload,
) -> Result<(Entered, Bytes), Refused> {
    if declared > BODY_LIMIT {
        return Err(Refused::TooLarge);
    }
    if entered.is_one_too_many() {
        return Err(Refused::Full);
    }
    let mut body = BytesMut::with_capacity(declared.min(FIRST_ROOM));
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| Refused::Cut)?;
        if body.len() + chunk.len() > BODY_LIMIT {
            return Err(Refused::TooLarge);
        }
        // Counted as they come: who only promises many takes no room from others.
        entered.carry(chunk.len())?;
        body.extend_from_slice(&chunk);
    }
    Ok((entered, body.freeze()))
}

/// A request that is under way.
#[derive(Debug)]
pub struct Entered {
    door: Data<Door>,
    bytes: usize,
}

impl Entered {
    fn through(door: Data<Door>) -> Self {
        door.requests.fetch_add(1, Ordering::Relaxed);
        Self { door, bytes: 0 }
    }

    fn is_one_too_many(&self) -> bool {
        self.door.requests.load(Ordering::Relaxed) > MOST_REQUESTS
    }

    fn carry(&mut self, more: usize) -> Result<(), Refused> {
        let before = self.door.bytes.fetch_add(more, Ordering::Relaxed);
        self.bytes += more;
        if before + more > self.door.most_bytes { Err(Refused::Full) } else { Ok(()) }
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        self.door.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
        self.door.requests.fetch_sub(1, Ordering::Relaxed);
    }
}
